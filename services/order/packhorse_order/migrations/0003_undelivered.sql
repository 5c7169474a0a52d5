-- How parcels ended that didn't arrive: lost, returned. Somebody owes the customer an answer, also after the order's end.
ALTER TABLE orders ADD COLUMN undelivered text GENERATED ALWAYS AS (state ->> 'undelivered') STORED;
CREATE INDEX orders_undelivered ON orders (id) WHERE undelivered IS NOT NULL;
