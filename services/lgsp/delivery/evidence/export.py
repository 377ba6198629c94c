"""Writes the evidence of one dossier for an auditor, who can check its hashes without us."""

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from lgsp.domain.evidence.chain import ChainHead
from lgsp.domain.evidence.row import NOTHING, EvidenceRow, beginning, hashed_text
from lgsp.domain.period import show_instant
from lgsp.runtime.private import create_private
from lgsp.store.evidence.reading import Linked

CHECK = """\
import base64, hashlib, json, sys
before = "0" * 64
for number, line in enumerate(open(sys.argv[1], "rb"), 1):
    line = line.rstrip(b"\\n")
    given, row = json.loads(line), line.split(b',"row":', 1)[1][:-1]
    clear = json.loads(row)
    assert hashlib.sha256(row).hexdigest() == given["hash"], f"line {number}: the hash differs"
    assert clear["dossier_before"] == before, f"line {number}: a line before it is missing"
    if given["sealed"] is not None:
        sealed = hashlib.sha256(base64.b64decode(given["sealed"])).hexdigest()
        assert sealed == clear["sealed_hash"], f"line {number}: the payload differs"
    before = given["hash"]
print("every hash is right; the last one is", before)
"""


def export(
    out: Path,
    code: str,
    linked: Sequence[Linked],
    head: ChainHead,
    heads: Sequence[ChainHead],
    opened: Callable[[EvidenceRow], object] | None,
) -> Path:
    """Write the rows as JSON lines into `out`, and beside it how to check them; return that file.

    Args:
        out: a new file; only its owner reads it.
        code: of the dossier.
        linked: its rows.
        head: of the store.
        heads: that were published of this store.
        opened: gives what was sent in a row in clear; None: it stays sealed.

    Raises:
        OSError: it cannot be written, or is there already.
    """
    readme = out.with_name(f"{out.name}.README.md")
    for path in (out, readme):
        if path.exists():
            raise FileExistsError(17, "it is there already: name a new file", str(path))
        create_private(path)
    lines, dossier_before = [], NOTHING
    for row, before, _, _ in linked:
        whole = beginning(head.store) if row.seq == 1 else before
        text = hashed_text(row, whole or b"", dossier_before)
        sealed = None if row.sealed is None else base64.b64encode(row.sealed).decode()
        clear = "" if opened is None else f',"opened":{json.dumps(opened(row))}'
        lines.append(
            f'{{"hash":"{row.hash.hex()}","sealed":{json.dumps(sealed)}{clear},"row":{text}}}\n'
        )
        dossier_before = row.hash
    out.write_text("".join(lines), "utf-8")
    readme.write_text(_readme(out, code, [each.row for each in linked], head, heads), "utf-8")
    return readme


def _readme(
    out: Path, code: str, rows: Sequence[EvidenceRow], head: ChainHead, heads: Sequence[ChainHead]
) -> str:
    last = rows[-1].seq
    after = sorted((each for each in heads if each.seq >= last), key=lambda each: each.seq)[:3]
    published = "\n".join(
        f"- {show_instant(each.at)}: row {each.seq}, hash `{each.hash.hex()}`" for each in after
    )
    return f"""# Evidence of dossier {code}

`{out.name}` holds {len(rows)} rows, one a line, in their order: what was sent to the national portal, when, and what it answered.
It was written {show_instant(head.at)} or later from the store `{head.store}`, which had {head.seq} rows then.

## A line

`row` is what was written at the time: `at` in ms since 1970 (UTC), `kind` (`asked`: sent; `answered`: what came of it, with the same `call`; `read`: a question and its answer; `hand`: a person's order; `erased`: payloads erased by order), `service`, `statuses`, `http`, `code` and `message` of the answer, `judged`: what it was taken for, `who`.
`hash` is the SHA-256 of exactly these bytes of the line: what stands after `"row":` up to the last brace but one.
`sealed` is what was sent, compressed and encrypted; `sealed_hash` of the row is its SHA-256.
`null` where nothing was sent, or where a person's data were erased by order: the hash stands.
An `asked` without an `answered` of the same `call`: no answer is known.

## Check it by hand

One line, the third:

```sh
sed -n 3p {out.name} | sed 's/^.*,"row":\\(.*\\)}}$/\\1/' | tr -d '\\n' | sha256sum
```

All lines, with Python and nothing else:

```python
{CHECK}```

`dossier_before` of each row is the hash of the line before, so none can be taken out, put in or changed without changing all that follow.
`before` is the hash of the row before it of all dossiers: `lgsp evidence verify` checks these where the whole is.

## What was published

The end of the whole is published to the topic `evidence-heads` every few seconds. The first ones after the last row here:

{published or "- none is known"}
"""  # noqa: E501 - one sentence a line
