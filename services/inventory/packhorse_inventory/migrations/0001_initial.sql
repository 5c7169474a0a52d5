-- The stock of each SKU at its locations. No level may ever be oversold, whatever a reaction says.
CREATE TABLE stock (
    id text PRIMARY KEY,
    state jsonb,
    CONSTRAINT never_oversold CHECK (NOT coalesce(jsonb_path_exists(state,
        '$.levels.* ? (@.reserved < 0 || @.on_hand < 0 || @.reserved > @.on_hand)'), false))
) WITH (fillfactor = 70);

-- One row a stock cell, for operators and the audit.
CREATE VIEW stock_level AS
SELECT s.id AS sku, cell.key AS location,
    (cell.value ->> 'on_hand')::bigint AS on_hand, (cell.value ->> 'reserved')::bigint AS reserved,
    (cell.value ->> 'safety_stock')::bigint AS safety_stock, (cell.value ->> 'version')::bigint AS version
FROM stock s, jsonb_each(s.state -> 'levels') AS cell;

-- Every change of stock with its cause. The journal is the truth; levels are its sums.
CREATE TABLE movement (
    sku text NOT NULL,
    location text NOT NULL,
    number bigint NOT NULL,             -- gapless per SKU and location: a total order
    on_hand_change bigint NOT NULL,
    reserved_change bigint NOT NULL,
    on_hand bigint NOT NULL CHECK (on_hand >= 0),
    reserved bigint NOT NULL CHECK (reserved >= 0 AND reserved <= on_hand),
    cause text NOT NULL,
    reference text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (sku, location, number)
);
CREATE INDEX movement_reference ON movement (reference);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal of movements is append-only: book a correcting movement instead';
END $$;
CREATE TRIGGER movement_is_append_only BEFORE UPDATE OR DELETE ON movement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER movement_is_not_truncated BEFORE TRUNCATE ON movement
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What each order has set aside; documents that were booked; products and locations that are known.
CREATE TABLE reservation (id text PRIMARY KEY, state jsonb) WITH (fillfactor = 70);
CREATE TABLE receipt (id text PRIMARY KEY, state jsonb);
CREATE TABLE product (id text PRIMARY KEY, state jsonb);
CREATE TABLE location (id text PRIMARY KEY, state jsonb);
