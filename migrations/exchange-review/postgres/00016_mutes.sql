-- +goose Up

-- Whose reviews a reader does not want to see.
CREATE TABLE mute (
    reader   BYTEA  NOT NULL,
    wallet   BYTEA  NOT NULL,
    muted_ms BIGINT NOT NULL,
    PRIMARY KEY (reader, wallet)
);

-- +goose Down
DROP TABLE mute;
