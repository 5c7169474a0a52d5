-- The ledger's only statement of this service. Everything else reads it from outside (audit, reports).

-- name: append_ledger_entries
-- $1: a JSON list of entries, in order. A movement that was booked before violates the primary key on purpose: the
-- reaction would have counted wrongly, and the whole transaction must not happen.
INSERT INTO ledger_entry (payment_id, entry, order_id, at, movement, debit, credit, amount, currency, cause)
SELECT payment_id, entry, order_id, at, movement, debit, credit, amount, currency, cause
FROM jsonb_to_recordset($1::jsonb) AS new (
    payment_id text, entry integer, order_id text, at timestamptz, movement text, debit text, credit text,
    amount bigint, currency text, cause text);
