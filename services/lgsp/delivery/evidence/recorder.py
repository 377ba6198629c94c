"""Turns a call to a receiver, or an order of a person, into entries of evidence."""

import getpass
import os
import secrets
import socket
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple

from lgsp.delivery.evidence.writer import EvidenceWriter
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind, Judged
from lgsp.runtime.personal import mask
from lgsp.runtime.sealing import Sealer
from lgsp.runtime.text import printable

_LONGEST = 500  # characters of a message
_LONGEST_NAME = 100  # of an id or a code of the other side


class OpenCall(NamedTuple):
    """A call that is about to go out; `began` in monotonic seconds."""

    dossier: str
    service: str
    statuses: str
    id: str
    began: float


class Answered(NamedTuple):
    """What came of a call, as in EvidenceEntry; `statuses` are those that a question found."""

    judged: Judged
    http: int = 0
    code: str = ""
    message: str = ""
    theirs: str = ""
    statuses: str = ""


class Recorder:
    """Records the calls of one worker, or of a command.

    Args:
        writer: makes entries durable.
        sealer: seals payloads.
        clock: gives now in ms UTC.
        who: asks; "": a worker, by machine and process.
    """

    def __init__(
        self, writer: EvidenceWriter, sealer: Sealer, clock: Callable[[], int], who: str = ""
    ) -> None:
        self._writer, self._sealer, self._clock = writer, sealer, clock
        self._who = shown(who) or f"worker {socket.gethostname()}/{os.getpid()}"

    def begin(self, dossier: str, service: str, statuses: str = "") -> OpenCall:
        """Begin a call; of a question nothing is kept until it has ended."""
        return OpenCall(shown(dossier), service, statuses, secrets.token_hex(8), time.monotonic())

    async def ask(self, call: OpenCall, payload: bytes) -> None:
        """Return when it is durable that this write goes out; errors as of the writer."""
        await self._writer.write(
            EvidenceEntry(
                self._clock(),
                EvidenceKind.ASKED,
                call.dossier,
                call.service,
                call.id,
                self._who,
                call.statuses,
                sealed=seal_payload(self._sealer, payload, call.dossier, call.id),
            )
        )

    async def answer(self, call: OpenCall, answered: Answered) -> None:
        """Return when it is durable what came of a write, however long that takes."""
        await self._writer.write(self._entry(EvidenceKind.ANSWERED, call, answered), patient=True)

    def leave_answer(self, call: OpenCall, answered: Answered) -> None:
        """Keep what came of a write whose caller cannot wait any more."""
        self._writer.leave(self._entry(EvidenceKind.ANSWERED, call, answered))

    def read(self, call: OpenCall, answered: Answered) -> None:
        """Keep a question and its answer in one row; it is durable before any later write."""
        self._writer.leave(self._entry(EvidenceKind.READ, call, answered))

    def _entry(self, kind: EvidenceKind, call: OpenCall, answered: Answered) -> EvidenceEntry:
        return EvidenceEntry(
            self._clock(),
            kind,
            call.dossier,
            call.service,
            call.id,
            self._who,
            shown(answered.statuses),
            answered.http,
            shown(answered.code),
            shown(mask(answered.message), _LONGEST),
            shown(mask(answered.theirs)),
            answered.judged,
            round((time.monotonic() - call.began) * 1000),
        )


def order_of(dossier: str, name: str, who: str, why: str, now: int) -> EvidenceEntry:
    """Return the entry of a person's order; `who` "": the user of the operating system."""
    said = shown(mask(why), _LONGEST)
    return EvidenceEntry(
        now, EvidenceKind.HAND, dossier, name, who=shown(who) or system_user(), message=said
    )


def system_user() -> str:
    """Return the name of the operating system's user, or his number."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"user {os.getuid()}"


def seal_payload(sealer: Sealer, payload: bytes, dossier: str, call: str) -> bytes:
    """Compress and seal what is sent; it opens for this dossier's row of this call only."""
    return sealer.seal(zlib.compress(payload, 1), _bound_to(dossier, call))


def open_payload(sealer: Sealer, sealed: bytes, dossier: str, call: str) -> bytes:
    """Return what was sent.

    Raises:
        RejectedRecord: UNREADABLE: it was sealed by another key, or is of another row.
    """
    return zlib.decompress(sealer.open(sealed, _bound_to(dossier, call)))


def shown(text: str, longest: int = _LONGEST_NAME) -> str:
    """Return a text as it may stand in a row: one printable line, not endless."""
    return printable(text[:longest])


def _bound_to(dossier: str, call: str) -> str:
    return f"evidence {dossier} {call}"
