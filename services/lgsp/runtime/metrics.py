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
LAG_SECONDS = Gauge(
    "lgsp_lane_lag_seconds",
    "Age of the oldest record in the log not yet in the store; 0: there is none.",
    ["lane", "partition"],
)
STORED_OFFSET = Gauge(
    "lgsp_lane_stored_offset", "Next offset to read, as stored.", ["lane", "partition"]
)
PARTITIONS = Gauge("lgsp_lane_partitions", "Partitions that this worker reads now.", ["lane"])
READ_AGAIN = Counter(
    "lgsp_lane_read_again_total",
    "Partitions read again from the stored position because their records stayed unread.",
    ["lane"],
)
LAST_BATCH = Gauge(
    "lgsp_lane_last_batch_timestamp_seconds", "When the last batch became durable.", ["lane"]
)
BATCH_SECONDS = Histogram(
    "lgsp_lane_batch_seconds", "Time to fold one batch and commit it.", ["lane"], buckets=_SECONDS
)
REJECTS = Counter("lgsp_rejects_total", "Records rejected as dead letters.", ["stage", "reason"])

BROKER_UP = Gauge("lgsp_broker_up", "1 while the broker has answered within half a minute.")

DISK_FREE = Gauge("lgsp_disk_free_bytes", "Room left on the disk of LGSP_DATA.")
DISK_SIZE = Gauge("lgsp_disk_size_bytes", "Size of the disk of LGSP_DATA.")
STORE_BUSY = Gauge(
    "lgsp_store_busy_seconds",
    "For how long the piece of store work under way has been going on; 0: there is none.",
)

# Rates.
CELLS_PUBLISHED = Counter("lgsp_rates_cells_published_total", "Cells sent to rate-cells.")
CELLS_PENDING = Gauge("lgsp_rates_cells_pending", "Changed cells waiting to be published.")
WAKEUPS = Counter(
    "lgsp_rates_wakeups_total", "Dossiers re-evaluated because their deadline passed."
)

# Connectors: one process a portal; its `portal` label is added where they are exposed.
CONNECTOR_RECORDS = Counter(
    "lgsp_connector_records_total", "Raw records read from the portal.", ["outcome"]
)
CONNECTOR_EVENTS = Counter("lgsp_connector_events_total", "Events sent to dossier-events.")
CONNECTOR_DUPLICATES = Counter(
    "lgsp_connector_duplicates_total", "Events read again and not sent again."
)
CONNECTOR_REQUESTS = Counter(
    "lgsp_connector_requests_total", "Requests to the portal.", ["outcome"]
)
CONNECTOR_REQUEST_SECONDS = Histogram(
    "lgsp_connector_request_seconds", "Time of one request to the portal.", buckets=_SECONDS
)
CONNECTOR_RETRIES = Counter(
    "lgsp_connector_retries_total", "Reads of the portal that failed and were tried again."
)
CONNECTOR_CHECKPOINT = Gauge(
    "lgsp_connector_checkpoint_timestamp_seconds", "When the checkpoint was last stored."
)
CONNECTOR_CAUGHT_UP = Gauge(
    "lgsp_connector_caught_up_timestamp_seconds", "When the portal had nothing more to give."
)
CONNECTOR_REFUSED = Gauge(
    "lgsp_connector_files_refused",
    "Files of the source that cannot be used as they stand, wholly or from some place on.",
)
CONNECTOR_NEWEST = Gauge(
    "lgsp_connector_newest_event_timestamp_seconds", "Time of the newest event of the last page."
)

# IOC feed.
FEED_SECONDS = Histogram(
    "lgsp_feed_request_seconds",
    "Time until an answer of the feed begins.",
    ["route", "status"],
    buckets=_SECONDS,
)
FIGURES_SECONDS = Histogram(
    "lgsp_feed_figures_seconds",
    "Time to make one document of figures from the store.",
    ["document"],
    buckets=_SECONDS,
)
STREAM_CLIENTS = Gauge("lgsp_feed_stream_clients", "Clients following the live stream now.")
# A portal's id is no code of a dossier or unit: there are as many as connectors.
PORTAL_STATE = Gauge(
    "lgsp_feed_portal_state",
    "1 for the state a portal is in, 0 for the others.",
    ["portal", "state"],
)
PORTAL_LOOKED = Gauge(
    "lgsp_feed_portal_looked_timestamp_seconds",
    "When a portal was last looked at; 0: never.",
    ["portal"],
)
TRUST_REASONS = Gauge(
    "lgsp_feed_trust_reasons",
    "1 for each reason why the figures of all, as of now, are less than full.",
    ["reason"],
)
TRUST_REFRESHED = Gauge(
    "lgsp_feed_refreshed_timestamp_seconds", "When portals and trust were last judged."
)
CELLS_DIFFER = Gauge(
    "lgsp_feed_cells_differ",
    "Measures of partitions that the day cells count otherwise than the dossiers.",
)

# National sync and the portal's mock.
NATIONAL_REQUESTS = Counter(
    "lgsp_national_requests_total", "Calls to the national portal.", ["service", "outcome"]
)
NATIONAL_REQUEST_SECONDS = Histogram(
    "lgsp_national_request_seconds",
    "Time of one call to the national portal.",
    ["service"],
    buckets=_SECONDS,
)
NATIONAL_NOT_KEPT = Counter(
    "lgsp_national_not_kept_total",
    "Times that the national portal did not keep what it had acknowledged, of those read back.",
)
NATIONAL_CERTIFICATE = Gauge(
    "lgsp_national_certificate_expires_timestamp_seconds",
    "When the certificate of a side ends: the portal's as last seen, or ours (client).",
    ["side"],
)
NATIONAL_LOGINS = Counter("lgsp_national_logins_total", "Sessions opened at the national portal.")
SYNC_PUSHES = Counter(
    "lgsp_sync_pushes_total", "Dossiers brought to the national portal, by outcome.", ["outcome"]
)
SYNC_QUEUE = Gauge("lgsp_sync_lanes", "Dossiers by their state in the queue.", ["state"])
SYNC_OLDEST = Gauge(
    "lgsp_sync_oldest_pending_seconds", "How long the longest waiting dossier has been waiting."
)
SYNC_BREAKER = Gauge(
    "lgsp_sync_breaker_open", "1 while pushing is paused because the portal does not answer."
)
EVIDENCE_ROWS = Counter("lgsp_evidence_rows_total", "Rows of evidence written.", ["kind"])
EVIDENCE_WRITE_SECONDS = Histogram(
    "lgsp_evidence_write_seconds",
    "Time of one transaction of evidence, of as many rows as had gathered.",
    buckets=_SECONDS,
)
EVIDENCE_HEAD_AGE = Gauge(
    "lgsp_evidence_head_age_seconds",
    "For how long there have been rows that no published head covers; 0: there are none.",
)
MOCK_CALLS = Counter(
    "lgsp_mock_national_calls_total", "Calls to the national mock.", ["service", "answer"]
)
