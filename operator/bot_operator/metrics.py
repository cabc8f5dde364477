"""Metrics of the operator, in Prometheus' format on /metrics."""

from prometheus_client import Counter, Gauge, Histogram

RECONCILES = Counter(
    "botcripto_reconcile_total", "Reconciliations by kind and result.", ["kind", "result"]
)
RECONCILE_SECONDS = Histogram(
    "botcripto_reconcile_seconds",
    "Duration of a reconciliation.",
    ["kind"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.5, 1, 5, 30),
)
WRITES = Counter("botcripto_writes_total", "Writes to the API server by what they do.", ["what"])
API_REQUESTS = Counter(
    "botcripto_api_requests_total",
    "Requests to the API server; code 0 is no answer.",
    ["method", "resource", "code"],
)
QUEUE_DEPTH = Gauge("botcripto_queue_depth", "Keys that wait for a worker.")
OLDEST_KEY_SECONDS = Gauge("botcripto_oldest_key_seconds", "Longest wait of a key in the queue.")
LOOP_LAG_SECONDS = Gauge("botcripto_loop_lag_seconds", "How late the event loop last was.")
IS_LEADER = Gauge("botcripto_is_leader", "1 while this process holds the Lease.")
RELIST_CORRECTIONS = Counter(
    "botcripto_relist_corrections_total",
    "Objects that a full list had to correct: events that a watch has lost.",
    ["resource"],
)
