"""Rows of delimited text: the quick way and the careful way say the same."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import RejectedRecord
from lgsp_connectors.files.cells import TextRows
from lgsp_connectors.files.lines import Line, find_line_end, split_lines

cells = st.text(st.sampled_from('ab",;\t\n\r \u2028"'), max_size=8)
tables = st.lists(st.lists(cells, min_size=2, max_size=4), min_size=1, max_size=6)


def rows_of(data: bytes, delimiter: str, chunk: int, *, final: bool = True) -> list[list[str]]:
    chunks = (data[i : i + chunk] for i in range(0, len(data), chunk))
    lines = split_lines(chunks, b"\n", 10**6)
    found = []
    for row in TextRows(lines, "utf-8", delimiter, 10**6, final=final):
        assert not isinstance(row.cells, RejectedRecord), row
        found.append(row.cells)
    return found


@given(tables, st.sampled_from(",;\t"), st.integers(1, 20))
def test_what_a_writer_of_csv_wrote_is_read(
    table: list[list[str]], delimiter: str, chunk: int
) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        table
    )
    read = rows_of(out.getvalue().encode(), delimiter, chunk)
    assert read == [[cell.replace("\r\n", "\n") for cell in row] for row in table]


@given(st.text(st.sampled_from('ab", \t'), min_size=1, max_size=12))
def test_the_quick_and_the_careful_way_agree(text: str) -> None:
    """A blank line end makes every row a careful one; a fault is a fault in both."""

    def read(line: str) -> list[str] | str:
        source = iter([Line(1, line.encode(), 0, len(line) + 1)])
        (row,) = TextRows(source, "utf-8", ",", 10**6, final=True)
        return row.cells if isinstance(row.cells, list) else row.cells.detail

    quick, careful = read(text), read(text + ",\r")
    assert (quick == careful) if isinstance(quick, str) else [*quick, "\r"] == careful


@given(st.binary(max_size=200), st.integers(1, 50), st.integers(1, 30))
def test_lines_are_the_same_however_the_content_is_cut(
    data: bytes, chunk: int, longest: int
) -> None:
    whole = list(split_lines([data], b"\n", longest))
    pieces = [data[i : i + chunk] for i in range(0, len(data), chunk)]
    assert list(split_lines(pieces, b"\n", longest)) == whole
    assert [line.after - line.start for line in whole[:-1]] == [
        len(part) + 1 for part in data.split(b"\n")[: len(whole) - 1]
    ]
    assert sum(line.after - line.start for line in whole) == len(data)


def test_line_ends_inside_of_quotes_do_not_count() -> None:
    assert find_line_end(b'a,"b\nc"\rd') == b"\r"
    assert find_line_end(b'a,"b\rc"\nd') == b"\n"
    assert find_line_end(b"a,b\r") == b"\n"  # its second half may follow
