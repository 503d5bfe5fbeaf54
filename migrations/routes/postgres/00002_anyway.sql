-- +goose Up

-- 1 = the operator went on although the step was not shown to be safe.
ALTER TABLE route_audit ADD COLUMN anyway BIGINT NOT NULL DEFAULT 0 CHECK (anyway IN (0, 1));

-- +goose Down
ALTER TABLE route_audit DROP COLUMN anyway;
