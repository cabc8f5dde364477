"""Metrics of the process, in Prometheus' format on /metrics; those of the fleet are in `fleet`.

No label takes a value that users choose: kinds, verbs, codes, results. docs/metrics.md says what
each is for.
"""

from prometheus_client import Counter, Gauge, Histogram

RECONCILES = Counter(
    "botcripto_reconcile_total",
    "Reconciliations by kind and result: success, conflict or error.",
    ["kind", "result"],
)
RECONCILE_SECONDS = Histogram(
    "botcripto_reconcile_duration_seconds",
    "Duration of a reconciliation, its calls to the API server included.",
    ["kind"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
)
WRITES = Counter("botcripto_writes_total", "Writes to the API server by what they do.", ["what"])
API_REQUESTS = Counter(
    "botcripto_api_requests_total",
    "Requests to the API server by verb, resource and status code; code 0 is no answer.",
    ["verb", "resource", "code"],
)
API_REQUEST_SECONDS = Histogram(
    "botcripto_api_request_duration_seconds",
    "Duration of a request to the API server.",
    ["verb"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 30),
)
QUEUE_DEPTH = Gauge("botcripto_queue_depth", "Keys that wait for a worker.")
OLDEST_KEY_SECONDS = Gauge(
    "botcripto_queue_oldest_key_age_seconds", "How long the first key of the queue has waited."
)
QUEUE_WAIT_SECONDS = Histogram(
    "botcripto_queue_wait_seconds",
    "How long a key waited for a worker.",
    buckets=(0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 120),
)
LOOP_LAG_SECONDS = Gauge(
    "botcripto_event_loop_lag_seconds", "How late the event loop was at its last heartbeat."
)
IS_LEADER = Gauge("botcripto_is_leader", "1 while this process holds the Lease, else 0.")
LAST_EVENT = Gauge(
    "botcripto_last_event_timestamp_seconds",
    "When a watch last delivered an object, by resource.",
    ["resource"],
)
WATCH_RESTARTS = Counter(
    "botcripto_watch_restarts_total", "How often all watches ended by an error and began again."
)
LAST_RELIST = Gauge(
    "botcripto_last_relist_timestamp_seconds", "When everything was last listed in full."
)
RELIST_CORRECTIONS = Counter(
    "botcripto_relist_corrections_total",
    "Objects that a full list had to correct: events that a watch has lost.",
    ["resource"],
)
TRAINING_SECONDS = Histogram(
    "botcripto_training_duration_seconds",
    "From a training's creation to its end, by outcome: Promoted, Rejected or Failed.",
    ["outcome"],
    buckets=(60, 300, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400),
)
ORDERS = Counter(
    "botcripto_orders_total",
    "Orders by mode and outcome: Placed counts orders, Filled purchases and sales.",
    ["mode", "outcome"],
)
SCHEDULE_LATENESS_SECONDS = Histogram(
    "botcripto_schedule_lateness_seconds",
    "How long after its scheduled time the Job of an inference run was created.",
    buckets=(1, 2, 5, 10, 30, 60, 120, 300, 900, 3600),
)
