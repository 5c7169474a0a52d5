-- The fulfilment orders of each order.
CREATE TABLE shipments (
    id text PRIMARY KEY,
    state jsonb,
    -- Something of it waits for a warehouse that hasn't answered in time.
    overdue boolean GENERATED ALWAYS AS (
        coalesce(jsonb_path_exists(state, '$.orders.* ? (@.overdue == true)'), false)) STORED
) WITH (fillfactor = 70);
CREATE INDEX shipments_overdue ON shipments (id) WHERE overdue;

-- One row a fulfilment order, for operators and the audit.
CREATE VIEW fulfilment_order AS
SELECT s.id AS order_id, part.key AS shipment_id, part.value ->> 'pick_list_id' AS pick_list_id,
    part.value ->> 'location' AS location, part.value ->> 'status' AS status, part.value ->> 'request' AS request,
    (part.value ->> 'overdue')::boolean AS overdue
FROM shipments s, jsonb_each(s.state -> 'orders') AS part;

-- By what order service, warehouse and carrier name it.
CREATE TABLE order_ref (id text PRIMARY KEY, state jsonb);
CREATE TABLE pick_list (id text PRIMARY KEY, state jsonb);
CREATE TABLE parcel (id text PRIMARY KEY, state jsonb);
