-- Fulfilment orders, and the names that lead to them.

-- One row an order: all its fulfilment orders with their pick lists and parcels. `ship_to` is the only personal data.
CREATE TABLE order_shipments (
    id text PRIMARY KEY,
    state jsonb,
    -- Fulfilment orders that a warehouse is still to work on: what an operator counts first.
    live integer GENERATED ALWAYS AS (jsonb_array_length(jsonb_path_query_array(
        state, '$.shipments[*] ? (@.state == "open" || @.state == "in_progress" || @.state == "packed")'
    ))) STORED,
    -- Pick lists or withdrawals that a warehouse hasn't answered in time.
    overdue boolean GENERATED ALWAYS AS (jsonb_path_exists(state, '$.shipments[*] ? (@.overdue == true)')) STORED,
    -- Whatever a reaction believes: never more picked than wanted, nothing on its way that the carrier doesn't have, and
    -- nothing that the carrier has treated as still here.
    CONSTRAINT picked_within_wanted CHECK (NOT jsonb_path_exists(
        state, '$.shipments[*].lines[*] ? (@.picked + @.rejected > @.quantity || @.picked < 0 || @.rejected < 0)'
    )),
    CONSTRAINT dispatched_with_parcels CHECK (NOT jsonb_path_exists(
        state,
        '$.shipments[*] ? ((@.state == "dispatched" || @.state == "delivered") && @.parcels.size() == 0
            || (@.state != "dispatched" && @.state != "delivered" && @.state != "closed") && @.parcels.size() > 0)'
    )),
    CONSTRAINT delivered_when_all_parcels_are CHECK (NOT jsonb_path_exists(
        state, '$.shipments[*] ? (@.state == "delivered" && exists(@.parcels[*] ? (@.ended != "delivered")))'
    ))
);
-- One row a fulfilment order whose pick list was issued, for operators and the audit.
CREATE VIEW fulfilment_order AS
SELECT o.id AS order_id, part ->> 'shipment_id' AS shipment_id, part ->> 'pick_list_id' AS pick_list_id,
    part ->> 'location' AS location, part ->> 'state' AS status, part ->> 'request' AS request,
    (part ->> 'overdue')::boolean AS overdue
FROM order_shipments o, jsonb_array_elements(o.state -> 'shipments') AS part
WHERE part ->> 'request' <> 'unsubmitted';

CREATE INDEX order_shipments_overdue ON order_shipments (id) WHERE overdue;

-- Names: whose a pick list is, and whose a tracking number is. Nobody locks them.
CREATE TABLE pick_list (
    id text PRIMARY KEY,
    state jsonb,
    order_id text GENERATED ALWAYS AS (state ->> 'subject') STORED
);
CREATE TABLE parcel (
    id text PRIMARY KEY,
    state jsonb,
    order_id text GENERATED ALWAYS AS (state ->> 'subject') STORED
);

-- The catalogue's names of products.
CREATE TABLE product (
    id text PRIMARY KEY,
    state jsonb
);
