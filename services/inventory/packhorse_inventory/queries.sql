-- name: append_movements
-- The journal of all changes of stock, in the order in which one transaction made them.
INSERT INTO movement (sku, location, number, on_hand_change, reserved_change, on_hand, reserved, cause, reference, at)
SELECT new.* FROM jsonb_to_recordset($1::jsonb) AS new (
    sku text, location text, number bigint, on_hand_change bigint, reserved_change bigint,
    on_hand bigint, reserved bigint, cause text, reference text, at timestamptz)
