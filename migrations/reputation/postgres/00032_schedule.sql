-- +goose Up

-- When epochs are computed; the one row has the id 1.
CREATE TABLE epoch_schedule (
    id         BIGINT PRIMARY KEY,
    every_s    BIGINT,           -- 0 = never; NULL = as the setting says
    next_ms    BIGINT NOT NULL, -- UTC; 0 = not planned yet
    changed_ms BIGINT NOT NULL, -- of every_s, by an operator; 0 = never
    changed_by TEXT NOT NULL
);

-- +goose Down
DROP TABLE epoch_schedule;
