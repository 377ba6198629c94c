"""Every level of an answer counts, and what cannot be read is never success."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.national import answers
from lgsp.national.answers import code_of, judge, read_answer
from lgsp.national.outcomes import Mixed, Ok, OutcomeUnknown, Refused

DONE: dict[str, Any] = {"error_code": "0", "message": "Cập nhật thành công"}
BAD: dict[str, Any] = {"error_code": -1, "message": "TrangThai: giá trị không hợp lệ (5)"}
GOOD: dict[str, Any] = {"error_code": 0, "message": ""}


@pytest.mark.parametrize("code", [0, "0", "00", " 0 ", "-0", 0.0])
def test_one_code_in_every_form_is_done(code: object) -> None:
    assert Ok() == judge(DONE | {"error_code": code}, items=1)


@pytest.mark.parametrize("code", [None, "", True, False, 0.4, "0.4", "E01", [], {}, [0], 10**30])
def test_what_is_no_code_is_no_answer(code: object) -> None:
    assert code_of(DONE | {"error_code": code}) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the answer is not JSON (0 bytes)"),
        (b"<html>", "the answer is not JSON (HTML, a login page?)"),
        (b'{"error_code": "0", "mess', "the answer is not JSON (25 bytes)"),
        ('{"error_code": "0", "message": "Ðã xong"}'.encode("cp1252"), "the answer is not UTF-8"),
        (b"{}", "the answer is JSON without an error_code that can be read"),
        (b"[]", "the answer is JSON without an error_code that can be read"),
        (b'{"error_code": NaN}', "the answer is JSON without an error_code that can be read"),
        (b"[" * 200_000, "the answer is not JSON (200000 bytes)"),
    ],
)
def test_says_why_an_answer_is_none(body: bytes, said: str) -> None:
    assert said == read_answer(body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_an_answer_with_a_byte_order_mark(encoding: str) -> None:
    assert read_answer(orjson.dumps(DONE).decode().encode(encoding)) == DONE


@pytest.mark.parametrize(
    "result",
    [[BAD], BAD, {"data": [BAD]}, [{"rows": {"row": BAD}}], [{"ErrorCode": "-1"} | BAD]],
)
def test_a_level_below_that_refuses_is_the_real_reason(result: object) -> None:
    assert Refused("-1", BAD["message"]) == judge(DONE | {"result": result}, items=1)


def test_a_level_below_that_cannot_be_read_is_no_success() -> None:
    deep: Any = DONE
    for _ in range(20):
        deep = {"result": deep}

    assert isinstance(judge(DONE | {"result": [{"error_code": "E7"}]}, items=1), Refused)
    assert isinstance(judge(DONE | deep, items=1), Refused)
    assert isinstance(judge(DONE | {"result": "x"}), OutcomeUnknown)


def test_reasons_of_both_levels_are_shown_with_the_telling_code() -> None:
    answer = {"error_code": "-1", "message": "Có lỗi", "result": [{"error_code": 3} | {}]}
    exists = answer | {"result": [{"error_code": 3, "message": "Hồ sơ đã tồn tại"}]}

    assert Refused("3", "Có lỗi") == judge(answer, items=1)
    assert Refused("3", "Có lỗi; Hồ sơ đã tồn tại") == judge(exists, items=1)
    assert Refused("-1", "no reason is given") == judge({"error_code": "-1"}, items=1)


def test_each_row_of_several_is_judged_by_itself() -> None:
    mixed = judge(DONE | {"result": [GOOD, BAD, GOOD]}, items=3)

    assert Mixed((Ok(), Refused("-1", BAD["message"]), Ok())) == mixed
    assert Ok([GOOD, GOOD]) == judge(DONE | {"result": [GOOD, GOOD]}, items=2)
    assert isinstance(judge(DONE | {"result": [BAD, BAD]}, items=2), Refused)


def test_rows_that_cannot_be_told_apart_leave_the_outcome_unknown() -> None:
    assert isinstance(judge(DONE | {"result": [GOOD, BAD]}, items=3), OutcomeUnknown)


def test_a_number_of_a_person_in_a_message_is_masked() -> None:
    refused = judge({"error_code": "-1", "message": "Số định danh 079012345678 sai"}, items=1)

    assert isinstance(refused, Refused)
    assert "079012345678" not in refused.message


@pytest.mark.parametrize(
    "body",
    [
        '{"error_code":"-1","message":"Sai","error_code":"0","message":"ok"}',
        '{"error_code":"0","message":"ok","error_code":-1,"message":"Sai"}',
        '{"errorCode":"-1","errorMessage":"Sai","error_code":"0","message":"ok"}',
        '{"error_code":"0","result":[{"error_code":"-1","message":"Sai","error_code":"0"}]}',
    ],
)
def test_of_two_codes_on_one_level_the_worse_one_counts(body: str) -> None:
    answer = read_answer(body.encode())

    assert isinstance(answer, dict)
    assert isinstance(judge(answer, items=1), Refused)


def test_reads_what_was_written_as_json_twice() -> None:
    assert DONE == read_answer(orjson.dumps(orjson.dumps(DONE).decode()))


def test_what_comes_of_half_a_character_can_be_written() -> None:
    answer = read_answer(b'{"error_code":"-1","message":"Sai \\ud83d\\u0000\\u001b[31m","x":NaN}')

    assert isinstance(answer, dict)
    assert Refused("-1", "Sai ? [31m") == judge(answer, items=1)


def test_no_message_without_end_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []

    def is_denied(message: str) -> bool:
        judged.append(len(message))
        return False

    monkeypatch.setattr(answers, "is_denied", is_denied)
    endless = "Cập nhật thành công " + "ộ " * 400_000

    assert Ok() == judge({"error_code": "0", "message": endless}, items=1)
    assert 4000 == max(judged)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["error_code", "message", "result", "x"]), inner)
    ),
    max_leaves=12,
)


@given(json_values, st.integers(0, 3))
def test_no_answer_of_any_shape_raises_or_passes_without_a_code_of_success(
    value: Any, items: int
) -> None:
    answer = read_answer(orjson.dumps(value))
    if isinstance(answer, dict) and isinstance(judge(answer, items=items), Ok):
        assert code_of(answer) == "0"
