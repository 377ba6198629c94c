"""What looks like a person's is masked or described; codes, dates and status words are not."""

import pytest

from lgsp.runtime.personal import (
    HIDDEN,
    looks_personal,
    mask,
    mask_file_name,
    shown,
    shown_code,
    shown_date,
)


@pytest.mark.parametrize(
    "number",
    ["0912 345 678", "079 012 345 678", "0912.345.678", "0912-345-678", "+84 912 345 678",
     "0912345678", "079012345678", "0790 1234 5678", "0912 34 56 78", "test@example.vn"],
)  # fmt: skip
@pytest.mark.parametrize("around", ["{}", "tel: {}.", "05.07.2024 08:15 {}", "({})", "{}, x"])
def test_numbers_are_masked_with_blanks_dots_and_dashes(number: str, around: str) -> None:
    assert mask(around.format(number)) == around.format(HIDDEN)


@pytest.mark.parametrize("text", ["ông Nguyễn Văn Test", "chu ho so: NGUYEN VAN TEST"])
def test_a_name_behind_a_known_word_is_masked(text: str) -> None:
    assert "test" not in mask(text).lower()


@pytest.mark.parametrize(
    "text",
    ["05-07-2024 08:15", "05.07.2024", "H08-240705-0001", "000.00.12.H37-220921-0099",
     "G09.20-20260609-0092637", "1.001612.000.00.00.H48", "2024-01-01 08:15:00"],
)  # fmt: skip
def test_codes_and_dates_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "text",
    ["NGUYEN VAN TEST", "Trần Thị Thử", "Lò Văn Mẫu", "12 thôn Bản Mới", "0912 345 678",
     "Số 12 đường Lê Lợi, TP Lạng Sơn", "x" * 201],
)  # fmt: skip
def test_what_may_be_a_person_s_is_described(text: str) -> None:
    assert looks_personal(text)
    assert shown(text).startswith("[")


@pytest.mark.parametrize(
    "text",
    ["Đang xử lý", "DANG XU LY", "Hồ Sơ Mới", "LE PHI", "Phường Hoàng Văn Thụ", "Sở Tư pháp",
     "Trực tuyến", "sap xu ly", "H37.12", "FAX"],
)  # fmt: skip
def test_words_of_statuses_and_units_are_shown(text: str) -> None:
    assert shown(text) == text


def test_a_code_and_a_date_are_shown_by_their_look() -> None:
    assert shown_code("H37-24010-0001") == "H37-24010-0001"
    assert shown_code("Thửa Đất Mới") == "[a text of 12 characters, 3 words]"
    assert shown_code("0912345678") == "[10 digits]"
    assert shown_date("31/02/2024 24:01") == "31/02/2024 24:01"
    assert shown_date("Thửa Đất") == "[a text of 8 characters, 2 words]"


def test_names_of_files_are_masked_between_their_dashes() -> None:
    assert mask_file_name("inbox/nguyen-van-test-0912345678.csv:3") == "inbox/***-***.csv:3"
    name = "inbox/don-vi-H37.12-20240705.csv:2"
    assert mask_file_name(name) == name
