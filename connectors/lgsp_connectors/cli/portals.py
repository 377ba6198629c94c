"""`lgsp-connect status` and `retire`: how every portal stands, and one that is gone for good."""

import re
from typing import Annotated, Any

import typer

from lgsp.domain.connector_status import ConnectorStatus, Phase
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.reasons import show_known
from lgsp.domain.sources import judge_sources
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import emit_json, list_table, local_time, print_table, say
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.documents.faults import nearest
from lgsp.runtime.kafka.client import latest_by_key
from lgsp.runtime.kafka.connector_status import Statuses
from lgsp.runtime.kafka.topics import CHECKPOINTS, CONNECTOR_STATUS
from lgsp.runtime.settings import Settings
from lgsp_connectors.kit.config import PORTAL_ID
from lgsp_connectors.kit.log.status_log import StatusLog

_SHOWN = ("portal", "state", "level_at", "rows", "rejected")


def register(app: typer.Typer) -> None:
    """Add both."""

    @app.command()
    def status(data: Data = None, as_json: Json = False) -> None:
        """Show how each portal stands, by what its connector says of itself."""
        settings = need_broker(begin("connectors", data))
        found, words = _standing(settings)
        if as_json:
            emit_json({"portals": found, "findings": words})
            return
        rows = [
            [str(row[name]) if name != "level_at" else local_time(row["level"]) for name in _SHOWN]
            for row in found
        ]
        print_table(list_table("portals", _SHOWN, rows, codes=["portal"]))
        for finding in words:
            say(f"{finding['en']} [{finding['code']}]")

    @app.command()
    def retire(
        portal: Annotated[str, typer.Argument(help="Id of the portal.")],
        data: Data = None,
        as_json: Json = False,
    ) -> None:
        """Say that a portal is gone for good: it lowers the trust no more, its dossiers stay."""
        settings = need_broker(begin("connectors", data))
        if not re.fullmatch(PORTAL_ID, portal):
            raise ConfigurationError(
                f"portal id {portal!r}: lower-case letters, digits and - only"
            )
        with StatusLog(settings.bootstrap) as log:
            now, before = now_ms(), log.before(portal)
            if before is not None and before.is_alive(now):
                raise FatalError(f"the connector of portal {portal} runs: stop it first")
            if before is None:
                _refuse_unknown(portal, settings)
            known = before or ConnectorStatus(portal, now, None, {})
            said = known._replace(at=now, phase=Phase.RETIRED, problems={})
            log.publish(portal, said)
            if log.before(portal) != said:
                raise FatalError(f"portal {portal}: the log did not take it; try again")
        if as_json:
            emit_json({"portal": portal, "state": "retired"})
        else:
            say(f"portal {portal} is retired; a run of its connector takes that back")


def _refuse_unknown(portal: str, settings: Settings) -> None:
    """A portal of which there is neither a word nor a checkpoint is a slip of the pen."""
    kept = {
        key.decode("utf-8", "replace").partition("/")[0]
        for topic in (CHECKPOINTS, CONNECTOR_STATUS)
        for key in latest_by_key(settings.bootstrap, topic)
    }
    if portal in settings.expected_portals:
        raise ConfigurationError(
            f"portal {portal}: no connector ever spoke of it: take it out of LGSP_PORTALS"
        )
    if portal not in kept:
        raise ConfigurationError(
            f"portal {portal}: no connector ever spoke of it{nearest(portal, sorted(kept))}"
        )


def _standing(settings: Settings) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    statuses = Statuses()
    for key, value in latest_by_key(settings.bootstrap, CONNECTOR_STATUS).items():
        statuses.take(key, value)
    said = {status.portal: status for status in statuses.all()}
    now = now_ms()
    portals, findings = judge_sources(
        [], list(said.values()), until=now, now=now, calendar=load_calendar(settings.calendar_file)
    )
    rows = [
        portal.document()
        | {
            "level": portal.level_at,
            **{
                name: getattr(said[portal.portal], name)
                for name in ("phase", "rows", "rejected", "left", "problems", "failure")
            },
            "said_at": show_known(said[portal.portal].at),
        }
        for portal in portals
    ]
    return rows, [finding.document() for finding in [*findings, *statuses.findings()]]
