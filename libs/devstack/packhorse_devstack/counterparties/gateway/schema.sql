-- The gateway's book. Amounts in minor units, times as RFC 3339 text in UTC. The checks repeat the rules in the database,
-- so that no fault of the program can book more than was authorised.
CREATE TABLE IF NOT EXISTS authorisation (
    id           TEXT PRIMARY KEY,
    reference    TEXT NOT NULL,
    amount       INTEGER NOT NULL CHECK (amount > 0),
    currency     TEXT NOT NULL,
    method       TEXT NOT NULL,
    token        TEXT,
    decision     TEXT NOT NULL CHECK (decision IN ('authorised', 'declined')),
    decline_code TEXT,
    review_until TEXT,
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL,
    captured     INTEGER NOT NULL,
    refunded     INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured),
    voided       INTEGER NOT NULL CHECK (voided >= 0 AND captured + voided <= amount)
) STRICT;
CREATE INDEX IF NOT EXISTS authorisation_by_reference ON authorisation (reference);

-- Captures, voids and refunds as they were answered: `amount` moved, `details` the parts of a refund.
CREATE TABLE IF NOT EXISTS movement (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    kind             TEXT NOT NULL CHECK (kind IN ('capture', 'void', 'refund')),
    authorisation_id TEXT NOT NULL REFERENCES authorisation,
    reference        TEXT,
    amount           INTEGER NOT NULL CHECK (amount > 0),
    currency         TEXT NOT NULL,
    final            INTEGER NOT NULL DEFAULT 0,
    refunded         INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    details          TEXT NOT NULL DEFAULT '[]',
    created_at       TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS movement_by_authorisation ON movement (authorisation_id, kind);

-- What each Idempotency-Key was answered. Written in the transaction that does the work: an operation answered is a stored one.
CREATE TABLE IF NOT EXISTS operation (
    key         TEXT PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    operation   TEXT NOT NULL,
    status_code INTEGER NOT NULL,
    answer      TEXT NOT NULL,
    finished_at TEXT NOT NULL
) STRICT;
