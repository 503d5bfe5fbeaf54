-- +goose Up

-- The link by which the first operator is made. There is one at most.
CREATE TABLE setup_link (
    code       BLOB    NOT NULL PRIMARY KEY CHECK (length(code) = 32), -- SHA-256 of the code in it
    expires_at INTEGER NOT NULL -- UTC milliseconds
) STRICT;

-- +goose Down
DROP TABLE setup_link;
