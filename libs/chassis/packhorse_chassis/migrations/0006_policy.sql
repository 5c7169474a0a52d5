-- The policy in force, and every version that ever was: what was decided under one can be decided again.
CREATE TABLE policy (id text PRIMARY KEY, state jsonb);
CREATE TABLE policy_version (
    version int PRIMARY KEY,
    at timestamptz NOT NULL,
    policy jsonb NOT NULL,
    by text NOT NULL,
    why text NOT NULL
);
