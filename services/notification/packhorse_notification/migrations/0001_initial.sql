-- What every customer was told about every order.

-- One row an order. The state holds the contact (the only personal data here, in the block state->'contact'), the
-- names of the order's lines, what was said by kind and cause, and the early birds that wait for the order itself.
CREATE TABLE conversations (
    id text PRIMARY KEY,
    state jsonb,
    -- How many messages are with the mail server's queue or on their way there: what an operator looks for first.
    sending integer GENERATED ALWAYS AS (
        jsonb_array_length(coalesce(jsonb_path_query_array(state, '$.said.*?(@.outcome == "sending")'), '[]'))
    ) STORED,
    -- A message about an order is known by its kind and cause, so the same one can't stand here twice; what could go
    -- wrong is an early bird that was said and still waits.
    CONSTRAINT nothing_waits_once_the_contact_is_known CHECK (
        state IS NULL
        OR jsonb_typeof(state -> 'contact') = 'null'
        OR jsonb_array_length(state -> 'waiting') = 0
    )
);
CREATE INDEX conversations_sending ON conversations (id) WHERE sending > 0;
