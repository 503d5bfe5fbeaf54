-- +goose Up

-- The answers of writes that came with an idempotency key, stored in the
-- transaction of the effect. The oldest have the lowest ids: pruning takes them
-- from there and needs no index by time.
CREATE TABLE once_answer (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    scope   BYTEA  NOT NULL UNIQUE, -- SHA-256 of operation, caller and key
    request BYTEA  NOT NULL,        -- SHA-256 of what was asked
    answer  TEXT   NOT NULL,        -- JSON
    kept_ms BIGINT NOT NULL         -- UTC milliseconds
);

-- +goose Down
DROP TABLE once_answer;
