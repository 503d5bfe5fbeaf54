-- +goose Up

-- The second factor of moderators and operators: an app that makes one-time codes
-- (TOTP, RFC 6238) from a secret that both sides have. Its state machine is in
-- platform/identity/signin/secondfactor.go.
CREATE TABLE second_factor (
    wallet       BYTEA  NOT NULL PRIMARY KEY CHECK (octet_length(wallet) = 20),
    secret       BYTEA  NOT NULL CHECK (octet_length(secret) IN (20, 48)), -- encrypted: 12 bytes of nonce, the secret, 16 bytes of tag (AES-256-GCM)
    session      TEXT   NOT NULL, -- id of the one that began: no other sees the secret
    begun_at     BIGINT NOT NULL, -- UTC milliseconds, like every time here
    confirmed_at BIGINT NOT NULL, -- 0 = no code of it was given yet
    last_step    BIGINT NOT NULL, -- the step of 30 s of the last code that was taken; it and those before are refused
    failures     BIGINT NOT NULL, -- wrong codes since the last right one
    wait_until   BIGINT NOT NULL  -- no code is looked at before; 0 = now
);

-- Codes for who has lost the app, each for one use.
CREATE TABLE recovery_code (
    wallet BYTEA NOT NULL CHECK (octet_length(wallet) = 20),
    code   BYTEA NOT NULL CHECK (octet_length(code) = 32), -- SHA-256; a code has 120 random bits
    PRIMARY KEY (wallet, code)
);

-- When the second factor was given in a session; 0 = it was not.
ALTER TABLE session ADD COLUMN second_factor_at BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE session DROP COLUMN second_factor_at;
DROP TABLE recovery_code;
DROP TABLE second_factor;
