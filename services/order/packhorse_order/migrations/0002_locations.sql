-- How locations keep their days: time zone, cut-off, working days, holidays. As the catalogue says.
CREATE TABLE location (id text PRIMARY KEY, state jsonb);
