"""The page for scripts says what the commands do: kinds, exit codes, the documents."""

import json
import re
from pathlib import Path

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.runtime.commands.errors import Kind, failed, failure_of

PAGE = (Path(__file__).parents[2] / "docs/how-to/scripts.md").read_text("utf-8")


def test_every_kind_stands_there_with_its_exit_code() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", PAGE, re.MULTILINE))
    assert set(rows) == set(Kind)
    assert rows["configuration"] == str(failure_of(ConfigurationError("x")).exit_code)
    assert rows["failed"] == str(failed("x").exit_code)
    assert rows["interrupted"] == str(failure_of(KeyboardInterrupt()).exit_code)


def test_the_error_document_is_as_shown() -> None:
    (shown,) = [
        block for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL) if '"error"' in block
    ]
    fault = Fault(
        message="unknown key; did you mean path?", file="p.yaml", line=5, key="source.pth"
    )
    assert json.loads(shown) == failure_of(ConfigurationError([fault])).document()
