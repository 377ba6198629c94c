"""The waits end to end: each reception is compared with the first document that shows it."""

from benchmarks.endtoend import Shown, receptions, rows_of, waits_for_feed

from lgsp.domain.status import OFFICIAL_WORDS, Status


def test_rows_come_in_order_and_their_receptions_once_a_dossier() -> None:
    rows = rows_of(300)
    written = [float(number) for number in range(len(rows))]

    found = list(receptions(rows, written))

    times = [row["ThoiDiem"] for row in rows]
    assert 300 == len(rows)
    assert sorted(times) == times
    word = OFFICIAL_WORDS[Status.RECEIVED]
    received = {row["MaHoSo"] for row in rows if row["TrangThai"] == word}
    assert len(received) == len(found)
    assert sorted(found) == found


def test_a_reception_is_shown_when_the_count_reaches_it() -> None:
    seen = [Shown(0, 9.0), Shown(2, 11.0), Shown(3, 14.0)]

    assert [1.0, 0.5, 2.0] == waits_for_feed([10.0, 10.5, 12.0], seen)
