"""National status codes 1..10 (TrangThaiHoSo), and what they mean to a rule profile.

The codes are those of two independent integrators' full lists; no official transition matrix is
published, so what may follow what is the profile's to say (docs/adr/0006).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum


class Status(IntEnum):
    """The national portal's status of a dossier; the value is the wire code."""

    UNKNOWN = 0  # the source's word is not mapped: held and listed, never sent
    REGISTERED = 1  # mới đăng ký
    RECEIVED = 2  # được tiếp nhận
    REFUSED = 3  # không được tiếp nhận
    PROCESSING = 4  # đang xử lý
    SUPPLEMENT_REQUIRED = 5  # yêu cầu bổ sung giấy tờ
    PAYMENT_REQUIRED = 6  # yêu cầu thực hiện nghĩa vụ tài chính
    WITHDRAWN = 7  # công dân yêu cầu rút hồ sơ
    STOPPED = 8  # dừng xử lý
    PROCESSED = 9  # đã xử lý xong
    RESULT_RETURNED = 10  # đã trả kết quả


OFFICIAL_WORDS: Mapping[Status, str] = {
    Status.REGISTERED: "Mới đăng ký",
    Status.RECEIVED: "Được tiếp nhận",
    Status.REFUSED: "Không được tiếp nhận",
    Status.PROCESSING: "Đang xử lý",
    Status.SUPPLEMENT_REQUIRED: "Yêu cầu bổ sung giấy tờ",
    Status.PAYMENT_REQUIRED: "Yêu cầu thực hiện nghĩa vụ tài chính",
    Status.WITHDRAWN: "Công dân yêu cầu rút hồ sơ",
    Status.STOPPED: "Dừng xử lý",
    Status.PROCESSED: "Đã xử lý xong",
    Status.RESULT_RETURNED: "Đã trả kết quả",
}
"""The statuses as the national portal's documents word them."""


class Verdict(Enum):
    """What the transition table says of one step."""

    LEGAL = "legal"
    SKIPPED = "skipped"  # reachable, but steps between were not observed: takes effect
    REOPENED = "reopened"  # leaves an end state on the source's explicit word: takes effect
    ILLEGAL = "illegal"  # kept and listed, but does not take effect
    UNMAPPED = "unmapped"  # status UNKNOWN: kept and listed, but does not take effect
    REPLACED = "replaced"  # its source said otherwise later: kept and listed
    HELD = "held"  # another source ended the dossier and has not opened it again: kept and listed
    REMOVED = "removed"  # the source said that it no longer holds the dossier


WITHOUT_EFFECT = frozenset(
    {Verdict.ILLEGAL, Verdict.UNMAPPED, Verdict.REPLACED, Verdict.HELD, Verdict.REMOVED}
)

Flags = tuple[bool, ...]
"""One for each Status, by its code: an index costs a fifth of a look into a set of an Enum."""


@dataclass(frozen=True, eq=False, kw_only=True)
class StatusSemantics:
    """What the statuses mean to a rule profile, and which may follow which; compared by identity.

    Attributes:
        next: of every mapped status, those that may follow it.
        suspending: the dossier waits for the citizen: the clock stands.
        finished: the work has ended with an outcome; in the order in which they give the
            finishing time (the first of them that was reached).
        refused: not accepted.
        withdrawn: taken back by the citizen.
        ended: left on the source's explicit word only (`reopens`, a correction).
        passed_unseen: of an ended status, what is reachable although it was not observed itself.
        not_received: mean "not received" when nothing else was stated, whatever the dates say.
        silent_on_reception: may come before the reception, so they imply none.
        takes: `takes[reopens][old][new]`: whether the step takes effect. UNKNOWN as `old`: nothing
            has taken effect yet.
        skips: `skips[old][new]`: whether steps between the two were not observed.
        suspends, finishes, refuses, withdraws, ends, denies_reception, implies_reception: the sets
            above as flags.
        closes: whether a dossier that stands so is no longer open: finished, refused, withdrawn or
            ended.
    """

    next: Mapping[Status, frozenset[Status]]
    suspending: frozenset[Status]
    finished: tuple[Status, ...]
    refused: frozenset[Status]
    withdrawn: frozenset[Status]
    ended: frozenset[Status]
    passed_unseen: Mapping[Status, frozenset[Status]]
    not_received: frozenset[Status]
    silent_on_reception: frozenset[Status]
    takes: tuple[tuple[Flags, ...], tuple[Flags, ...]] = field(init=False, repr=False)
    skips: tuple[Flags, ...] = field(init=False, repr=False)
    suspends: Flags = field(init=False, repr=False)
    finishes: Flags = field(init=False, repr=False)
    refuses: Flags = field(init=False, repr=False)
    withdraws: Flags = field(init=False, repr=False)
    ends: Flags = field(init=False, repr=False)
    closes: Flags = field(init=False, repr=False)
    denies_reception: Flags = field(init=False, repr=False)
    implies_reception: Flags = field(init=False, repr=False)
    _reachable: Mapping[Status, frozenset[Status]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the tables; ValueError when a mapped status is not in `next`."""
        mapped = frozenset(Status) - {Status.UNKNOWN}
        if set(self.next) != mapped:
            raise ValueError(f"next must name {sorted(mapped)}, not {sorted(self.next)}")
        reachable = {s: frozenset() if s in self.ended else self._beyond(s) for s in mapped}
        closing = self.ended | self.refused | self.withdrawn | frozenset(self.finished)
        silent = self.not_received | self.silent_on_reception | {Status.UNKNOWN}
        derived = {
            "_reachable": reachable,
            "suspends": _flags(self.suspending),
            "finishes": _flags(frozenset(self.finished)),
            "refuses": _flags(self.refused),
            "withdraws": _flags(self.withdrawn),
            "ends": _flags(self.ended),
            "closes": _flags(closing),
            "denies_reception": _flags(self.not_received),
            "implies_reception": _flags(frozenset(Status) - silent),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "takes", (self._takes(False), self._takes(True)))
        skipped = Verdict.SKIPPED
        skips = tuple(tuple(self.verdict(a, b) is skipped for b in Status) for a in Status)
        object.__setattr__(self, "skips", skips)

    def verdict(self, old: Status, new: Status, *, reopens: bool = False) -> Verdict:
        """Judge the step from `old` to `new`.

        Args:
            old: status in effect; UNKNOWN: none, then any mapped one is legal.
            new: status stated next, in (occurred_at, sequence, event_id) order.
            reopens: the source says that the dossier is open again (a correction).
        """
        if new is Status.UNKNOWN:
            return Verdict.UNMAPPED
        if old is Status.UNKNOWN or new is old or new in self.next[old]:
            return Verdict.LEGAL
        if new in self._reachable[old]:
            return Verdict.SKIPPED
        return Verdict.REOPENED if reopens and old in self.ended else Verdict.ILLEGAL

    def _takes(self, reopens: bool) -> tuple[Flags, ...]:
        return tuple(
            tuple(self.verdict(old, new, reopens=reopens) not in WITHOUT_EFFECT for new in Status)
            for old in Status
        )

    def _beyond(self, start: Status) -> frozenset[Status]:
        """Return what can be reached; the way on from an end is a correction, not a step."""
        seen: set[Status] = set()
        todo = [start]
        while todo:
            for step in self.next[todo.pop()] - seen:
                seen.add(step)
                if step not in self.ended:
                    todo.append(step)
                else:
                    seen |= self.passed_unseen.get(step, frozenset())
        return frozenset(seen)


def _flags(statuses: frozenset[Status]) -> Flags:
    return tuple(status in statuses for status in Status)
