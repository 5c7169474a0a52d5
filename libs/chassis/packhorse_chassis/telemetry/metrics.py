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
previews = Counter("packhorse_previews_total", "Dry runs that were answered")
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
ready = Gauge("packhorse_ready", "1 while /health/ready says ok")
behind = Gauge("packhorse_behind_records", "Records of a partition that aren't handled yet", ["topic", "partition"])
held = Gauge("packhorse_held_records", "Those of them that an open transaction holds back", ["topic", "partition"])
oldest_unread = Gauge("packhorse_oldest_unread_seconds", "Age of the oldest record not handled, at most", ["topic"])
heard_age = Histogram(
    "packhorse_heard_age_seconds",
    "Age of records when they are polled, the last of each partition",
    ["topic"],
    buckets=(0.1, 0.5, 1, 5, 30, 300, 3_600, 86_400),
)
open_letters = Gauge("packhorse_dead_letters_open", "Dead letters that nobody has decided on", ["code"])
emptied_letters = Counter("packhorse_dead_letters_emptied_total", "Of which there are more than are kept whole")
expired_letters = Counter("packhorse_dead_letters_expired_total", "Those that nobody decided on in time")
oldest_letter = Gauge("packhorse_dead_letters_oldest_seconds", "Age of the oldest of them")
parked = Gauge("packhorse_parked", "Keys whose inputs wait behind a dead letter")
waiting = Gauge("packhorse_waiting", "Inputs that wait there")
unnamed = Gauge("packhorse_unnamed", "Inputs that wait until somebody says whose their pick list, or parcel, is")
timers_overdue = Gauge("packhorse_timers_overdue_seconds", "How long the timer that is most overdue has been due")
pool_busy = Gauge("packhorse_pool_busy", "Database connections in use")
pool_size = Gauge("packhorse_pool_size", "Database connections that there may be")
loop_delay = Histogram(
    "packhorse_loop_delay_seconds",
    "How much later than asked for the event loop goes on, sampled once a second",
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
)
