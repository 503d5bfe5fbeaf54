-- +goose Up

-- The tokens for API clients. The token itself is not here: it names its row, and
-- says nothing of a role. It counts as long as its row says so.
CREATE TABLE api_token (
    id         TEXT    NOT NULL PRIMARY KEY, -- the token's jti claim
    subject    TEXT    NOT NULL, -- who or what holds it; may be '' for a wallet's
    wallet     BLOB, -- whose role counts when it is used; NULL = nobody's
    role       TEXT    NOT NULL CHECK (role IN ('member', 'moderator', 'operator')), -- the most it may do
    scope      TEXT    NOT NULL, -- of the API, '' = all of it
    key_id     TEXT    NOT NULL, -- that signed it
    created_at INTEGER NOT NULL, -- UTC milliseconds, like every time here
    created_by TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER, -- kept to the minute or so; NULL = never
    revoked_at INTEGER, -- NULL = it was not ended
    CHECK (subject <> '' OR wallet IS NOT NULL)
) STRICT;

CREATE INDEX api_token_wallet ON api_token (wallet, created_at);
CREATE INDEX api_token_created ON api_token (created_at, id);
CREATE INDEX api_token_expiry ON api_token (expires_at);

-- +goose Down
DROP TABLE api_token;
