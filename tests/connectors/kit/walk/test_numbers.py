"""Pages by number as a list with offsets."""

from hypothesis import given
from hypothesis import strategies as st

from lgsp_connectors.kit.walk.numbers import page_of
from lgsp_connectors.kit.walk.window import Ask


@given(st.integers(0, 10**6), st.integers(20, 500))
def test_the_page_holds_the_row_that_is_asked_for_and_more_behind_it(
    start: int, rows: int
) -> None:
    page = page_of(Ask(start, rows))
    assert page.start <= start
    assert rows // 2 < page.size <= rows
    if start >= rows:  # else nothing begins within a page and reaches beyond it
        assert page.start + page.size > start + rows // 3
