-- +goose Up

-- A seed may be encrypted: 12 bytes of nonce, the seed, 16 bytes of tag (AES-256-GCM).
-- SQLite cannot change a CHECK, so the table is made again.
CREATE TABLE signing_key_sealed (
    id           TEXT    NOT NULL PRIMARY KEY, -- RFC 7638 thumbprint
    seed         BLOB    NOT NULL CHECK (length(seed) IN (32, 60)),
    created_at   INTEGER NOT NULL, -- UTC milliseconds, like every time here
    retired_at   INTEGER,          -- NULL = in use
    tokens_until INTEGER NOT NULL  -- when the last of its long-lived tokens expires
) STRICT;

INSERT INTO signing_key_sealed (id, seed, created_at, retired_at, tokens_until)
SELECT id, seed, created_at, retired_at, tokens_until
  FROM signing_key;

DROP TABLE signing_key;
ALTER TABLE signing_key_sealed RENAME TO signing_key;

-- +goose Down
CREATE TABLE signing_key_plain (
    id           TEXT    NOT NULL PRIMARY KEY,
    seed         BLOB    NOT NULL CHECK (length(seed) = 32),
    created_at   INTEGER NOT NULL,
    retired_at   INTEGER,
    tokens_until INTEGER NOT NULL
) STRICT;

INSERT INTO signing_key_plain (id, seed, created_at, retired_at, tokens_until)
SELECT id, seed, created_at, retired_at, tokens_until
  FROM signing_key;

DROP TABLE signing_key;
ALTER TABLE signing_key_plain RENAME TO signing_key;
