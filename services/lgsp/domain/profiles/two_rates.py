"""The day counts behind the two published rates, and what a dossier adds to them.

Every resolved dossier counts once, in the class it was resolved in; open ones count as of now.
"""

from lgsp.domain.event import Channel
from lgsp.domain.measures import Count, DayCount, Measure, Measures, Rate
from lgsp.domain.standing import RESOLVED, STILL_OPEN, Standing, State
from lgsp.domain.working_time import day_of

# received_* and the stocks belong to the day of reception, resolved_* to the finishing day,
# refused and withdrawn to their own day. open includes open_overdue and suspended.
_MEASURES = (
    Measure("received_online", "received, filed online"),
    Measure("received_direct", "received, filed at the counter"),
    Measure("received_postal", "received, filed by post"),
    Measure("received_unknown", "received, the source does not say how it was filed"),
    Measure("open", "received and not ended", stock=True, clocked=True),
    Measure(
        "open_overdue",
        "open, and the deadline has passed",
        stock=True,
        timed=True,
        clocked=True,
    ),
    Measure("suspended", "open, waiting for the citizen: the clock stands", stock=True),
    Measure("resolved_early", "finished on a day before the due day", clocked=True),
    Measure("resolved_on_time", "finished at or before the deadline", clocked=True),
    Measure("resolved_late", "finished after the deadline", clocked=True),
    Measure(
        "resolved_without_deadline", "finished; the source never gave a due date", clocked=True
    ),
    Measure("refused", "not accepted: outside both rates"),
    Measure("withdrawn", "withdrawn by the citizen: outside the on-time rate"),
)
_INDEX = {measure.name: i for i, measure in enumerate(_MEASURES)}
_RECEIVED = {channel: _INDEX[f"received_{channel.name.lower()}"] for channel in Channel}
_CLOSED = {state: _INDEX[f"resolved_{state.value}"] for state in RESOLVED} | {
    State.REFUSED: _INDEX["refused"],
    State.WITHDRAWN: _INDEX["withdrawn"],
}
_OPEN, _OVERDUE, _SUSPENDED = _INDEX["open"], _INDEX["open_overdue"], _INDEX["suspended"]


def day_counts(found: Standing, channel: Channel) -> list[DayCount]:
    """List what a dossier that stands so, filed through `channel`, adds to the day counts."""
    added: list[DayCount] = []
    state = found.state
    if found.received_at is not None and state is not State.REFUSED:
        day = day_of(found.received_at)
        added.append(DayCount(day, _RECEIVED[channel]))
        if state in STILL_OPEN:
            added.append(DayCount(day, _OPEN))
            if found.overdue:
                added.append(DayCount(day, _OVERDUE))
            if state is State.SUSPENDED:
                added.append(DayCount(day, _SUSPENDED))
    if found.closed_at is not None:
        added.append(DayCount(day_of(found.closed_at), _CLOSED[state]))
    return added


def _names(start: str) -> tuple[str, ...]:
    return tuple(name for name in _INDEX if name.startswith(start))


_ALL_RECEIVED, _ALL_RESOLVED = _names("received_"), _names("resolved_")

TWO_RATES = Measures(
    measures=_MEASURES,
    rates=(
        Rate(
            "filing_rate",
            "Tỷ lệ nộp trực tuyến",
            numerator=("received_online",),
            denominator=_ALL_RECEIVED,
            excluded=("refused",),
        ),
        Rate(
            "on_time_rate",
            "Tỷ lệ giải quyết trước và đúng hạn",
            numerator=tuple(name for name in _ALL_RESOLVED if name != "resolved_late"),
            denominator=_ALL_RESOLVED,
            excluded=("refused", "withdrawn"),
        ),
    ),
    counts=(
        Count("received", "Đã tiếp nhận", _ALL_RECEIVED),
        Count("received_online", "Tiếp nhận trực tuyến", ("received_online",)),
        Count("received_direct", "Tiếp nhận trực tiếp", ("received_direct",)),
        Count("received_postal", "Tiếp nhận qua bưu chính", ("received_postal",)),
        Count("received_unknown", "Tiếp nhận, không rõ kênh", ("received_unknown",)),
        Count("resolved", "Đã giải quyết", _ALL_RESOLVED),
        Count("resolved_early", "Giải quyết trước hạn", ("resolved_early",)),
        Count("resolved_on_time", "Giải quyết đúng hạn", ("resolved_on_time",)),
        Count("resolved_late", "Giải quyết quá hạn", ("resolved_late",)),
        Count(
            "resolved_without_deadline", "Giải quyết, không có hạn", ("resolved_without_deadline",)
        ),
        Count("refused", "Từ chối tiếp nhận", ("refused",)),
        Count("withdrawn", "Công dân rút hồ sơ", ("withdrawn",)),
        Count("open", "Đang giải quyết", ("open",)),
        Count("open_overdue", "Đang giải quyết, đã quá hạn", ("open_overdue",)),
        Count("suspended", "Tạm dừng, chờ công dân", ("suspended",)),
    ),
    day_counts=day_counts,
)
