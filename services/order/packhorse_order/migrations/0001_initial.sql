-- One row an order. What operators search by is generated from the document; none of it is personal data.
CREATE TABLE orders (
    id text PRIMARY KEY,
    state jsonb,
    rejected boolean GENERATED ALWAYS AS (coalesce((state ->> 'rejected')::boolean, false)) STORED,
    accepted boolean GENERATED ALWAYS AS (coalesce((state ->> 'accepted')::boolean, false)) STORED,
    confirmed boolean GENERATED ALWAYS AS (coalesce((state ->> 'confirmed')::boolean, false)) STORED,
    cancelling boolean GENERATED ALWAYS AS (coalesce((state ->> 'cancelling')::boolean, false)) STORED,
    cancelled boolean GENERATED ALWAYS AS (coalesce((state ->> 'cancelled')::boolean, false)) STORED,
    completed boolean GENERATED ALWAYS AS (coalesce((state ->> 'completed')::boolean, false)) STORED,
    overdue boolean GENERATED ALWAYS AS (coalesce((state ->> 'overdue')::boolean, false)) STORED,
    payment_problem text GENERATED ALWAYS AS (state ->> 'payment_problem') STORED,
    -- An order ends once.
    CHECK (NOT (coalesce((state ->> 'cancelled')::boolean, false) AND coalesce((state ->> 'completed')::boolean, false)))
) WITH (fillfactor = 70);

-- Open orders: few, whatever the table grows to.
CREATE INDEX orders_open ON orders (id) WHERE accepted AND NOT cancelled AND NOT completed;
CREATE INDEX orders_overdue ON orders (id) WHERE overdue;
