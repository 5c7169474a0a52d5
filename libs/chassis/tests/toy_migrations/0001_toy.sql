CREATE TABLE tally (
    id text PRIMARY KEY,
    state jsonb,
    -- What a database may refuse although the reaction saw nothing wrong.
    CHECK (NOT coalesce(state -> 'notes', '[]'::jsonb) ? 'forbidden')
);
