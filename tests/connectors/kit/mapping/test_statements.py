"""When a record was stated: by a column, its file's name or time, its row, or its own word."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lgsp.domain.errors import ConfigurationError, RejectedRecord
from lgsp.domain.usable import FIRST_OBSERVATION
from lgsp.runtime.documents.document import Document
from lgsp.runtime.documents.reading import read_document
from lgsp_connectors.files.settings import FilesSettings
from lgsp_connectors.kit.config import read_settings
from lgsp_connectors.kit.contract import Context, Record
from lgsp_connectors.kit.mapping.row_settings import RowSettings, make_mapper
from lgsp_connectors.kit.mapping.statements import Statement

MAPPING = {"dossier_code": "Ma", "agency": "DonVi", "received_at": "Nhan"}
ROW = {"Ma": "1", "DonVi": "H37.12", "Nhan": "2024-06-01T08:00+07:00", "Sua": "02/06/2024 09:30"}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp() * 1000)


NOW = ms("2024-07-01T00:00Z")


def stated(spec: Any, *, file: str = "a.csv", shape: Any = "dossiers", **cells: str) -> Statement:
    document = Document(Path("c.yaml"), {}, {("stated_at",): 9})
    context = Context("p", "H37", document, lambda: NOW)
    mapping = (
        {**MAPPING, "occurred_at": "Nhan", "status": {"const": 4}}
        if shape == "steps"
        else (MAPPING)
    )
    settings = RowSettings(
        shape=shape, dossier_code_pattern="any", mapping=mapping, stated_at=spec
    )
    mapper = make_mapper(settings, context)
    record = Record("a.csv:2", {**ROW, **cells}, NOW, file=file, file_time=NOW - 5, row=3)
    event = mapper.events(record)[0]
    return Statement(event.stated_at, event.stated_row)


def test_by_default_a_later_file_and_in_it_a_later_row_wins() -> None:
    assert Statement(NOW - 5, 3) == stated(None) == stated("file_time")


def test_a_step_is_stated_when_it_occurred() -> None:
    assert Statement(None, 0) == stated(None, shape="steps")


def test_by_a_column() -> None:
    spec = {"field": "Sua", "format": "%d/%m/%Y %H:%M", "timezone": "Asia/Ho_Chi_Minh"}

    assert Statement(ms("2024-06-02T09:30+07:00"), 0) == stated(spec)
    assert Statement(NOW - 5, 3) == stated(spec, Sua="")


def test_by_the_file_s_name() -> None:
    spec = {"file_name": "xuat-%Y-%m-%d"}

    assert Statement(ms("2024-06-12T00:00+07:00"), 3) == stated(spec, file="d/xuat-2024-06-12.csv")
    with pytest.raises(RejectedRecord, match="no time of the form xuat"):
        stated(spec, file="d/xuat-2024-02-31.csv")
    with pytest.raises(RejectedRecord, match="no time of the form xuat"):
        stated(spec, file="d/other.csv")


def test_by_the_row_alone_and_by_nothing() -> None:
    assert Statement(FIRST_OBSERVATION, 3) == stated("row_order")
    assert Statement(None, 0) == stated("none")


def test_a_statement_of_the_future_is_rejected() -> None:
    spec = {"field": "Sua", "timezone": "UTC"}
    with pytest.raises(RejectedRecord, match=r"bad_date: Sua='2025-01-01"):
        stated(spec, Sua="2025-01-01T00:00")


@pytest.mark.parametrize(
    "spec", ["soon", "{file_name: x}", "{file_name: '%Y%Y'}", "{a: 1}", "{field: A, format: '%Q'}"]
)
def test_what_means_nothing_is_refused_with_its_line(spec: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "source: {path: x}\nshape: dossiers\nmapping: {dossier_code: A, agency: B, due_at: C,"
        f" received_at: D}}\nstated_at: {spec}\n"
    )
    with pytest.raises(ConfigurationError, match=r"c\.yaml:4: stated_at"):
        read_settings(read_document(path), FilesSettings)
