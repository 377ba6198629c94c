"""The contenders: one module each, each run in a process of its own, and what was tuned."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One row of the table.

    `computes` contenders must end with the expected figures. A `slow` one gets fewer events in
    the short form, and `most` bounds them in every form; `tuned` says what differs from its
    library's defaults.
    """

    name: str
    module: str
    computes: bool = True
    options: tuple[str, ...] = ()
    slow: bool = False
    most: int | None = None
    tuned: str


_AIOKAFKA = "fetch 50 MB, 4 MB a partition, 5,000 records a poll"
_FAUST = f"{_AIOKAFKA}, commit every 1 s, stream buffer 16,384, producer lingers 20 ms, 256 KiB"
_LIBRDKAFKA = "queued.min.messages 200,000, fetch.message.max.bytes 4 MB"

CONTENDERS = (
    Contender(name="raw", module="raw", computes=False, tuned=_AIOKAFKA),
    Contender(name="decode", module="decode", computes=False, tuned=_AIOKAFKA),
    Contender(name="ours", module="ours", tuned="nothing: the settings' defaults"),
    Contender(
        name="ours-plain",
        module="ours",
        slow=True,
        options=("--plain",),
        tuned="nothing: the settings' defaults",
    ),
    Contender(
        name="kafka-streams",
        module="kstreams",
        tuned="one stream thread; RocksDB stores with 256 MB record cache and changelogs; commit"
        " every 5 s; poll 5,000 records, fetch 4 MB a partition; linger 100 ms, batch 256 KiB",
    ),
    Contender(
        name="quix-state",
        module="quix_state",
        slow=True,
        tuned=f"state as bytes (no JSON); RocksDB with changelog; commit every 5 s; {_LIBRDKAFKA};"
        " producer lingers 100 ms",
    ),
    Contender(
        name="bytewax",
        module="bytewax_state",
        slow=True,
        tuned="batches of 5,000; recovery store with a snapshot every 5 s",
    ),
    Contender(
        name="confluent-dict",
        module="confluent_dict",
        slow=True,
        tuned=f"consume(5,000); {_LIBRDKAFKA}",
    ),
    Contender(
        name="faust-take",
        module="faust_take",
        slow=True,
        tuned=f"noack_take(1,000, 50 ms); {_FAUST}",
    ),
    Contender(
        name="faust-tables",
        module="faust_tables",
        slow=True,
        most=10_000,
        tuned=f"memory store with changelogs; values as bytes (no JSON); {_FAUST}",
    ),
)
BY_NAME = {contender.name: contender for contender in CONTENDERS}
