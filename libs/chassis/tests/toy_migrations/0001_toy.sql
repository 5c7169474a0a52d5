CREATE TABLE tally (
    id text PRIMARY KEY,
    state jsonb,
    -- What a database may refuse although the reaction saw nothing wrong.
    CHECK (NOT coalesce(state -> 'notes', '[]'::jsonb) ? 'forbidden')
);
CREATE TABLE shelf (id text PRIMARY KEY, state jsonb);
CREATE TABLE put (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id text NOT NULL,
    shelf text NOT NULL
);
CREATE TABLE ticket (id text PRIMARY KEY, state jsonb);
