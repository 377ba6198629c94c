"""A cell is read as what it should be, or its row is rejected; never another kind of error."""

from collections.abc import Callable
from typing import Any

import pytest

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import Channel
from lgsp.domain.status import Status
from lgsp_connectors.kit.mapping import cells
from lgsp_connectors.kit.mapping.dates import Dates

DATE = cells.date("c", Dates(["%d/%m/%Y %H:%M:%S"], "Asia/Ho_Chi_Minh"))
READERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "text": cells.text("c"),
    "whole": cells.whole("c"),
    "date": DATE,
    "mapped": cells.mapped(
        "c", {"a": Status.RECEIVED}, default=None, reason=RejectReason.UNMAPPED_STATUS
    ),
    "defaulted": cells.mapped("c", {}, default=Channel.DIRECT, reason=RejectReason.UNMAPPED_VALUE),
    "enum": cells.enum("c", Channel, reason=RejectReason.UNMAPPED_VALUE),
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", [["a"], {"a": 1}, ("a",), b"a", "a\0", "\ud83d"], ids=repr)
def test_what_is_no_text_is_rejected_by_column(reader: str, value: Any) -> None:
    with pytest.raises(RejectedRecord) as caught:
        READERS[reader]({"c": value})
    assert caught.value.field == "c"
    assert caught.value.reason in {RejectReason.BAD_VALUE, RejectReason.BAD_DATE}


@pytest.mark.parametrize("day", ["31/12/9999", "01/01/0001", "30/04/1975", "31/02/2024"])
@pytest.mark.parametrize("time", ["00:00:00", "23:59:59"])
def test_a_date_that_no_dossier_has_is_rejected_by_column_and_value(day: str, time: str) -> None:
    with pytest.raises(RejectedRecord) as caught:
        DATE({"c": f"{day} {time}"})
    error = caught.value
    assert (error.reason, error.field) == (RejectReason.BAD_DATE, "c")
    assert error.value == f"{day} {time}"


def test_a_rejected_value_can_be_written_down() -> None:
    with pytest.raises(RejectedRecord) as caught:
        DATE({"c": "05/07/2024 \ud83d"})
    assert caught.value.value.encode() == b"05/07/2024 ?"
