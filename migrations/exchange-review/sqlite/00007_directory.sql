-- +goose Up

-- facts: directory.Facts as JSON. mean_order: what the list by stars is sorted by, the
-- mean in millionths; 0 without reviews. As of directory.ranked_day, like rank_order.
ALTER TABLE exchange ADD COLUMN status TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'halted', 'dead', 'incident'));
ALTER TABLE exchange ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE exchange ADD COLUMN mean_order INTEGER NOT NULL DEFAULT 0;
UPDATE directory SET ranked_day = 0;
