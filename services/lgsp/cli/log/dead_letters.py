"""`lgsp dead-letters`: rejected records, why, and back again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from lgsp.domain.errors import ConfigurationError, RejectedRecord
from lgsp.domain.period import show_instant
from lgsp.runtime.commands.options import MOST, Data, Json, begin
from lgsp.runtime.commands.output import emit, list_table, local_time, table
from lgsp.runtime.commands.reach import need_broker
from lgsp.runtime.kafka.client import make_producer
from lgsp.runtime.letters.closed import note_closed
from lgsp.runtime.letters.dead_letters import DeadLetter, Stage, close_letters, open_letters
from lgsp.runtime.letters.replay import as_line, open_payload, replay
from lgsp.runtime.sealing import key_file, load
from lgsp.runtime.settings import Settings

Reason = Annotated[str, typer.Option(help="Only letters of this reason.")]
Portal = Annotated[str, typer.Option(help="Only letters of this portal.")]
_SHORT = 10  # characters of a letter id that the table shows; any prefix names a letter


def register(app: typer.Typer) -> None:
    """Add `lgsp dead-letters list|show|replay|close`."""
    group = typer.Typer(help="Rejected records.", no_args_is_help=True)
    app.add_typer(group, name="dead-letters")

    @group.command("list")
    def list_letters(
        reason: Reason = "",
        portal: Portal = "",
        limit: Annotated[int, typer.Option(min=1, max=MOST, help="Most letters shown.")] = 100,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Show the open letters by reason and portal: where, which field, which value."""
        found = _matching(open_letters(_settings(data).bootstrap), reason, portal)
        groups = Counter((letter.reason, letter.portal, letter.stage.value) for letter in found)
        shown = sorted(found, key=lambda letter: (letter.reason, letter.portal, letter.origin))
        document = {
            "open": len(found),
            "groups": [
                {"reason": reason, "portal": portal, "stage": stage, "letters": count}
                for (reason, portal, stage), count in groups.most_common()
            ],
            "letters": [_document(letter) for letter in shown[:limit]],
        }
        emit(document, as_json=json, render=lambda: _table(shown[:limit], groups, len(found)))

    @group.command("show")
    def show(
        letter: Annotated[str, typer.Argument(help="Letter id, or its beginning.")],
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Show one letter, and its record in clear when the sealing keys are here."""
        settings = _settings(data)
        found = _one(open_letters(settings.bootstrap), letter)
        document = _document(found) | {"record": _record(found, settings)}
        shown = document | {"rejected_at": local_time(found.rejected_at)}
        emit(document, as_json=json, render=lambda: table("Dead letter", shown))

    @group.command("replay")
    def replay_letters(
        letters: Annotated[list[str] | None, typer.Argument(help="Letter ids.")] = None,
        every: Annotated[bool, typer.Option("--all", help="All that match.")] = False,
        reason: Reason = "",
        portal: Portal = "",
        out: Annotated[
            Path | None, typer.Option(help="New JSONL file for the portals' records, in clear.")
        ] = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Put records back on the log, or portals' records into a file, and close the letters."""
        settings = _settings(data)
        chosen = _chosen(settings, letters, every=every, reason=reason, portal=portal)
        producer = make_producer(settings.bootstrap)
        try:
            done = None
            if chosen:
                sealer = load(key_file(settings))
                done = replay(chosen, sealer, producer, out, settings.events_topic)
        finally:
            producer.close()
        document: dict[str, Any] = asdict(done) if done else {"to_log": 0, "to_file": 0}
        document["out"] = str(out) if done and done.to_file else None
        emit(document, as_json=json, render=lambda: table("Replayed", document))

    @group.command("close")
    def close(
        why: Annotated[str, typer.Option(help="Why the records need not be counted.")],
        letters: Annotated[list[str] | None, typer.Argument(help="Letter ids.")] = None,
        every: Annotated[bool, typer.Option("--all", help="All that match.")] = False,
        reason: Reason = "",
        portal: Portal = "",
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Close letters whose records nobody wants any more; noted in closed-letters.jsonl."""
        if not why.strip():
            raise ConfigurationError("--why: say why the records need not be counted")
        settings = _settings(data)
        chosen = _chosen(settings, letters, every=every, reason=reason, portal=portal)
        noted = note_closed(settings.data, chosen, why.strip())
        producer = make_producer(settings.bootstrap)
        try:
            close_letters(producer, chosen)
        finally:
            producer.close()
        document = {"closed": len(chosen), "noted": str(noted)}
        emit(document, as_json=json, render=lambda: table("Closed", document))


def _chosen(
    settings: Settings, letters: Sequence[str] | None, *, every: bool, reason: str, portal: str
) -> list[DeadLetter]:
    """Give the open letters that are named by their ids, or all that match."""
    if bool(letters) == every:
        raise ConfigurationError("name letter ids, or --all (with --reason, --portal)")
    found = _matching(open_letters(settings.bootstrap), reason, portal)
    return found if every else [_one(found, letter) for letter in letters or []]


def _settings(data: Path | None) -> Settings:
    return need_broker(begin("dead-letters", data))


def _matching(letters: Sequence[DeadLetter], reason: str, portal: str) -> list[DeadLetter]:
    return [
        letter
        for letter in letters
        if (not reason or letter.reason == reason) and (not portal or letter.portal == portal)
    ]


def _one(letters: Sequence[DeadLetter], prefix: str) -> DeadLetter:
    found = [letter for letter in letters if letter.letter_id.startswith(prefix)]
    if len(found) != 1:
        raise ConfigurationError(f"{len(found)} open letters have an id that begins {prefix!r}")
    return found[0]


def _record(letter: DeadLetter, settings: Settings) -> str:
    try:
        payload = open_payload(letter, load(key_file(settings)))
    except (ConfigurationError, RejectedRecord) as error:
        return f"sealed: {error}"
    if letter.stage is Stage.CONNECTOR:
        return as_line(payload).decode().rstrip("\n")
    return payload.hex(" ")


def _document(letter: DeadLetter) -> dict[str, Any]:
    document = {name: value for name, value in asdict(letter).items() if name != "payload"}
    at = show_instant(letter.rejected_at)
    return document | {"stage": letter.stage.value, "rejected_at": at}


def _table(
    letters: Sequence[DeadLetter], groups: Counter[tuple[str, str, str]], total: int
) -> Table:
    rows: list[tuple[str | Text, ...]] = []
    last: tuple[str, str, str] | None = None
    for letter in letters:
        group = (letter.reason, letter.portal, letter.stage.value)
        if group != last:
            who = letter.portal or letter.stage.value
            what = f"{who}: {groups[group]:,}"
            rows.append((Text(letter.reason, "bold"), what, "", "", ""))
            last = group
        short = letter.letter_id[:_SHORT]
        rows.append((short, letter.origin, letter.field, letter.value, letter.detail))
    columns = ("Letter", "Origin", "Field", "Value", "Detail")
    return list_table(f"Open dead letters: {total:,}", columns, rows, codes=["Letter", "Origin"])
