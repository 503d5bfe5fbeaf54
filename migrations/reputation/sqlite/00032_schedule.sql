-- +goose Up

-- When epochs are computed; the one row has the id 1.
CREATE TABLE epoch_schedule (
    id         INTEGER PRIMARY KEY,
    every_s    INTEGER,          -- 0 = never; NULL = as the setting says
    next_ms    INTEGER NOT NULL, -- UTC; 0 = not planned yet
    changed_ms INTEGER NOT NULL, -- of every_s, by an operator; 0 = never
    changed_by TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE epoch_schedule;
