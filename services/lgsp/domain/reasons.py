"""Why a figure is trusted less: a closed set of reasons, and their words in two languages.

The one table of them all: the feed, the page, the command and the metrics take their words here.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.period import local_datetime, show_instant
from lgsp.domain.working_time import KNOWN_YEARS


class Reason(StrEnum):
    """What is missing, late or unsure. Codes are published: they are never given another sense."""

    # The portals, and the connectors that read them.
    PORTAL_SILENT = "portal_silent"
    PORTAL_BEHIND = "portal_behind"
    PORTAL_NOTHING_NEW = "portal_nothing_new"
    PORTAL_NEVER_LEVEL = "portal_never_level"
    PORTAL_UNWATCHED = "portal_unwatched"
    CONNECTOR_DEAD = "connector_dead"
    CONNECTOR_STOPPED = "connector_stopped"
    CONNECTOR_FAILED = "connector_failed"
    CONNECTOR_FAILING = "connector_failing"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    STATUS_UNREADABLE = "status_unreadable"
    STATUS_UNKNOWN = "status_unknown"
    BACKFILL_RUNNING = "backfill_running"
    BACKFILL_UNFINISHED = "backfill_unfinished"
    NOT_LEVEL = "not_level"
    NOT_REMOVED = "not_removed"
    FILES_REFUSED = "files_refused"
    UNORDERED = "unordered"
    CONFLICTS = "conflicts"
    CLOCK = "clock"
    SOURCE_PROBLEM = "source_problem"
    LETTERS_OPEN = "letters_open"
    # The log.
    LOG_UNREACHABLE = "log_unreachable"
    BACKLOG = "backlog"
    LOG_IS_ANOTHER = "log_is_another"
    LOG_IS_MISSING = "log_is_missing"
    LOG_IS_SHORTER = "log_is_shorter"
    LOG_HAS_A_GAP = "log_has_a_gap"
    LOG_REPARTITIONED = "log_repartitioned"
    LOG_NOT_KEPT = "log_not_kept"
    # The store.
    UNTURNED = "unturned"
    WORKER_AHEAD = "worker_ahead"
    CELLS_DIFFER = "cells_differ"
    STORE_SET_BACK = "store_set_back"
    STORE_REPLACED = "store_replaced"
    STORE_READ_ONLY = "store_read_only"
    DISK_FULL = "disk_full"
    # The figures themselves.
    NO_DENOMINATOR = "no_denominator"


class Finding(NamedTuple):
    """A reason, with what it is about.

    Args:
        reason: which.
        portal: of one portal; "": of none.
        detail: more words, numbers or a name, without personal data.
        number: how many.
        at: since when, ms UTC.
    """

    reason: Reason
    portal: str = ""
    detail: str = ""
    number: int = 0
    at: int | None = None

    def english(self) -> str:
        """Say it in English; instants in UTC."""
        at = show_known(self.at) or "never"
        return self._fill(_WORDS[self.reason][0], f"{self.number:,}", at)

    def vietnamese(self) -> str:
        """Say it in Vietnamese; instants in Asia/Ho_Chi_Minh."""
        at = "chưa lần nào"
        if self.at is not None and KNOWN_YEARS.covers(self.at):
            at = f"{local_datetime(self.at):%H:%M:%S %d/%m/%Y}"
        return self._fill(_WORDS[self.reason][1], f"{self.number:,}".replace(",", "."), at)

    def document(self) -> dict[str, str]:
        """Return it as published."""
        return {
            "code": self.reason.value,
            "portal": self.portal,
            "en": self.english(),
            "vi": self.vietnamese(),
        }

    def _fill(self, template: str, number: str, at: str) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        portal = f" {self.portal or '-'}"
        return template.format(
            portal=portal, detail=detail, words=self.detail, number=number, at=at
        )


def show_known(at: int | None) -> str | None:
    """Return ms UTC as published; None for an instant of no year that can be."""
    return show_instant(at) if at is not None and KNOWN_YEARS.covers(at) else None


def templates(reason: Reason) -> tuple[str, str]:
    """Return the words of a reason in English and Vietnamese, with places to fill in."""
    return _WORDS[reason]


LOG_BROKEN = frozenset(
    {
        Reason.LOG_IS_ANOTHER,
        Reason.LOG_IS_MISSING,
        Reason.LOG_IS_SHORTER,
        Reason.LOG_HAS_A_GAP,
        Reason.LOG_REPARTITIONED,
    }
)
"""The log answers, and is not the one that was counted: the backlog cannot be known."""

_WORDS: Mapping[Reason, tuple[str, str]] = {
    Reason.PORTAL_SILENT: (
        "portal{portal} has not been read since {at}",
        "Nguồn{portal} im lặng: không đọc được từ {at}",
    ),
    Reason.PORTAL_BEHIND: (
        "portal{portal} is being read and not level yet: all of it was last read at {at}{detail}",
        "Nguồn{portal} đang được đọc, chưa đến cuối; lần gần nhất đọc hết là {at}{detail}",
    ),
    Reason.PORTAL_NOTHING_NEW: (
        "portal{portal} has told nothing new since {at}, longer than it is expected to",
        "Nguồn{portal} không có gì mới từ {at}, lâu hơn mức mong đợi",
    ),
    Reason.PORTAL_NEVER_LEVEL: (
        "portal{portal} is being read for the first time and was never level{detail}",
        "Nguồn{portal} đang được đọc lần đầu, chưa lần nào đến cuối{detail}",
    ),
    Reason.PORTAL_UNWATCHED: (
        "no connector says that it reads portal{portal}: last event seen at {at}",
        "Không có bộ kết nối nào báo đang đọc nguồn{portal}; sự kiện cuối lúc {at}",
    ),
    Reason.CONNECTOR_DEAD: (
        "the connector of portal{portal} gives no sign of life since {at}",
        "Bộ kết nối của nguồn{portal} mất tín hiệu từ {at}",
    ),
    Reason.CONNECTOR_STOPPED: (
        "the connector of portal{portal} was stopped at {at}",
        "Bộ kết nối của nguồn{portal} đã bị dừng lúc {at}",
    ),
    Reason.CONNECTOR_FAILED: (
        "the connector of portal{portal} ended with an error at {at}{detail}",
        "Bộ kết nối của nguồn{portal} đã dừng vì lỗi lúc {at}{detail}",
    ),
    Reason.CONNECTOR_FAILING: (
        "reads of portal{portal} fail since {at}{detail}",
        "Đọc nguồn{portal} bị lỗi từ {at}{detail}",
    ),
    Reason.CLOCK_AHEAD: (
        "the clock of the connector of portal{portal} is ahead of ours: it says {at}",
        "Đồng hồ của bộ kết nối nguồn{portal} chạy nhanh hơn: báo {at}",
    ),
    Reason.CLOCK_BEHIND: (
        "the clock of the connector of portal{portal} is behind ours: it says {at}",
        "Đồng hồ của bộ kết nối nguồn{portal} chạy chậm hơn: báo {at}",
    ),
    Reason.STATUS_UNREADABLE: (
        "what the connector of portal{portal} says of itself cannot be read",
        "Không đọc được tình trạng do bộ kết nối của nguồn{portal} báo",
    ),
    Reason.STATUS_UNKNOWN: (
        "it is not known what the connectors say of themselves",
        "Không biết tình trạng của các bộ kết nối",
    ),
    Reason.BACKFILL_RUNNING: (
        "portal{portal} is being read anew (backfill)",
        "Nguồn{portal} đang được đọc lại (backfill)",
    ),
    Reason.BACKFILL_UNFINISHED: (
        "a backfill of portal{portal} stopped before its end at {at}: run it again",
        "Việc đọc lại nguồn{portal} (backfill) bị dừng giữa chừng lúc {at}: cần chạy lại",
    ),
    # A connector's own words, in English, say more than the code: `words`.
    Reason.NOT_LEVEL: (
        "portal{portal}: {words}",
        "Nguồn{portal} không đọc được đến cuối{detail}",
    ),
    Reason.NOT_REMOVED: (
        "portal{portal}: {words}",
        "Nguồn{portal}: hồ sơ không còn trong danh sách đầy đủ chưa được gỡ{detail}",
    ),
    Reason.FILES_REFUSED: (
        "portal{portal}: {words}",
        "Nguồn{portal}: có tệp không dùng được{detail}",
    ),
    Reason.UNORDERED: (
        "portal{portal}: {words}",
        "Nguồn{portal}: có hồ sơ được sửa mà không rõ lần nào sau{detail}",
    ),
    Reason.CONFLICTS: (
        "portal{portal}: {words}",
        "Nguồn{portal}: có mã hồ sơ bị cấp lại cho người khác, đang giữ lại{detail}",
    ),
    Reason.CLOCK: (
        "portal{portal}: {words}",
        "Nguồn{portal}: nghi sai múi giờ hoặc đồng hồ{detail}",
    ),
    Reason.SOURCE_PROBLEM: (
        "portal{portal}: {words}",
        "Nguồn{portal}: có vấn đề{detail}",
    ),
    Reason.LETTERS_OPEN: (
        "records rejected and not counted (open dead letters), portal{portal}: {number}",
        "Bản ghi bị loại, chưa được tính (dead letters đang mở), nguồn{portal}: {number}",
    ),
    Reason.LOG_UNREACHABLE: (
        "the log does not answer: events on it may not be counted yet",
        "Không hỏi được Kafka: có thể còn sự kiện chưa được tính",
    ),
    Reason.BACKLOG: (
        "{number} events on the log are not counted yet",
        "{number} sự kiện đã nhận nhưng chưa tính",
    ),
    Reason.LOG_IS_ANOTHER: (
        "the log is another one than the store has counted{detail}",
        "Nhật ký sự kiện không phải là nhật ký mà kho đã tính{detail}",
    ),
    Reason.LOG_IS_MISSING: (
        "the log is not there{detail}",
        "Không có nhật ký sự kiện{detail}",
    ),
    Reason.LOG_IS_SHORTER: (
        "the log ends before what was counted of it, or written to it{detail}",
        "Nhật ký sự kiện ngắn hơn phần đã tính hoặc đã ghi{detail}",
    ),
    Reason.LOG_HAS_A_GAP: (
        "events were deleted from the log before they were counted{detail}",
        "Có sự kiện bị xóa khỏi nhật ký trước khi được tính{detail}",
    ),
    Reason.LOG_REPARTITIONED: (
        "the log has another number of partitions than the store has counted{detail}",
        "Số phân vùng của nhật ký khác với số kho đã tính{detail}",
    ),
    Reason.LOG_NOT_KEPT: (
        "the log is not kept for ever{detail}",
        "Nhật ký sự kiện không được giữ mãi mãi{detail}",
    ),
    Reason.UNTURNED: (
        "{number} dossiers passed their deadline and are not counted overdue yet",
        "{number} hồ sơ vừa quá hạn, chưa tính",
    ),
    Reason.WORKER_AHEAD: (
        "the clock of the rates worker is ahead of ours{detail}: it says {at}, and counts"
        " dossiers overdue before their time",
        "Đồng hồ của bộ tính số liệu chạy nhanh hơn{detail}: báo {at}, hồ sơ bị tính quá hạn sớm",
    ),
    Reason.CELLS_DIFFER: (
        "the day cells are not the sum of the dossiers{detail}: run `lgsp rebuild`",
        "Bảng số liệu ngày không khớp với các hồ sơ{detail}: cần chạy `lgsp rebuild`",
    ),
    Reason.STORE_SET_BACK: (
        "the store was set back to an earlier state{detail}",
        "Kho dữ liệu đã bị đưa về trạng thái cũ{detail}",
    ),
    Reason.STORE_REPLACED: (
        "the store was replaced by another one{detail}",
        "Kho dữ liệu đã bị thay bằng kho khác{detail}",
    ),
    Reason.STORE_READ_ONLY: (
        "the store cannot be written{detail}",
        "Không ghi được vào kho dữ liệu{detail}",
    ),
    Reason.DISK_FULL: (
        "the disk is full{detail}",
        "Ổ đĩa đã đầy{detail}",
    ),
    Reason.NO_DENOMINATOR: (
        "{words}: the denominator is 0",
        "{words}: mẫu số bằng 0",
    ),
}
