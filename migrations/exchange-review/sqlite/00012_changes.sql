-- +goose Up

-- How many places an exchange won from one epoch of the ranking to the latest; below 0
-- lost, 0 also when one of them has no place for it.
ALTER TABLE exchange ADD COLUMN rank_change INTEGER NOT NULL DEFAULT 0;
