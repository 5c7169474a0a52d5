-- A record's key counts as well: one that the broker refuses would hold up all that is said after it.
ALTER TABLE outbox DROP CONSTRAINT outbox_check;
ALTER TABLE outbox ADD CHECK (coalesce(octet_length(key), 0) + octet_length(value) + octet_length(headers) <= 2000000);
