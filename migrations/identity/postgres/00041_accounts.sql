-- +goose Up

-- Accounts at the OpenID Connect provider that were linked to a wallet by who had
-- signed in with it (platform/identity/signin/account.go).
CREATE TABLE linked_account (
    issuer    TEXT   NOT NULL,
    subject   TEXT   NOT NULL, -- names the account at the issuer
    wallet    BYTEA  NOT NULL CHECK (octet_length(wallet) = 20),
    name      TEXT   NOT NULL, -- for people to read
    linked_at BIGINT NOT NULL, -- UTC milliseconds
    used_at   BIGINT NOT NULL, -- by the last sign-in; 0 = none
    PRIMARY KEY (issuer, subject)
);

CREATE INDEX linked_account_wallet ON linked_account (wallet, linked_at);

-- What the provider said of the role of who signed in there, for this session alone;
-- '' = it was a wallet that signed in.
ALTER TABLE session ADD COLUMN provider_role TEXT NOT NULL DEFAULT '' CHECK (provider_role IN ('', 'member', 'moderator', 'operator'));

-- +goose Down
ALTER TABLE session DROP COLUMN provider_role;
DROP TABLE linked_account;
