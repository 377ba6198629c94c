"""Profile `simple`, the one behind the provinces' published figures.

Finished (8, 9, 10) at or before the due time, extended by the working time that the dossier waited
for the citizen (5, 6) where the source has not moved the due date itself.
"""

from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.two_rates import TWO_RATES
from lgsp.domain.standing import by_deadline
from lgsp.domain.status import Status, StatusSemantics

_S = Status
_STATUSES = StatusSemantics(
    next={
        _S.REGISTERED: frozenset({_S.RECEIVED, _S.REFUSED, _S.SUPPLEMENT_REQUIRED, _S.WITHDRAWN}),
        _S.RECEIVED: frozenset(
            {
                _S.PROCESSING,
                _S.SUPPLEMENT_REQUIRED,
                _S.PAYMENT_REQUIRED,
                _S.WITHDRAWN,
                _S.STOPPED,
                _S.PROCESSED,
            }
        ),
        _S.PROCESSING: frozenset(
            {_S.SUPPLEMENT_REQUIRED, _S.PAYMENT_REQUIRED, _S.WITHDRAWN, _S.STOPPED, _S.PROCESSED}
        ),
        _S.SUPPLEMENT_REQUIRED: frozenset({_S.RECEIVED, _S.PROCESSING, _S.WITHDRAWN, _S.STOPPED}),
        _S.PAYMENT_REQUIRED: frozenset({_S.PROCESSING, _S.WITHDRAWN, _S.STOPPED, _S.PROCESSED}),
        _S.WITHDRAWN: frozenset({_S.STOPPED, _S.PROCESSING}),
        _S.PROCESSED: frozenset({_S.RESULT_RETURNED, _S.PAYMENT_REQUIRED}),
        _S.REFUSED: frozenset(),
        _S.STOPPED: frozenset(),
        _S.RESULT_RETURNED: frozenset(),
    },
    suspending=frozenset({_S.SUPPLEMENT_REQUIRED, _S.PAYMENT_REQUIRED}),
    # The finishing time is that of the last 9, else of 10, else of 8.
    finished=(_S.PROCESSED, _S.RESULT_RETURNED, _S.STOPPED),
    refused=frozenset({_S.REFUSED}),
    withdrawn=frozenset({_S.WITHDRAWN}),
    # After 9 the way back through 6 (a fee found afterwards) must not make 9 -> 4 look reachable:
    # that is a correction, and only the source's explicit word reopens a dossier.
    ended=frozenset({_S.REFUSED, _S.STOPPED, _S.PROCESSED, _S.RESULT_RETURNED}),
    passed_unseen={_S.PROCESSED: frozenset({_S.RESULT_RETURNED})},
    not_received=frozenset({_S.REGISTERED, _S.REFUSED}),
    silent_on_reception=frozenset({_S.SUPPLEMENT_REQUIRED, _S.WITHDRAWN}),
)

SIMPLE = Profile(
    name="simple",
    version="2",
    statuses=_STATUSES,
    rule=by_deadline,
    measures=TWO_RATES,
)
