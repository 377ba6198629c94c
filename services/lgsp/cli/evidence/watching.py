"""Keeps evidence of the calls that a command makes to the national portal."""

from collections.abc import Iterator
from contextlib import contextmanager

from lgsp.delivery.evidence.recorder import Recorder, system_user
from lgsp.delivery.evidence.writer import EvidenceWriter
from lgsp.national.witness import NationalWitness
from lgsp.runtime.clock import now_ms
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import Settings
from lgsp.store.evidence.opening import open_evidence


@contextmanager
def witnessed(settings: Settings, command: str) -> Iterator[NationalWitness]:
    """Give who keeps evidence of a command's calls, in the name of the system's user.

    Raises:
        ConfigurationError: the store of evidence or the keys are set wrongly.
        StoreAway: it cannot be opened now.
    """
    sealer = load_or_create(key_file(settings))
    engine = open_evidence(settings.evidence_store)
    try:
        with EvidenceWriter(engine, now_ms) as writer:
            who = f"{system_user()} by {command}"
            yield NationalWitness(Recorder(writer, sealer, now_ms, who))
    finally:
        engine.dispose()
