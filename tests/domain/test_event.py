"""The same source fact always gives the same id."""

from dataclasses import replace

from hypothesis import given

from lgsp.domain.event import DossierEvent, event_id
from lgsp.domain.status import Status
from tests.domain.events import events, seen_again


@given(events())
def test_observing_and_sealing_again_keeps_the_id(event: DossierEvent) -> None:
    assert event_id(seen_again(event, sealed=b"other")) == event.event_id


@given(events())
def test_every_change_of_the_fact_changes_the_id(event: DossierEvent) -> None:
    changed = [
        replace(event, portal=event.portal + "x"),
        replace(event, dossier_code=event.dossier_code + "1"),
        replace(event, occurred_at=event.occurred_at + 1),
        replace(event, due_at=(event.due_at or 0) + 1),
        replace(event, reopens=not event.reopens),
    ]

    assert len({event_id(e) for e in [event, *changed]}) == 6


def test_fields_cannot_be_shifted_into_each_other() -> None:
    one = DossierEvent(
        portal="p",
        province="H37",
        dossier_code="c",
        agency="ab",
        procedure="c",
        status=Status.REGISTERED,
        occurred_at=1,
        observed_at=1,
    )

    assert event_id(one) != event_id(replace(one, agency="a", procedure="bc"))
