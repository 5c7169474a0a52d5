-- A count has a moment: levels know what lies on the shelf and what is picked, movements when they were done.
ALTER TABLE movement
    ADD moved bigint NOT NULL DEFAULT 0,    -- pieces that were put on the shelf or taken from it
    ADD moment timestamptz,                 -- when the warehouse did it, or counted; `at` is when it was booked
    ADD picked_change bigint NOT NULL DEFAULT 0;

ALTER TABLE movement DISABLE TRIGGER movement_is_append_only;
UPDATE movement SET moment = at, moved = CASE WHEN cause = 'counted' THEN 0 ELSE on_hand_change END;
ALTER TABLE movement ENABLE TRIGGER movement_is_append_only;
ALTER TABLE movement ALTER moved DROP DEFAULT, ALTER moment SET NOT NULL, ALTER picked_change DROP DEFAULT,
    ADD CONSTRAINT promises_make_no_goods CHECK (reserved_change <= 0 OR picked_change > 0 OR on_hand_change = 0);

-- What a count has to know: what moved after it. Reservations, which are most of the journal, aren't in it.
CREATE INDEX movement_moved ON movement (sku, location, moment) INCLUDE (moved) WHERE moved <> 0;

-- Nothing is known yet of what is picked: what is on hand lies on the shelf.
UPDATE stock SET state = jsonb_set(state, '{levels}', (
    SELECT jsonb_object_agg(key, value || jsonb_build_object('shelf', value -> 'on_hand'))
    FROM jsonb_each(state -> 'levels')))
WHERE state -> 'levels' <> '{}';

ALTER TABLE stock ADD CONSTRAINT picked_is_reserved CHECK (NOT coalesce(jsonb_path_exists(state,
    '$.levels.* ? (@.picked < 0 || @.picked > @.reserved)'), false));

DROP VIEW stock_level;
CREATE VIEW stock_level AS
SELECT s.id AS sku, cell.key AS location,
    (cell.value ->> 'on_hand')::bigint AS on_hand, (cell.value ->> 'reserved')::bigint AS reserved,
    coalesce((cell.value ->> 'picked')::bigint, 0) AS picked, (cell.value ->> 'shelf')::bigint AS shelf,
    (cell.value -> 'counted' ->> 'at')::timestamptz AS counted_at,
    (cell.value ->> 'safety_stock')::bigint AS safety_stock, (cell.value ->> 'version')::bigint AS version
FROM stock s, jsonb_each(s.state -> 'levels') AS cell;

-- Documents are known by kind, location and id from now on: ["count","WH-GB","C-1"]. Which kind an old id was nobody can
-- tell; there are none before the first release.
