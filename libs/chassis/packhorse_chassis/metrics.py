"""What Prometheus sees of a service, at /metrics."""

from prometheus_client import Counter, Gauge, Histogram

inputs = Counter("packhorse_inputs_total", "Inputs that changed state", ["origin"])
repeats = Counter("packhorse_repeats_total", "Records that the inbox knew already")
skipped = Counter("packhorse_skipped_total", "Facts of newer releases of our own services, unknown here", ["type"])
events = Counter("packhorse_events_total", "Facts that reactions said")
published = Counter("packhorse_published_total", "Records that the relay published")
dead_letters = Counter("packhorse_dead_letters_total", "Inputs that were given up", ["code"])
card_numbers = Counter("packhorse_card_numbers_removed_total", "Records that held a card's number", ["topic"])
spared = Counter(
    "packhorse_fields_spared_total", "Fields that were wrong, and whose fact was taken without them", ["type", "field"]
)
retried_batches = Counter("packhorse_batch_retries_total", "Transactions that failed for a passing reason")
effects = Counter("packhorse_effects_total", "Attempts of effects", ["type", "outcome"])
batch_size = Histogram(
    "packhorse_batch_inputs", "Inputs of a transaction", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500)
)
transaction_seconds = Histogram("packhorse_transaction_seconds", "Time of a batch's transaction")
effect_seconds = Histogram("packhorse_effect_seconds", "Time of one attempt of an effect", ["type"])
resting = Gauge("packhorse_effects_resting", "1 while an outside that keeps failing is left alone", ["type"])
outbox_oldest = Gauge("packhorse_outbox_oldest_seconds", "Age of the oldest unpublished record")
outbox_dead_rows = Gauge("packhorse_outbox_dead_rows", "Rows of the outbox that wait for vacuum")
snapshot_age = Gauge(
    "packhorse_oldest_snapshot_transactions",
    "Transactions since the oldest snapshot that a session holds: while it does, vacuum can clean nothing",
)
leader = Gauge("packhorse_relay_leader", "1 while this process publishes")
ready = Gauge("packhorse_ready", "1 while database and broker answer")
