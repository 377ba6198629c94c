"""Hypothesis strategies: adversarial event sets of a few dossiers."""

from dataclasses import replace

from hypothesis import strategies as st

from lgsp.domain.details import Answer, Details, FilingPlace, Payment
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel, with_id
from lgsp.domain.status import Status

# Jan to Jul 2024, in minutes, so that equal instants and both sides of midnight come up often.
_FIRST, _LAST = 1_704_067_200_000, 1_719_792_000_000
instants = st.integers(0, (_LAST - _FIRST) // 1_800_000).map(lambda n: _FIRST + n * 1_800_000)
maybe = st.one_of(st.none(), instants)
counts = st.none() | st.integers(0, 40)
details = st.builds(
    Details,
    filing_place=st.sampled_from(FilingPlace),
    payment=st.sampled_from(Payment),
    fee=st.none() | st.integers(0, 10_000_000),
    fee_waived=st.sampled_from(Answer),
    components_digitised=counts,
    components_reused=counts,
    components_from_store=counts,
    supplements=counts,
    vneid_verified=st.sampled_from(Answer),
    electronic_result=st.sampled_from(Answer),
)


@st.composite
def events(
    draw: st.DrawFn, codes: tuple[str, ...] = ("H37.1-240101-0001", "H37.2-240101-0002")
) -> DossierEvent:
    """One event with its id; few codes, agencies and instants, so that events collide."""
    code = draw(st.sampled_from(codes))
    return with_id(
        DossierEvent(
            portal=draw(st.sampled_from(["one", "two"])),
            province="H37",
            dossier_code=code,
            agency=draw(st.sampled_from(["H37.1", "H37.2"])),
            procedure=draw(st.sampled_from(["", "1.000001", "2.000002"])),
            domain=draw(st.sampled_from(["", "G01-AA01"])),
            service_level=draw(st.sampled_from(list(ServiceLevel))),
            channel=draw(st.sampled_from(list(Channel))),
            source_status=draw(st.sampled_from(["", "đang xử lý"])),
            status=draw(st.sampled_from(list(Status))),
            reopens=draw(st.booleans()),
            occurred_at=draw(instants),
            observed_at=draw(instants),
            sequence=draw(st.integers(0, 2)),
            submitted_at=draw(maybe),
            received_at=draw(maybe),
            due_at=draw(maybe),
            finished_at=draw(maybe),
            returned_at=draw(maybe),
            sealed=draw(st.sampled_from([None, b"one", b"two"])),
            stated_at=draw(maybe),
            stated_row=draw(st.integers(0, 2)),
            removed=draw(st.sampled_from([False, False, False, True])),
            national_code=draw(st.sampled_from(["", "G22.99-240101-000001"])),
            details=draw(st.one_of(st.none(), details)),
        )
    )


event_sets = st.lists(events(), min_size=1, max_size=14)


def seen_again(event: DossierEvent, *, sealed: bytes | None) -> DossierEvent:
    """The same fact read later: another observation time, sealed with another nonce."""
    return replace(event, observed_at=event.observed_at + 1, sealed=sealed)
