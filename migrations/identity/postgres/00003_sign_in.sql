-- +goose Up

-- A sign-in message carries its own proof now: nothing is stored before it is
-- signed. Its nonce is kept from its use until the message expires, so that it
-- works once.
DROP TABLE sign_in_nonce;

CREATE TABLE used_nonce (
    nonce      TEXT    NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL -- UTC milliseconds
);

CREATE INDEX used_nonce_expiry ON used_nonce (expires_at);

-- The network that a session was started from, whose sessions are bounded.
ALTER TABLE session ADD COLUMN network TEXT NOT NULL DEFAULT '';

CREATE INDEX session_network ON session (network, seen_at);

-- +goose Down
DROP INDEX session_network;
ALTER TABLE session DROP COLUMN network;
DROP TABLE used_nonce;

CREATE TABLE sign_in_nonce (
    nonce      TEXT    NOT NULL PRIMARY KEY,
    browser    BYTEA   NOT NULL CHECK (length(browser) = 32),
    wallet     BYTEA   NOT NULL CHECK (length(wallet) = 20),
    chain_id   TEXT    NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sign_in_nonce_expiry ON sign_in_nonce (expires_at);
CREATE INDEX sign_in_nonce_browser ON sign_in_nonce (browser, expires_at);
