-- name: append_movements
-- The journal of all changes of stock, in the order in which one transaction made them.
INSERT INTO movement (sku, location, number, moved, moment, on_hand_change, reserved_change, picked_change, on_hand,
    reserved, cause, reference, at)
SELECT new.* FROM jsonb_to_recordset($1::jsonb) AS new (
    sku text, location text, number bigint, moved bigint, moment timestamptz, on_hand_change bigint,
    reserved_change bigint, picked_change bigint, on_hand bigint, reserved bigint, cause text, reference text,
    at timestamptz)

-- name: moved_since
-- Pieces that moved on a shelf after a moment; a key is the JSON array [sku, location, moment]. Reckoned for each count,
-- under the lock of the SKU's stock, from an index that holds nothing but such movements.
SELECT asked.id, sum(moved)::bigint AS sum
FROM unnest($1::text[]) AS asked (id)
JOIN movement m ON moved <> 0 AND m.sku = asked.id::jsonb ->> 0 AND m.location = asked.id::jsonb ->> 1
    AND moment > (asked.id::jsonb ->> 2)::timestamptz
GROUP BY asked.id
