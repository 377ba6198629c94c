"""kill -9 of every process in mid-backlog: the same figures, the same national state."""

import subprocess
from pathlib import Path

import pytest

from lgsp.cli.demo.compare import Differences, compare_national
from lgsp.runtime.httpget import get_json
from lgsp.simulation.spec import ProvinceSpec
from lgsp.simulation.truth import Truth
from lgsp.simulation.twin import simulate
from tests.e2e.stack import Up
from tests.waiting import wait_until

DOSSIERS = 600
PERIOD = "2024-H1"

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    """A small province with duplicates, disorder and records that nobody can use."""
    folder = tmp_path_factory.mktemp("twin") / "twin"
    spec = ProvinceSpec(dossiers=DOSSIERS, seed=7, duplicates=0.05, disorder=0.05, corrupt=0.01)
    return folder, simulate(spec, folder)


def check(up: Up, folder: Path, truth: Truth) -> None:
    """Everything is where it belongs: figures, national portal, dead letters."""
    assert up.run("drain", "--timeout", "120")["drained"]
    found = up.run("indicators", "--period", PERIOD)
    expected = truth.document()
    counts = expected["counts"] | {"open_overdue": expected["open_overdue_later"]}
    assert {name: found["counts"][name] for name in counts} == counts
    assert found["rates"]["on_time_rate"] == expected["rates"]["on_time_rate"]
    wait_until("the feed agrees", lambda: _feed(up)["counts"] == found["counts"])
    differences = Differences()
    national = compare_national(f"http://127.0.0.1:{up.mock}", folder, differences)
    assert differences.shown() == {"count": 0, "first": []}
    assert national["equal"] == national["expected"] == national["found"]
    letters = up.run("dead-letters", "list")
    assert len(letters["letters"]) == expected["corrupt_rows"]


def _feed(up: Up) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = get_json(
        f"http://127.0.0.1:{up.feed}/api/v1/indicators", {"period": PERIOD}
    )
    return found


def test_kill_9_of_every_process_in_mid_replay_changes_nothing(
    twin: tuple[Path, Truth], tmp_path: Path
) -> None:
    folder, truth = twin
    config = str(folder / "connector.yaml")
    with Up(tmp_path / "data") as up, up.connector("run", config, "--once") as connector:
        for words in (
            ("worker", "rates"),
            ("worker", "national-sync"),
            ("feed",),
            ("mock", "national"),
            ("kafka.Kafka",),
        ):
            before = _calls(up)
            pid = up.child(*words)
            up.kill(*words)
            wait_until(f"{words} is back", lambda w=words, p=pid: up.is_back(p, *w))  # type: ignore[misc]
            # A broker that has just been started does not answer yet.
            wait_until("the broker answers", lambda: "drained" in _drain(up))
            wait_until("it moves again", lambda b=before: _calls(up) > b or _idle(up))  # type: ignore[misc]
        # The connector waits out the broker's absence or, killed by it, resumes at its checkpoint.
        if _wait(connector) != 0:
            up.run("run", config, "--once", module="lgsp_connectors.cli")
        check(up, folder, truth)

        again = up.run("run", config, "--once", module="lgsp_connectors.cli")
        assert again["records"] == 0
        rebuilt = up.run("rebuild", "--into", f"sqlite:///{tmp_path / 'rebuilt.db'}")
        assert rebuilt["equal"]
        assert up.stop() == 0

    with Up(tmp_path / "data") as up:  # the state survives a restart of everything
        check(up, folder, truth)


def _wait(connector: subprocess.Popen[bytes]) -> int:
    return connector.wait(180)


def _calls(up: Up) -> int:
    try:
        page = get_json(f"http://127.0.0.1:{up.mock}/api/summary", {}, timeout=2)
    except Exception:  # noqa: BLE001 - it was just killed
        return 0
    return sum(row["calls"] for row in page["calls"])


def _idle(up: Up) -> bool:
    return bool(_drain(up).get("drained"))


def _drain(up: Up) -> dict[str, object]:
    # With the broker just killed the answer is an error.
    found: dict[str, object] = up.run("drain", "--timeout", "0", ok=False)
    return found
