"""The promises that every connector keeps, as test classes: subclass one and give it a `rig`.

    class TestMyPortal(HttpContract):
        @pytest.fixture
        async def rig(self) -> AsyncIterator[MyRig]: ...

The tests are plain coroutines; run them with pytest in asyncio mode `auto`.
"""
# ruff: noqa: S101 - assertions are what this module is for

import re
import time
from collections.abc import Iterable
from itertools import pairwise
from typing import Protocol

from structlog.testing import capture_logs

from lgsp.domain.dossier import current_status, merge_all
from lgsp.domain.errors import FatalError
from lgsp.domain.event import DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.contract import Connector
from lgsp_connectors.kit.testing import FakePortal

_MOST_PAGES = 50  # of the list that moves


class Rig(Protocol):
    """A portal under test control, with at least three pages of dossiers."""

    codes: set[str]
    """Codes of all dossiers that the portal shows now."""
    secrets: tuple[str, ...]
    """Texts that may never reach the logs: passwords, names, numbers of persons."""

    def connector(self) -> Connector:
        """Make a new connector to the portal."""
        ...

    def change(self) -> str:
        """Let one dossier move on, each time another one if it can; give its code."""
        ...

    def spoil(self) -> None:
        """Add one record that cannot be used, and after it one good dossier (in `codes`)."""
        ...

    def spoil_all(self) -> None:
        """Make every record of the portal unusable."""
        ...


class HttpRig(Rig, Protocol):
    """A rig whose portal is served over HTTP."""

    portal: FakePortal


class ConnectorContract:
    """What every pull connector promises."""

    async def test_names_itself_and_documents_its_settings(self, rig: Rig) -> None:
        """The name is usable in YAML; every key is described and unknown ones are errors."""
        connector = rig.connector()
        assert re.fullmatch(r"[a-z][a-z0-9-]*", connector.name)
        assert connector.settings.model_config.get("extra") == "forbid"
        for name, field in connector.settings.model_fields.items():
            assert field.description, f"{name} has no description"
        await connector.close()

    async def test_snapshot_reads_every_dossier_once(self, rig: Rig) -> None:
        """One run gives all dossiers, no event twice, nothing rejected."""
        bench = Bench()
        report = await bench.run(rig.connector())
        assert rig.codes == bench.sink.codes()
        assert len(bench.sink.ids()) == len(bench.sink.events) == report.events
        assert report.rejected == 0
        assert report.pages >= 3

    async def test_running_again_changes_nothing(self, rig: Rig) -> None:
        """A second run from the checkpoint states no new fact."""
        bench = Bench()
        await bench.run(rig.connector())
        known = bench.sink.ids()
        await bench.run(rig.connector())
        assert known == bench.sink.ids()

    async def test_stop_signal_leaves_a_valid_checkpoint(self, rig: Rig) -> None:
        """Stopped after one page, the next process goes on and ends with everything."""
        bench, whole = Bench(), Bench()
        await bench.run(rig.connector(), pages=1)
        assert bench.checkpoints.stored
        assert bench.sink.codes() < rig.codes
        await bench.run(rig.connector())
        await whole.run(rig.connector())
        assert whole.sink.ids() == bench.sink.ids()

    async def test_flushes_before_it_checkpoints(self, rig: Rig) -> None:
        """No checkpoint is stored while something before it is not on the log."""
        bench = Bench()
        await bench.run(rig.connector())
        for before, step in pairwise(bench.journal):
            if step == "checkpoint":
                assert before == "flush"
        assert "checkpoint" in bench.journal

    async def test_crash_before_the_checkpoint_emits_again_and_loses_nothing(
        self, rig: Rig
    ) -> None:
        """Between flush and checkpoint a crash costs at most repeats with the same ids."""
        bench, whole = Bench(), Bench()
        bench.checkpoints.fail_next = FatalError("crash")
        try:
            await bench.run(rig.connector())
        except FatalError:
            first = bench.sink.ids()
        await bench.run(rig.connector())
        await whole.run(rig.connector())
        assert first < whole.sink.ids()
        assert whole.sink.ids() == bench.sink.ids()
        assert len(bench.sink.events) <= len(whole.sink.events) + len(first)

    async def test_fetch_is_repeatable_and_mapping_is_pure(self, rig: Rig) -> None:
        """The same cursor gives the same records, and they give the same ids at any time."""
        ids = []
        for later in (0, 60_000):
            connector = rig.connector()
            page = await connector.fetch(connector.start(None))
            again = await connector.fetch(connector.start(None))
            assert [r.data for r in page.records] == [r.data for r in again.records]
            records = [r._replace(observed_at=r.observed_at + later) for r in page.records]
            ids.append([e.event_id for r in records for e in connector.to_events(r)])
            await connector.close()
        assert ids[0] == ids[1] != []

    async def test_sees_a_change_as_a_snapshot_would(self, rig: Rig) -> None:
        """A poll finds what changed, with the ids that reading everything anew gives."""
        bench, anew = Bench(), Bench()
        await bench.run(rig.connector())
        known = bench.sink.ids()
        code = rig.change()
        await bench.run(rig.connector())
        await anew.run(rig.connector())
        fresh = [e for e in bench.sink.events if e.event_id not in known]
        assert {code} == {e.dossier_code for e in fresh}
        assert {e.event_id for e in fresh} <= anew.sink.ids()

    async def test_misses_nothing_while_dossiers_move_and_it_is_killed(self, rig: Rig) -> None:
        """A dossier moves on after each page, and another process goes on: nothing is lost."""
        bench, anew = Bench(), Bench()
        for _ in range(_MOST_PAGES):
            report = await bench.run(rig.connector(), pages=1)
            if report.caught_up:
                break
            rig.change()
        report = await bench.run(rig.connector())
        assert report.caught_up
        await anew.run(rig.connector())
        assert _statuses(anew.sink.events).items() <= _statuses(bench.sink.events).items()
        assert rig.codes <= bench.sink.codes()

    async def test_parks_a_bad_record_and_goes_on(self, rig: Rig) -> None:
        """The bad record is a dead letter that says where and why; the good one is counted."""
        rig.spoil()
        bench = Bench()
        report = await bench.run(rig.connector())
        assert rig.codes == bench.sink.codes()
        assert report.rejected == len(bench.sink.rejects) == 1
        record, error = bench.sink.rejects[0]
        assert record.origin
        assert error.field or error.detail

    async def test_stops_when_nothing_fits(self, rig: Rig) -> None:
        """Too many rejects in a row stop the connector, and its checkpoint does not advance."""
        rig.spoil_all()
        bench = Bench()
        error = await _fatal(bench, rig.connector(), most_rejects=3)
        assert "max_consecutive_rejects" in str(error)
        assert len(bench.sink.rejects) >= 3
        assert not bench.checkpoints.stored

    async def test_logs_show_no_secret(self, rig: Rig) -> None:
        """Neither passwords nor persons are in the logs, not even when a record is bad."""
        assert rig.secrets
        rig.spoil()
        with capture_logs() as logs:
            await Bench().run(rig.connector())
        assert logs
        for secret in rig.secrets:
            assert secret not in str(logs)


