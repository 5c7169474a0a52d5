-- What carriers' facts are routed to; `parcel` is locked beside it, as it is beside a pick list. See state.py.
CREATE TABLE parcel_ref (
    id text PRIMARY KEY,
    state jsonb
);
