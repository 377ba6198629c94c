"""Where a comparison stands, in both kinds of stores: gone on with, begun anew, marked once."""

from sqlalchemy import Engine, insert, select
from tests.reconciliation.filled import code_of, dossier, row

from lgsp.store.sync.comparison import (
    checked_codes,
    differences_of,
    end_sweep,
    mark,
    marked_codes,
    open_sweep,
    write_checked,
)
from lgsp.store.sync.reading import all_rows, rows_of
from lgsp.store.sync.tables import QUEUE, QueueState

NOW = 1_720_141_200_000


def test_a_sweep_goes_on_until_it_has_ended(engine: Engine) -> None:
    with engine.begin() as connection:
        first = open_sweep(connection, "all", NOW, anew=False)
        write_checked(connection, first, {"b": b'{"of":"b"}', "a": b'{"of":"a"}', "c": b""})
        write_checked(connection, first, {"a": b"", "d": b'{"of":"d"}'})
        write_checked(connection, first, {})
    with engine.begin() as connection:
        again = open_sweep(connection, "all", NOW + 5, anew=False)
        assert again == first
        assert checked_codes(connection, again) == {"a", "b", "c", "d"}
        assert list(differences_of(connection, again)) == [b'{"of":"b"}', b'{"of":"d"}']
        other = open_sweep(connection, "H37.1 all", NOW, anew=False)
        assert checked_codes(connection, other) == set()
        end_sweep(connection, again, NOW + 9)
    with engine.begin() as connection:
        # It can still be read when it has ended; the next one begins with nothing.
        assert len(list(differences_of(connection, again))) == 2
        after = open_sweep(connection, "all", NOW, anew=False)
        assert after.began_at > first.began_at
        assert checked_codes(connection, after) == set()
        write_checked(connection, after, {"a": b""})
        anew = open_sweep(connection, "all", NOW + 99, anew=True)
        assert (anew.began_at, checked_codes(connection, anew)) == (NOW + 99, set())


def test_a_plan_sets_a_dossier_going_once(engine: Engine) -> None:
    codes = [code_of(n) for n in range(3)]
    with engine.begin() as connection:
        connection.execute(insert(QUEUE), [row(dossier(code, 2, 4)) for code in codes])
        assert mark(connection, "one", codes[0], NOW)
        assert not mark(connection, "one", codes[0], NOW)
        assert mark(connection, "two", codes[0], NOW)
        assert not mark(connection, "one", "H37-nobody", NOW)
        assert marked_codes(connection, "one") == {codes[0], "H37-nobody"}
        states = connection.execute(select(QUEUE.c.queue_state).order_by(QUEUE.c.code))
        assert list(states.scalars()) == [QueueState.PENDING, QueueState.CLEAN, QueueState.CLEAN]


def test_rows_are_read_by_code_and_all_in_order(engine: Engine) -> None:
    codes = [code_of(n) for n in range(1200)]
    with engine.begin() as connection:
        connection.execute(insert(QUEUE), [row(dossier(code, 2)) for code in codes])
        assert [each.code for each in all_rows(connection)] == codes
        asked = [*codes[5:1100], "H37-nobody", codes[5]]
        assert sorted(each.code for each in rows_of(connection, asked)) == codes[5:1100]
