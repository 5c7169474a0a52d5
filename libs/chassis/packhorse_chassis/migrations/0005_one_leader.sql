-- One leader publishes all that a service says; the column was there for several, and always 0. A process of before, which
-- still names it, takes nothing and publishes nothing from here on: its batches wait for a newer one.
ALTER TABLE outbox DROP COLUMN shard;
