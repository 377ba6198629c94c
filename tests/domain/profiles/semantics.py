"""Hypothesis strategy: status semantics of any kind, sensible or not."""

from hypothesis import strategies as st

from lgsp.domain.status import Status, StatusSemantics

MAPPED = tuple(status for status in Status if status is not Status.UNKNOWN)
sets = st.frozensets(st.sampled_from(MAPPED), max_size=6)
few = st.frozensets(st.sampled_from(MAPPED), max_size=2)

semantics = st.builds(
    StatusSemantics,
    next=st.fixed_dictionaries(dict.fromkeys(MAPPED, sets)),
    suspending=few,
    finished=st.lists(st.sampled_from(MAPPED), unique=True, max_size=4).map(tuple),
    refused=few,
    withdrawn=few,
    ended=sets,
    passed_unseen=st.dictionaries(st.sampled_from(MAPPED), few, max_size=2),
    not_received=sets,
    silent_on_reception=sets,
)
