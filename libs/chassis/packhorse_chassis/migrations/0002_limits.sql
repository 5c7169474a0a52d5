-- A record's key counts as well: one that the broker refuses would hold up all that is said after it.
ALTER TABLE outbox DROP CONSTRAINT outbox_check;
ALTER TABLE outbox ADD CHECK (coalesce(octet_length(key), 0) + octet_length(value) + octet_length(headers) <= 2000000);

-- What a dead letter held may be personal. Once it has ended it goes in time; that it was, and why, stays.
CREATE INDEX dead_letter_ended ON dead_letter (ended_at) WHERE ended_at IS NOT NULL AND value IS NOT NULL;
