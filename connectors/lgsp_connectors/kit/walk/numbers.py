"""A list that has only page numbers, asked as if it had offsets."""

from typing import NamedTuple

from lgsp_connectors.kit.walk.window import Ask


class Numbered(NamedTuple):
    """The page `number`, counted from 0, of pages of `size` rows; its first row is `start`."""

    number: int
    size: int

    @property
    def start(self) -> int:
        """Give the row that the page begins with, counted from 0."""
        return self.number * self.size


def page_of(ask: Ask) -> Numbered:
    """Give the page that holds the row asked for and as many of those behind it as can be.

    Pages of one size never overlap, so two of them read one after the other can lose what moved
    between them. A page of another size cuts the list at other places: of all sizes down to half
    of what is asked for, one has the row near its beginning. One page is one answer: a moment of
    the list.
    """
    sizes = range(ask.rows, ask.rows // 2, -1)
    pages = (Numbered(ask.start // size, size) for size in sizes)
    return max(pages, key=lambda page: page.start + page.size)
