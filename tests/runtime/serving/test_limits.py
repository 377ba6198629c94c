"""Who asks nothing makes room; who is being answered keeps its place."""

from dataclasses import dataclass, field

from lgsp.runtime.serving.limits import Connections


@dataclass(eq=False)
class Held:
    client: str = "a"
    answering: bool = False
    dropped: list[bool] = field(default_factory=list)

    def drop(self) -> None:
        self.dropped.append(True)


def test_a_full_port_drops_the_one_that_has_asked_nothing_for_longest() -> None:
    port = Connections(most=3, most_of_one=3)
    busy, first, second = Held(answering=True), Held(), Held()
    assert all(port.admit(one) for one in (busy, first, second))
    port.asked(first)
    assert port.admit(Held("b"))
    assert [bool(one.dropped) for one in (busy, first, second)] == [False, False, True]
    assert len(port) == 3


def test_only_when_all_are_being_answered_a_new_one_is_refused() -> None:
    port = Connections(most=2, most_of_one=2)
    busy = [Held(answering=True), Held(answering=True)]
    assert all(port.admit(one) for one in busy)
    late = Held("b")
    assert not port.admit(late)
    port.leave(late)  # it never had a place
    assert len(port) == 2
    port.leave(busy[0])
    assert port.admit(Held("b"))


def test_one_client_keeps_no_other_out() -> None:
    port = Connections(most=4, most_of_one=2)
    greedy = [Held("greedy", answering=True) for _ in range(3)]
    assert [port.admit(one) for one in greedy] == [True, True, False]
    assert port.admit(Held("b"))
    port.leave(greedy[0])
    port.leave(greedy[0])  # once more does not free a second place
    assert [port.admit(Held("greedy", answering=True)) for _ in range(2)] == [True, False]
