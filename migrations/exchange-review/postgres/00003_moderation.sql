-- +goose Up

-- Why a moderator should look at a review. by_wallet: who says so, empty for the
-- program. A decision on the review closes all of its flags.
CREATE TABLE moderation_flag (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    review_id  BIGINT NOT NULL REFERENCES review (id),
    kind       TEXT    NOT NULL, -- a report's reason, appeal, premoderation, or what the program found
    by_wallet  BYTEA   NOT NULL,
    evidence   TEXT    NOT NULL,
    created_ms BIGINT NOT NULL,
    open       BIGINT NOT NULL DEFAULT 1,
    UNIQUE (review_id, kind, by_wallet)
);

CREATE INDEX moderation_flag_open ON moderation_flag (id) WHERE open = 1;

-- What moderators decided, and why; everybody may read it.
CREATE TABLE moderation_decision (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug       TEXT    NOT NULL, -- '' for a decision about a wallet
    wallet     BYTEA   NOT NULL, -- the writer
    hash       BYTEA   NOT NULL, -- of the version that was live; empty for a decision about a wallet
    action     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    moderator  TEXT    NOT NULL,
    until_ms   BIGINT NOT NULL, -- of a suspension; 0 = it has no end
    created_ms BIGINT NOT NULL
);

-- Wallets that may not write until a time, or whose reviews wait for a moderator.
CREATE TABLE moderation_wallet (
    wallet   BYTEA   NOT NULL PRIMARY KEY,
    mode     TEXT    NOT NULL CHECK (mode IN ('suspend', 'premoderate')),
    until_ms BIGINT NOT NULL -- 0 = no end
);
