-- +goose Up

-- The Ed25519 keys that sign tokens. The youngest key without retired_at signs.
-- A retired key verifies until the last token it signed has expired.
CREATE TABLE signing_key (
    id           TEXT    NOT NULL PRIMARY KEY, -- RFC 7638 thumbprint
    seed         BLOB    NOT NULL CHECK (length(seed) = 32),
    created_at   INTEGER NOT NULL, -- UTC milliseconds, like every time here
    retired_at   INTEGER,          -- NULL = in use
    tokens_until INTEGER NOT NULL  -- when the last of its long-lived tokens expires
) STRICT;

-- Sign-in messages that were given out and not used yet. A login deletes its
-- row in the transaction that makes the session: a message works once.
CREATE TABLE sign_in_nonce (
    nonce      TEXT    NOT NULL PRIMARY KEY,
    browser    BLOB    NOT NULL CHECK (length(browser) = 32), -- SHA-256 of the cookie that asked
    wallet     BLOB    NOT NULL CHECK (length(wallet) = 20),
    chain_id   TEXT    NOT NULL, -- decimal: EIP-155 ids can be larger than 63 bits
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX sign_in_nonce_expiry ON sign_in_nonce (expires_at);
CREATE INDEX sign_in_nonce_browser ON sign_in_nonce (browser, expires_at);

-- Who is signed in. The cookie's secret is not here, only its hash.
CREATE TABLE session (
    id         TEXT    NOT NULL PRIMARY KEY, -- shown to its owner, worth nothing as a cookie
    secret     BLOB    NOT NULL UNIQUE CHECK (length(secret) = 32), -- SHA-256 of the cookie's secret
    wallet     BLOB    NOT NULL CHECK (length(wallet) = 20),
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL, -- kept to the minute or so
    expires_at INTEGER NOT NULL, -- the absolute limit
    agent      TEXT    NOT NULL  -- the browser as it named itself
) STRICT;

CREATE INDEX session_wallet ON session (wallet, created_at);
CREATE INDEX session_expiry ON session (expires_at);

-- Wallets that may do more than every signed-in wallet.
CREATE TABLE wallet_role (
    wallet     BLOB    NOT NULL PRIMARY KEY CHECK (length(wallet) = 20),
    role       TEXT    NOT NULL CHECK (role IN ('moderator', 'operator')),
    granted_by TEXT    NOT NULL,
    granted_at INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE wallet_role;
DROP TABLE session;
DROP TABLE sign_in_nonce;
DROP TABLE signing_key;
