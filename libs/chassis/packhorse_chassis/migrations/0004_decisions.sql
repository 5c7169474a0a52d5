-- Who decided what becomes of a dead letter, when and why. Nobody's letters expire: then it is the service itself.
ALTER TABLE dead_letter ADD decided_by text, ADD decided_at timestamptz, ADD why text;

-- Its content was let go before anybody decided, for there are too many of its kind; the dead-letter topic has it still.
ALTER TABLE dead_letter ADD emptied_at timestamptz;

-- What is open, counted by kind; and how much of a kind is kept with its content.
CREATE INDEX dead_letter_kinds ON dead_letter (code, topic, at) WHERE status = 'open';
CREATE INDEX dead_letter_full ON dead_letter (code, topic, at, id)
    WHERE status = 'open' AND origin = 'record' AND NOT parked AND emptied_at IS NULL;
