"""Which alerts a fault may ring, and which it must when it lasts: of the shipped rules.

What must ring has rung, at the latest, when the fault has lasted for so long *and* as long again
as a busy machine takes; a fault that is over sooner may ring it.
"""

from collections.abc import Collection

FACTOR = 20
"""The rules' own waiting times pass as many times as fast."""

# Seconds that the fault has to last: the rule's `for` (three seconds a minute), and before it what
# the service takes to notice, such as half a minute until `lgsp_broker_up` is 0.
MUST = {
    "kill again": {"CrashLoop": 20},
    "stop rates": {"ProcessDown": 10},
    "stop national sync": {"ProcessDown": 10},
    "stop feed": {"ProcessDown": 10},
    "stop connector": {"ProcessDown": 10, "PortalSilent": 40},
    "stop broker": {"BrokerAway": 45},
    "kill connector": {"ProcessDown": 10, "PortalSilent": 40},
    "national portal away": {"NationalPortalAway": 30},
    "national portal errs": {"SyncParked": 25},
    "rates store locked": {"StoreStuck": 25, "FiguresStale": 35},
    "sync store locked": {"StoreStuck": 25},
    "rows rejected": {"DeadLettersRising": 0},
    "disk full": {"DiskFilling": 30},
    # The national portal's own clock is nobody's business.
    "clock of rates": {"ClockOff": 25},
    "clock of national sync": {"ClockOff": 25},
    "clock of feed": {"ClockOff": 25},
    "clock of connector": {"ClockOff": 25},
}
# What may ring for what was played; what rings besides was rung by nothing.
_MAY = {
    "kill": {"ProcessDown", "CrashLoop", "NotReady", "LaneStands", "LaneFenced"},
    "stop": {"ProcessDown", "NotReady", "LaneStands", "LaneFenced", "BacklogGrows", "CrashLoop"},
    "kill broker": {"BrokerAway", "CellsUnpublished", "ConnectorRetrying"},
    "stop broker": {"BrokerAway", "CellsUnpublished", "ConnectorRetrying", "SyncPendingOld"},
    "stop national sync": {"SyncPendingOld"},
    "kill again national sync": {"SyncPendingOld"},
    "kill connector": {"PortalSilent"},
    "stop connector": {"PortalSilent"},
    "national portal away": {"NationalPortalAway", "SyncPendingOld"},
    "national portal errs": {"SyncParked", "SyncHeld", "SyncInDoubt", "SyncPendingOld"},
    "rates store": {"StoreStuck", "LaneStands", "NotReady", "CellsUnpublished", "ProcessDown"},
    "sync store": {"StoreStuck", "LaneStands", "NotReady", "SyncPendingOld", "ProcessDown"},
    "rows rejected": {"DeadLettersRising"},
    "disk full": {"DiskFilling", "StoreStuck", "ProcessDown", "CrashLoop", "BrokerAway"},
    "clock of": {"ClockOff"},
    "clock of feed": {"PortalSilent"},
    "clock of national sync": {"SyncPendingOld"},
    "": {"TrustFallen", "FiguresStale"},
}


def must_ring(fault: str, seconds: float) -> frozenset[str]:
    """Return the alerts that the fault has to ring when it lasts for so long."""
    return frozenset(
        alert
        for start, alerts in MUST.items()
        if fault.startswith(start)
        for alert, least in alerts.items()
        if seconds >= least
    )


def may_ring(played: Collection[str]) -> set[str]:
    """Return the alerts that these faults may ring."""
    return {
        alert
        for start, alerts in _MAY.items()
        if any(name.startswith(start) for name in played)
        for alert in alerts
    }
