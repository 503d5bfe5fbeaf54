-- +goose Up

-- When wallets that write as one were looked for last; UTC milliseconds.
ALTER TABLE directory ADD COLUMN rings_ms BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE directory DROP COLUMN rings_ms;
