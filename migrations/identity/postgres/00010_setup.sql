-- +goose Up

-- The link by which the first operator is made. There is one at most.
CREATE TABLE setup_link (
    code       BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(code) = 32), -- SHA-256 of the code in it
    expires_at BIGINT NOT NULL -- UTC milliseconds
);

-- +goose Down
DROP TABLE setup_link;
