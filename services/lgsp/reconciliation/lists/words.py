"""The answer to a line in Vietnamese, as a unit may send it back: facts, no persons. Pure."""

from lgsp.domain.period import local_datetime
from lgsp.domain.reconciliation.held import Claim, Here, There
from lgsp.domain.reconciliation.mismatch import NO_DIFFERENCE, Cause, Mismatch, MismatchKind

_KINDS = {
    MismatchKind.MISSING_THERE: "Cổng chưa có hồ sơ",
    MismatchKind.MISSING_HERE: "Hồ sơ nộp trên Cổng, chưa về hệ thống của tỉnh",
    MismatchKind.STALE_THERE: "Trạng thái trên Cổng cũ hơn của tỉnh",
    MismatchKind.AHEAD_THERE: "Trạng thái trên Cổng do hệ thống khác cập nhật sau",
    MismatchKind.DATES_DIFFER: "Ngày trên Cổng khác của tỉnh",
    MismatchKind.EXTRA_THERE: "Cổng có hồ sơ mà tỉnh không có",
    MismatchKind.UNMAPPED: "Mã chưa ánh xạ, chưa gửi được",
    MismatchKind.PARKED: "Đang dừng gửi, chờ xử lý",
    MismatchKind.PHANTOM_LATE: "Quá hạn ảo: tại tỉnh đúng hạn",
    MismatchKind.PHANTOM_ON_TIME: "Tại tỉnh quá hạn, trên Cổng đúng hạn",
    MismatchKind.LATE_RECEPTION: "Tại tỉnh tiếp nhận đúng thời hạn",
    MismatchKind.MISSING_STEP: "Cổng thiếu bước xử lý",
    MismatchKind.DUPLICATE_STEP: "Cổng ghi lặp bước xử lý",
    MismatchKind.AGREED: "Đúng như danh sách",
    MismatchKind.EQUAL: "Không có sai lệch",
}
_CAUSES = {
    Cause.NEVER_PUSHED: "chưa gửi lần nào",
    Cause.REFUSED: "Cổng từ chối",
    Cause.ANSWER_LOST: "không nhận được trả lời của Cổng",
    Cause.NOT_KEPT: "Cổng báo thành công nhưng không lưu",
    Cause.OVERWRITTEN: "bị hệ thống khác ghi đè",
    Cause.MISSING_PREREQUISITE: "Cổng đòi bước xử lý trước đó",
    Cause.NOT_MAPPED: "chưa ánh xạ mã",
    Cause.NOT_OURS: "không thuộc hệ thống của tỉnh",
    Cause.HELD: "đang giữ lại",
    Cause.WAITING: "đang chờ gửi",
    Cause.CHANGED_THERE: "thay đổi trên Cổng",
    Cause.NEVER_ARRIVED: "chưa nhận được từ Cổng",
    Cause.REMOVED_HERE: "nguồn đã xóa hồ sơ",
    Cause.OTHER_CLOCK: "cách tính thời gian khác nhau",
    Cause.SENT_TWICE: "gửi hai lần",
    Cause.NOT_KNOWN_HERE: "không hệ thống nào của tỉnh có",
    Cause.NOT_KNOWN: "chưa rõ",
}


def answer_words(found: tuple[Mismatch, ...], here: Here | None, there: There) -> str:
    """Say in one sentence what is right, why, and by which times."""
    main = main_of(found)
    parts = [_KINDS[main.kind], _cause(main)]
    if here is not None:
        parts += [_reception(here)] if there.claim is Claim.RECEIVED_LATE else [_clock(here)]
    return "; ".join(part for part in parts if part)


def main_of(found: tuple[Mismatch, ...]) -> Mismatch:
    """Return the difference that answers the line: what says most of the lateness comes first."""
    first = (
        MismatchKind.PHANTOM_LATE,
        MismatchKind.LATE_RECEPTION,
        MismatchKind.PHANTOM_ON_TIME,
        MismatchKind.AGREED,
    )
    answering = (each for kind in first for each in found if each.kind is kind)
    other = (each for each in found if each.kind not in NO_DIFFERENCE)
    return next(answering, None) or next(other, found[0])


def local_minute(at: int | None) -> str:
    """Return ms UTC as it is written in Vietnam, to the minute; "" for None."""
    return "" if at is None else f"{local_datetime(at):%d/%m/%Y %H:%M}"


def _cause(found: Mismatch) -> str:
    if found.cause is Cause.PUSHED_LATE:
        return f"gửi lên Cổng chậm {found.minutes} phút"
    words = _CAUSES.get(found.cause, "")
    return f"{words} ({found.detail})" if words and found.detail else words


def _clock(here: Here) -> str:
    finished = here.side.dates.get("finished_at")
    due = f"hạn {local_minute(here.deadline)}" if here.deadline is not None else "không có hạn"
    return f"{due}, xong {local_minute(finished.at)}" if finished else f"{due}, chưa xong"


def _reception(here: Here) -> str:
    filed, received = (here.side.dates.get(name) for name in ("submitted_at", "received_at"))
    return (
        f"nộp {local_minute(filed.at) if filed else 'không rõ'},"
        f" tiếp nhận {local_minute(received.at) if received else 'chưa'}"
    )
