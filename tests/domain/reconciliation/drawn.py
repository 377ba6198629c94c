"""Hypothesis strategies: any sides, any state of the queue, any claim."""

from hypothesis import strategies as st

from lgsp.domain.reconciliation.held import Claim, Here, Push, PushedAs, SyncState, There
from lgsp.domain.reconciliation.sides import DATES, Moment, SeenStep, Side
from lgsp.domain.status import Status
from tests.domain.reconciliation.pairs import DAY, HOUR, START

_times = st.integers(0, 12).map(lambda n: START + n * HOUR)
_moment = st.none() | st.builds(Moment, _times, st.sampled_from([1000, 60_000, DAY]))
_mapped = st.sampled_from([s for s in Status if s])
_step = st.builds(SeenStep, _times, _mapped, st.sampled_from([1000, 60_000]))
_steps = st.none() | st.lists(_step, max_size=5).map(lambda found: tuple(sorted(found)))
_maybe = st.none() | st.booleans()
sides = st.builds(
    Side,
    status=st.none() | _mapped,
    dates=st.dictionaries(st.sampled_from(DATES), _moment),
    steps=_steps,
    late=_maybe,
    received_late=_maybe,
)
_pushes = st.lists(
    st.builds(
        Push, result=st.sampled_from(PushedAs), at=st.none() | _times, message=st.just("lý do")
    ),
    max_size=2,
).map(tuple)
heres = st.builds(
    Here,
    code=st.just("H37.1-240108-0001"),
    side=sides,
    deadline=st.none() | _times,
    reception_deadline=st.none() | _times,
    changed_at=st.none() | _times,
    sync=st.sampled_from(SyncState),
    unmapped=st.booleans(),
    removed=st.booleans(),
    known_there=st.booleans(),
    own_steps=st.frozensets(_step, max_size=3),
    doubted=st.frozensets(_step, max_size=2),
    pushes=_pushes,
)
theres = st.builds(
    There,
    code=st.just("H37.1-240108-0001"),
    found=_maybe,
    side=sides,
    claim=st.none() | st.sampled_from(Claim),
    filed_there=_maybe,
    ours=st.booleans(),
)
