"""What the how-tos show is done here as it stands there, and does what they say."""

import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from lgsp.domain.profiles import two_rates
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures
from tests.domain.test_standing import R, S, at, dossier
from tests.ioc.feeds import running
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history

HOW_TO = Path(__file__).parents[2] / "docs/how-to"


def snippets(page: str) -> list[str]:
    found = re.findall(r"```python\n(.*?)```", (HOW_TO / page).read_text("utf-8"), re.DOTALL)
    assert found
    return found


def test_an_indicator_is_one_entry(tmp_path: Path) -> None:
    (entry,) = snippets("add-an-indicator.md")
    rate = eval(entry, vars(two_rates))  # noqa: S307 - our own page
    measures = replace(SIMPLE.measures, rates=(*SIMPLE.measures.rates, rate))
    profile = replace(SIMPLE, measures=measures)
    engine: Engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    fill(engine, history(random.Random(7), dossiers=60), profile=profile)
    with running(Figures(engine, profile, CALENDAR, lambda: NOW), NOW) as feed:
        document = feed.json("/api/v1/indicators")
        behind = feed.json("/api/v1/explain?figure=early_rate&limit=1000")
    engine.dispose()
    counts, early = document["counts"], document["rates"]["early_rate"]

    assert counts["resolved_early"] == early["numerator"] == len(behind["dossiers"]) > 0
    assert counts["resolved"] == early["denominator"]
    assert early["value"] is not None


def test_a_rule_profile_is_one_object() -> None:
    module: dict[str, Any] = {}
    exec(snippets("add-a-rule-profile.md")[0], module)  # noqa: S102 - our own page
    profile: Profile = module["DATE"]
    late = dossier(R, (S.PROCESSED, "01-12 23:59", {}))  # due 01-12 17:00
    stands = {
        p.name: p.standing(late, CALENDAR, at("06-30 00:00") or 0) for p in (SIMPLE, profile)
    }

    assert {"simple": State.LATE, "date": State.ON_TIME} == {
        name: standing.state for name, standing in stands.items()
    }