class HttpContract(ConnectorContract):
    """What a connector over HTTP promises besides."""

    async def test_tries_again_what_may_pass(self, rig: HttpRig) -> None:
        """429, 500 and 503 and one broken body cost time, not data."""
        for status in (429, 500, 503):
            rig.portal.answer(status)
        rig.portal.answer(200, body='{"total": 1, "data"')
        bench = Bench()
        await bench.run(rig.connector())
        assert rig.codes == bench.sink.codes()

    async def test_honours_retry_after(self, rig: HttpRig) -> None:
        """It waits as long as the portal asks."""
        rig.portal.answer(503, retry_after="1")
        started = time.monotonic()
        await Bench().run(rig.connector())
        assert time.monotonic() - started >= 1

    async def test_gives_up_loudly(self, rig: HttpRig) -> None:
        """A portal that stays away stops the connector; the checkpoint does not advance."""
        rig.portal.always(503)
        bench = Bench()
        error = await _fatal(bench, rig.connector())
        assert "503" in str(error)
        assert not bench.checkpoints.stored

    async def test_access_denied_names_the_setting(self, rig: HttpRig) -> None:
        """401 and 403 are not tried again, but for one new login."""
        for status in (401, 403):
            rig.portal.requests.clear()
            rig.portal.always(status)
            assert "source.auth" in str(await _fatal(Bench(), rig.connector()))
            assert 1 <= len(rig.portal.requests) <= 2

    async def test_a_login_page_is_no_data(self, rig: HttpRig) -> None:
        """HTML with status 200, again and again, stops the connector."""
        rig.portal.always(200, body="<html>log in</html>")
        assert "HTML" in str(await _fatal(Bench(), rig.connector(), give_up_seconds=30))


def _statuses(events: Iterable[DossierEvent]) -> dict[str, Status]:
    dossiers = merge_all(events)
    return {code: current_status(d, SIMPLE.statuses) for code, d in dossiers.items()}


async def _fatal(
    bench: Bench,
    connector: Connector,
    *,
    give_up_seconds: float = 1,
    most_rejects: int = 100,
) -> FatalError:
    try:
        await bench.run(connector, give_up_seconds=give_up_seconds, most_rejects=most_rejects)
    except FatalError as error:
        return error
    raise AssertionError("it went on")
