-- +goose Up

-- Whose reviews a reader does not want to see.
CREATE TABLE mute (
    reader   BLOB    NOT NULL,
    wallet   BLOB    NOT NULL,
    muted_ms INTEGER NOT NULL,
    PRIMARY KEY (reader, wallet)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE mute;
