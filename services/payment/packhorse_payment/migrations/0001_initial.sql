-- Payments and their ledger. Amounts are integers in the minor unit of the payment's currency.

-- One row an order: exactly one payment each. The sums in the state are also derivable from the ledger; the audit
-- compares them.
CREATE TABLE payments (
    id text PRIMARY KEY,
    state jsonb,
    payment_id text GENERATED ALWAYS AS (state ->> 'payment_id') STORED,
    authorised bigint GENERATED ALWAYS AS ((state ->> 'authorised')::bigint) STORED,
    captured bigint GENERATED ALWAYS AS ((state ->> 'captured')::bigint) STORED,
    voided bigint GENERATED ALWAYS AS ((state ->> 'voided')::bigint) STORED,
    refunded bigint GENERATED ALWAYS AS ((state ->> 'refunded')::bigint) STORED,
    -- The kind of operation that the gateway is asked right now, and whether that is asked, unknown or review.
    waits_for text GENERATED ALWAYS AS (state #>> '{pending,operation,kind}') STORED,
    waits_as text GENERATED ALWAYS AS (state #>> '{pending,status}') STORED,
    -- Whatever a reaction believes: never take more than is held, never give back more than was taken.
    CONSTRAINT nothing_negative CHECK (authorised >= 0 AND captured >= 0 AND voided >= 0 AND refunded >= 0),
    CONSTRAINT captured_within_authorised CHECK (captured + voided <= authorised),
    CONSTRAINT refunded_within_captured CHECK (refunded <= captured)
);
CREATE INDEX payments_waiting ON payments (waits_as, waits_for) WHERE waits_as IS NOT NULL;

-- The double-entry ledger. A row moves one positive amount from the account it credits to the account it debits, so
-- debits equal credits by construction; what each account means stands in ledger.py and README.md.
CREATE TABLE ledger_entry (
    payment_id text NOT NULL,
    entry integer NOT NULL CHECK (entry > 0),
    order_id text NOT NULL,
    at timestamptz NOT NULL,
    movement text NOT NULL,
    debit text NOT NULL,
    credit text NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    cause text NOT NULL,
    PRIMARY KEY (payment_id, entry),
    CONSTRAINT movement_between_its_accounts CHECK ((movement, debit, credit) IN (
        ('authorised', 'authorised_funds', 'authorisations'),
        ('released', 'authorisations', 'authorised_funds'),
        ('hold_used', 'authorisations', 'authorised_funds'),
        ('captured', 'gateway', 'customer'),
        ('earned', 'customer', 'revenue'),
        ('taken_back', 'revenue', 'customer'),
        ('refunded', 'customer', 'gateway')
    ))
);
CREATE INDEX ledger_entry_order ON ledger_entry (order_id);

-- Append-only, for everybody: a wrong entry is put right by another one.
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: put a wrong entry right by another one';
END $$;
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();

-- Balances by payment and account: debits less credits.
CREATE VIEW ledger_balance AS
SELECT payment_id, account, sum(amount) AS balance
FROM (
    SELECT payment_id, debit AS account, amount FROM ledger_entry
    UNION ALL
    SELECT payment_id, credit, -amount FROM ledger_entry
) AS sides
GROUP BY payment_id, account;
