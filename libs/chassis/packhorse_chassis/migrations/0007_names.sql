-- What was given up because nobody knew whom it was about is found by that name, should it become known.
CREATE INDEX dead_letter_subject ON dead_letter (subject_kind, subject_key) WHERE status = 'open';
