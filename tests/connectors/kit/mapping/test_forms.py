"""The mapping of a flat record: what each form reads, what a row may not state, and the faults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.status import Status
from lgsp.runtime.documents.document import Document
from lgsp.runtime.documents.reading import read_document
from lgsp_connectors.kit.config import read_settings
from lgsp_connectors.kit.contract import Context, Record
from lgsp_connectors.kit.mapping.forms import Shape
from lgsp_connectors.kit.mapping.mapper import Mapper
from lgsp_connectors.kit.mapping.row_settings import RowSettings, make_mapper

READ_AT = 1_720_000_000_000  # 2024-07-03 16:46:40 in Asia/Ho_Chi_Minh
LOCAL = {"format": "%d/%m/%Y %H:%M", "timezone": "Asia/Ho_Chi_Minh"}
ROW = {
    "Ma": "H37.12-240701-0001",
    "DonVi": "H37.12",
    "Luc": "02/07/2024 08:00",
    "TrangThai": "dang xu ly",
    "Kenh": "ONLINE",
    "Muc": "3",
    "Thu": "7",
    "Chu": "NGUYEN VAN TEST",
}
SPEC: dict[str, Any] = {
    "dossier_code": "Ma",
    "agency": {"field": "DonVi"},
    "procedure": {"const": "1.000001"},
    "channel": "Kenh",
    "service_level": "Muc",
    "status": {"field": "TrangThai", "map": {"dang xu ly": 4, "da xong": "PROCESSED"}},
    "occurred_at": {"field": "Luc", **LOCAL},
    "finished_at": {"field": "Xong", **LOCAL},
    "sequence": "Thu",
    "sealed": {"owner_name": "Chu", "phone": "DienThoai"},
}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    def seal(person: Mapping[str, str], code: str) -> bytes:
        return f"{code}:{sorted(person.items())}".encode()

    return Context("p", "H37", Document(tmp_path / "c.yaml"), lambda: READ_AT, seal)


def read(row: dict[str, Any]) -> Record:
    return Record("here", row, READ_AT)


def mapper(context: Context, shape: Shape = "steps", **changes: Any) -> Mapper:
    return of_yaml(context, {"shape": shape, "mapping": {**SPEC, **changes}})


def of_yaml(context: Context, data: dict[str, Any]) -> Mapper:
    context.document.path.write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    settings = read_settings(read_document(context.document.path), RowSettings)
    return make_mapper(settings, context)


def test_each_form_reads_its_attribute(context: Context) -> None:
    (event,) = mapper(context).events(read(ROW))

    assert (event.portal, event.province, event.procedure) == ("p", "H37", "1.000001")
    assert (event.channel, event.service_level) == (Channel.ONLINE, ServiceLevel.FULL)
    assert (event.status, event.source_status) == (Status.PROCESSING, "dang xu ly")
    assert (event.occurred_at, event.sequence) == (1_719_882_000_000, 7)
    assert event.sealed == b"H37.12-240701-0001:[('owner_name', 'NGUYEN VAN TEST')]"


def test_without_a_person_nothing_is_sealed(context: Context) -> None:
    (event,) = mapper(context).events(read(ROW | {"Chu": " "}))

    assert event.sealed is None


def test_the_same_word_in_the_table_as_on_the_row(context: Context) -> None:
    given = mapper(context, status={"field": "TrangThai", "map": {True: 4, 2: 2}})
    found = [given.facts(read(ROW | {"TrangThai": word})).status for word in (True, "2", 2.0)]

    assert found == [Status.PROCESSING, Status.RECEIVED, Status.RECEIVED]


@pytest.mark.parametrize(
    ("changes", "reason", "field"),
    [
        ({"Ma": ""}, RejectReason.MISSING_FIELD, "Ma"),
        ({"DonVi": None}, RejectReason.MISSING_FIELD, "DonVi"),
        ({"Luc": " "}, RejectReason.MISSING_FIELD, "Luc"),
        ({"Ma": "12/2024"}, RejectReason.BAD_CODE, "Ma"),
        ({"TrangThai": "?"}, RejectReason.UNMAPPED_STATUS, "TrangThai"),
        ({"Kenh": "FAX"}, RejectReason.UNMAPPED_VALUE, "Kenh"),
        ({"Thu": "7.5"}, RejectReason.BAD_VALUE, "Thu"),
        ({"Luc": "2024-07-02"}, RejectReason.BAD_DATE, "Luc"),
        ({"Luc": "04/07/2024 16:47"}, RejectReason.BAD_DATE, "Luc"),
        ({"Xong": "05/07/2024 00:00"}, RejectReason.BAD_DATE, "Xong"),
    ],
)
def test_a_row_that_states_it_wrongly_is_rejected_by_column(
    context: Context, changes: dict[str, Any], reason: RejectReason, field: str
) -> None:
    with pytest.raises(RejectedRecord) as caught:
        mapper(context).events(read(ROW | changes))

    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_a_day_of_difference_between_clocks_is_no_future(context: Context) -> None:
    (event,) = mapper(context).events(read(ROW | {"Luc": "04/07/2024 16:46"}))

    assert event.occurred_at > READ_AT


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agencyy": "DonVi"}, "mapping.agencyy: unknown attribute"),
        ({"agency": 7}, "mapping.agency: a column name or a form is expected"),
        ({"agency": {}}, "mapping.agency: a column name or a form is expected"),
        ({"agency": {"field": ""}}, "mapping.agency: a column name is expected"),
        ({"agency": {"const": "a", "map": {}}}, "mapping.agency: keys const, map do not go"),
        ({"agency": {"field": "a", "format": "iso"}}, "only dates take format, timezone"),
        ({"agency": {"const": ["a"]}}, "mapping.agency.const: a single value is expected"),
        ({"occurred_at": {"const": "x"}}, "mapping.occurred_at: a date takes"),
        ({"occurred_at": {"field": "a", "format": "%Q"}}, "mapping.occurred_at: "),
        ({"occurred_at": {"field": "a", "format": 7}}, "mapping.occurred_at.format: "),
        ({"sequence": {"const": "one"}}, "mapping.sequence.const: a whole number is expected"),
        ({"status": {"field": "a", "map": {"x": 11}}}, "mapping.status.map.x: no status"),
        ({"status": {"field": "a", "map": []}}, "mapping.status.map: a column name or a form"),
        ({"sealed": {"name": "Chu"}}, "mapping.sealed.name: unknown"),
        ({"sealed": {"phone": {"const": "1"}}}, "mapping.sealed.phone: a column name is expected"),
        ({"sealed": "Chu"}, "mapping.sealed: a column name or a form is expected"),
    ],
)
def test_a_form_that_means_nothing_is_named_by_its_key(
    context: Context, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        mapper(context, **changes)

    assert said in str(caught.value)


def test_a_shape_names_what_it_needs(context: Context) -> None:
    with pytest.raises(ConfigurationError) as caught:
        of_yaml(context, {"shape": "steps", "mapping": {"due_at": "Han"}})

    assert [message for _, message in said(caught.value)] == [
        *(f"shape steps needs the attribute {n}" for n in ("dossier_code", "agency")),
        *(f"shape steps needs the attribute {n}" for n in ("status", "occurred_at")),
        "no date is mapped",
    ]


def said(error: ConfigurationError) -> list[tuple[str, str]]:
    return [(fault.key, fault.message) for fault in error.faults]
