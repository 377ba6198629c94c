"""Texts that look alike are one text, or are refused: nobody sees that a dossier became two."""

from pathlib import Path

import pytest

from lgsp.domain.codes import is_dossier, is_procedure
from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.mapping.words import text_of
from lgsp_connectors.kit.registry import read_config


@pytest.mark.parametrize(
    "text",
    [
        "\u200eA 1",
        "A\u200b 1",
        "A 1\u202c",
        "A\xad 1",
        "\ufeffA 1",
        "A\u2060 1",
        "A\xa01",
        "A\u20091",
        "A\u202f1",
        "A\x07 1",
        "\x1bA 1\x9c",
        "\u200f \u200fA 1",
    ],
)
def test_what_nobody_sees_is_no_part_of_a_text(text: str) -> None:
    assert text_of(text) == "A 1"


def test_a_text_of_nothing_that_is_seen_is_empty() -> None:
    assert text_of("\u200e\xa0\u200b") is None


@pytest.mark.parametrize("digits", ["２４０７０５", "٢٤٠٧٠٥"])
def test_digits_of_other_scripts_make_no_code(digits: str) -> None:
    assert is_dossier("H37.12-240705-0001")
    assert not is_dossier(f"H37.12-{digits}-0001")
    assert not is_procedure("1.00٢٦١٢")


def read(folder: Path, keys: str, row: dict[str, str], file: str = "a.csv") -> list[DossierEvent]:
    config = folder / "c.yaml"
    config.write_text(
        "connector: files\nportal: my-portal\nprovince: H37\nsource: {path: '*.csv'}\n"
        f"shape: dossiers\n{keys}",
        "utf-8",
    )
    connector = read_config(config).build(now_ms, None)
    return list(connector.to_events(Record("a.csv:2", row, now_ms(), file=file)))


ROW = {"Ma": "A-1", "DonVi": "H37.12", "Nhan": "2024-07-05T08:15:00+07:00"}
MAPPING = "mapping: {dossier_code: Ma, agency: DonVi, received_at: Nhan}\n"


@pytest.mark.parametrize("code", ["1.23457E+14", "1,2E+21", "3E+12", "1.23457e+14"])
def test_a_number_that_excel_has_shortened_is_no_code(tmp_path: Path, code: str) -> None:
    keys = f"dossier_code_pattern: any\n{MAPPING}"
    with pytest.raises(RejectedRecord) as refused:
        read(tmp_path, keys, ROW | {"Ma": code})
    assert (refused.value.reason, refused.value.field) == (RejectReason.BAD_CODE, "Ma")
    assert read(tmp_path, keys, ROW | {"Ma": "E+14"})


def test_a_pattern_that_comes_to_no_end_rejects_its_row_only(tmp_path: Path) -> None:
    keys = f"dossier_code_pattern: '([A-Z0-9]+-?)+'\n{MAPPING}"
    with pytest.raises(RejectedRecord) as refused:
        read(tmp_path, keys, ROW | {"Ma": "A" * 60 + "!"})
    assert refused.value.reason is RejectReason.BAD_CODE
    assert "dossier_code_pattern" in refused.value.detail
    assert read(tmp_path, keys, ROW)[0].dossier_code == "my-portal:A-1"


def test_a_file_name_on_which_a_pattern_comes_to_no_end_rejects_its_rows(tmp_path: Path) -> None:
    keys = "dossier_code_pattern: any\n"
    keys += MAPPING.replace("DonVi", r"{file_name: '(?:[a-z]+_?)+-(H37[.\d]*)\.csv'}")
    with pytest.raises(RejectedRecord) as refused:
        read(tmp_path, keys, ROW, "a" * 60 + "!")
    assert "mapping.agency.file_name" in refused.value.detail
    assert read(tmp_path, keys, ROW, "so_tp-H37.12.csv")[0].agency == "H37.12"
