-- What was said under an outsider's id, as a hash: the same again is a repeat, other content isn't. Their `source` begins
-- with the topic from here on. Facts of our own services need no hash, for their ids are derived.
ALTER TABLE inbox ADD content bytea;
