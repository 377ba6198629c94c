"""Each fault once, on real parts: the label falls while figures are wrong, and rises by itself."""

from pathlib import Path

import pytest

from lgsp.domain import connector_status
from tests.chaos.faults import Game
from tests.chaos.installation import installation
from tests.chaos.sampler import Sampler, Truth
from tests.waiting import wait_until

_BOUND = 25.0  # seconds: a connector that lives may take fifteen to see a file


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_no_figure_is_full_while_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connector_status, "DEAD_AFTER", 5000)
    with (
        installation(tmp_path) as it,
        Sampler(it.ask, Truth(received=0), _BOUND) as sampler,
    ):
        game = Game(it, sampler)
        game.change(20)
        game.right_again()
        for fault in game.mended:
            fault()
        game.log_is_made_anew()

    assert sampler.lies() == []


def test_the_sampler_finds_a_figure_that_lies() -> None:
    truth = Truth(received=1)
    said = {"counts": {"received": 1, "open": 7}, "trust": "full", "trust_findings": []}
    with Sampler(lambda: said, truth, 0.05) as sampler:
        wait_until("it is right", sampler.is_right)
        truth.add(received=1)
        since = len(sampler.samples)
        wait_until("some samples", lambda: len(sampler.samples) >= since + 10)

    assert sampler.lies()
    assert all(lie.truths == ({"received": 2},) for lie in sampler.lies())
    sampler.samples[:] = [s._replace(trust="provisional") for s in sampler.samples]
    assert sampler.lies() == []
