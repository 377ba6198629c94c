"""Codes in use: which forms are agencies, provinces, procedures and dossiers."""

import pytest

from lgsp.domain.codes import (
    in_space,
    is_dossier,
    is_procedure,
    is_province,
    national_procedure,
    split_space,
)


@pytest.mark.parametrize("code", ["H37", "G22", "H37.12", "H37.12.3.456", "000.00.12.H37"])
def test_a_dossier_code_begins_with_an_agency_of_the_new_form_or_the_old_one(code: str) -> None:
    assert is_dossier(f"{code}-240102-0001")
    assert is_dossier(f"{code}-20240102-0000001")


@pytest.mark.parametrize("code", ["", "h37", "H3", "H37.", "H37.1234", "H37.1.2.3.4", "00.00.H37"])
def test_what_is_no_agency_begins_no_dossier_code(code: str) -> None:
    assert not is_dossier(f"{code}-240102-0001")


@pytest.mark.parametrize("code", ["H37-240102", "H37-24010-0001", "H37-240102-001", "H37"])
def test_a_dossier_code_has_its_date_and_its_number(code: str) -> None:
    assert not is_dossier(code)


def test_a_province_is_no_agency_below_one() -> None:
    assert is_province("H37")
    assert not is_province("H37.1")


def test_a_procedure_is_known_without_its_province() -> None:
    own = "1.001612.000.00.00.H48"

    assert is_procedure(own)
    assert [national_procedure(code) for code in (own, "1.001612", "TTHC-7")] == [
        "1.001612",
        "1.001612",
        "TTHC-7",
    ]


@pytest.mark.parametrize(
    ("code", "known_as", "parts"),
    [
        ("12", "my-portal:12", ("my-portal", "12")),
        ("HS:12", "my-portal:HS:12", ("my-portal", "HS:12")),
        ("H37.12-240705-0001", "H37.12-240705-0001", ("", "H37.12-240705-0001")),
    ],
)
def test_a_local_code_stands_in_its_portal_s_space(
    code: str, known_as: str, parts: tuple[str, str]
) -> None:
    assert known_as == in_space(code, "my-portal")
    assert parts == split_space(known_as)


def test_a_code_without_a_space_is_itself() -> None:
    assert split_space("HS:12") == ("", "HS:12")
