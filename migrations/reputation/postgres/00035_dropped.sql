-- +goose Up

-- The version that was dropped before it counted, as long as edges of it are left;
-- 0 = none.
ALTER TABLE imports ADD COLUMN dropped BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE imports DROP COLUMN dropped;
