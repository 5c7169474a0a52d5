-- What every service's database holds beside its own tables.

-- The guard against repeats. What was heard once is here; the primary key decides between two owners of a partition.
-- Facts of our own services lie in the partition of the day inside their id, dropped as a whole when it is older than
-- any topic keeps. Outsiders choose their ids freely: theirs lie in the partition of 1970 and are deleted by seen_at.
CREATE TABLE inbox (
    day date NOT NULL,
    source text NOT NULL,
    id text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (day, source, id)
) PARTITION BY RANGE (day);
CREATE TABLE inbox_outsiders PARTITION OF inbox FOR VALUES FROM ('1970-01-01') TO ('1970-01-02');
CREATE INDEX inbox_outsiders_seen_at ON inbox_outsiders USING brin (seen_at);

-- What is said but not yet published. One leader a shard reads the set of rows in id order, publishes and deletes.
-- The limit makes a record that the broker would refuse impossible here: a permanent error between two records of
-- one key would otherwise reorder them. The table lives on quick vacuums: half of all rows ever written are dead.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shard smallint NOT NULL,
    topic text NOT NULL,
    key bytea,
    headers bytea NOT NULL,
    value bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CHECK (octet_length(value) + octet_length(headers) <= 2000000)
) WITH (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0
);

-- The last ce_sequence given to each Kafka key. Its row lock is also what makes id order commit order for a key.
CREATE TABLE sequence (
    key text PRIMARY KEY,
    last bigint NOT NULL
) WITH (fillfactor = 70);

-- "Tell me again at `due`." Setting a timer anew replaces it.
CREATE TABLE timer (
    type text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    id text NOT NULL,
    due timestamptz NOT NULL,
    payload jsonb NOT NULL,
    correlation_id text,
    traceparent text,
    PRIMARY KEY (type, key, name)
);
CREATE INDEX timer_due ON timer (due);

-- Things to do in the outside world. The row is the intent, stored before the outside is called; it stays as the guard
-- against a repeat, without its content, once the answer was heard. Room on each page keeps the end on it.
CREATE TABLE effect (
    idempotency_key text PRIMARY KEY,
    id text NOT NULL,
    type text NOT NULL,
    request jsonb,
    requested_at timestamptz NOT NULL DEFAULT now(),
    deadline timestamptz NOT NULL,
    next_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz NOT NULL DEFAULT '-infinity',
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    done_at timestamptz,
    correlation_id text,
    traceparent text
) WITH (fillfactor = 70);
CREATE INDEX effect_pending ON effect (next_at) WHERE done_at IS NULL;
CREATE INDEX effect_done ON effect USING brin (done_at);

-- Inputs that were given up, with everything needed to try them again.
CREATE TABLE dead_letter (
    id text PRIMARY KEY,
    origin text NOT NULL CHECK (origin IN ('record', 'timer', 'answer')),
    topic text NOT NULL,
    partition integer,
    "offset" bigint,
    key bytea,
    headers bytea NOT NULL,
    value bytea,
    event_id text,
    event_source text,
    subject_kind text,
    subject_key text,
    correlation_id text,
    code text NOT NULL,
    reason text NOT NULL,
    field text,
    traceback text,
    retryable boolean NOT NULL,
    parked boolean NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'retry', 'discard', 'retried', 'discarded')),
    ended_at timestamptz
);
CREATE INDEX dead_letter_asked ON dead_letter (at) WHERE status IN ('retry', 'discard');
CREATE INDEX dead_letter_open ON dead_letter (at) WHERE status = 'open';

-- Subjects whose later inputs wait until an operator retries or discards the one that failed.
CREATE TABLE parked (
    kind text NOT NULL,
    key text NOT NULL,
    dead_letter_id text NOT NULL REFERENCES dead_letter (id),
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, key)
);
CREATE TABLE waiting (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_kind text NOT NULL,
    subject_key text NOT NULL,
    origin text NOT NULL,
    topic text NOT NULL,
    partition integer,
    "offset" bigint,
    key bytea,
    headers bytea NOT NULL,
    value bytea,
    at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX waiting_subject ON waiting (subject_kind, subject_key, seq);
