"""Every Prometheus metric of the project, declared once; `docs/metrics.md` is generated from here.

Labels come from closed sets (topic, reason, outcome, service, route): never codes or persons.
"""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

# The lane: what a processor reads from the log.
EVENTS_IN = Counter(
    "lgsp_lane_events_total", "Records read from the log and made durable in the store.", ["lane"]
)
BATCHES = Counter("lgsp_lane_batches_total", "Store transactions of a lane.", ["lane"])
FENCED = Counter(
    "lgsp_lane_fenced_total",
    "Transactions rolled back because another worker owned the partition.",
    ["lane"],
)
LAG = Gauge(
    "lgsp_lane_lag_records", "Records in the log not yet in the store.", ["lane", "partition"]
)
STORED_OFFSET = Gauge(
    "lgsp_lane_stored_offset", "Next offset to read, as stored.", ["lane", "partition"]
)
LAST_BATCH = Gauge(
    "lgsp_lane_last_batch_timestamp_seconds", "When the last batch became durable.", ["lane"]
)
BATCH_SECONDS = Histogram(
    "lgsp_lane_batch_seconds", "Time to fold one batch and commit it.", ["lane"], buckets=_SECONDS
)
REJECTS = Counter("lgsp_rejects_total", "Records parked as dead letters.", ["stage", "reason"])

# Rates.
CELLS_PUBLISHED = Counter("lgsp_rates_cells_published_total", "Cells sent to rate-cells.")
CELLS_PENDING = Gauge("lgsp_rates_cells_pending", "Changed cells waiting to be published.")
WAKEUPS = Counter(
    "lgsp_rates_wakeups_total", "Dossiers re-evaluated because their deadline passed."
)
