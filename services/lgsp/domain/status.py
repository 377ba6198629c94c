"""National status codes 1..10 (TrangThaiHoSo) and what may follow what.

The codes are those of two independent integrators' full lists; no official transition matrix is
published, so the table is our inference from their code (docs/adr/0006) and one place to change.
"""

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


SUSPENDING = frozenset({Status.SUPPLEMENT_REQUIRED, Status.PAYMENT_REQUIRED})
FINISHED = frozenset({Status.STOPPED, Status.PROCESSED, Status.RESULT_RETURNED})
NOT_RECEIVED = frozenset({Status.REGISTERED, Status.REFUSED})

_S = Status
NEXT: dict[Status, frozenset[Status]] = {
    _S.REGISTERED: frozenset({_S.RECEIVED, _S.REFUSED, _S.SUPPLEMENT_REQUIRED, _S.WITHDRAWN}),
    _S.RECEIVED: frozenset(
        {
            _S.PROCESSING,
            _S.SUPPLEMENT_REQUIRED,
            _S.PAYMENT_REQUIRED,
            _S.WITHDRAWN,
            _S.STOPPED,
            _S.PROCESSED,
        }
    ),
    _S.PROCESSING: frozenset(
        {
            _S.SUPPLEMENT_REQUIRED,
            _S.PAYMENT_REQUIRED,
            _S.WITHDRAWN,
            _S.STOPPED,
            _S.PROCESSED,
        }
    ),
    _S.SUPPLEMENT_REQUIRED: frozenset({_S.RECEIVED, _S.PROCESSING, _S.WITHDRAWN, _S.STOPPED}),
    _S.PAYMENT_REQUIRED: frozenset({_S.PROCESSING, _S.WITHDRAWN, _S.STOPPED, _S.PROCESSED}),
    _S.WITHDRAWN: frozenset({_S.STOPPED, _S.PROCESSING}),
    _S.PROCESSED: frozenset({_S.RESULT_RETURNED, _S.PAYMENT_REQUIRED}),
    _S.REFUSED: frozenset(),
    _S.STOPPED: frozenset(),
    _S.RESULT_RETURNED: frozenset(),
}


class Verdict(Enum):
    """What the transition table says of one step."""

    LEGAL = "legal"
    SKIPPED = "skipped"  # reachable, but steps between were not observed: takes effect
    REOPENED = "reopened"  # leaves an end state on the source's explicit word: takes effect
    ILLEGAL = "illegal"  # kept and listed, but does not take effect
    UNMAPPED = "unmapped"  # status UNKNOWN: kept and listed, but does not take effect


# After 9 the way back through 6 (a fee found afterwards) must not make 9 -> 4 look reachable:
# that is a correction, and only the source's explicit word reopens a dossier.
ENDED = frozenset({Status.REFUSED, Status.STOPPED, Status.PROCESSED, Status.RESULT_RETURNED})


def _reachable(start: Status) -> frozenset[Status]:
    seen: set[Status] = set()
    todo = [start]
    while todo:
        for step in NEXT[todo.pop()] - seen:
            seen.add(step)
            if step not in ENDED:
                todo.append(step)
            elif step is Status.PROCESSED:
                seen.add(Status.RESULT_RETURNED)  # 9 was passed unseen on the way to 10
    return frozenset(seen)


_REACHABLE = {s: frozenset() if s in ENDED else _reachable(s) for s in NEXT}


def _judge(old: Status, new: Status, *, reopens: bool) -> Verdict:
    if new == old or new in NEXT[old]:
        return Verdict.LEGAL
    if new in _REACHABLE[old]:
        return Verdict.SKIPPED
    if reopens and old in ENDED:
        return Verdict.REOPENED
    return Verdict.ILLEGAL


_VERDICTS = {
    (old, new, reopens): _judge(old, new, reopens=reopens)
    for old in NEXT
    for new in NEXT
    for reopens in (False, True)
}


def verdict(old: Status, new: Status, *, reopens: bool = False) -> Verdict:
    """Judge the step from `old` to `new`; neither may be UNKNOWN.

    Args:
        old: status in effect.
        new: status stated next, in (occurred_at, sequence, event_id) order.
        reopens: the source says that the dossier is open again (a correction).
    """
    return _VERDICTS[old, new, reopens]
