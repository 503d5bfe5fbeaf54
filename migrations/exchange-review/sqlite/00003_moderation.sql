-- +goose Up

-- Why a moderator should look at a review. by_wallet: who says so, empty for the
-- program. A decision on the review closes all of its flags.
CREATE TABLE moderation_flag (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    review_id  INTEGER NOT NULL REFERENCES review (id),
    kind       TEXT    NOT NULL, -- a report's reason, appeal, premoderation, or what the program found
    by_wallet  BLOB    NOT NULL,
    evidence   TEXT    NOT NULL,
    created_ms INTEGER NOT NULL,
    open       INTEGER NOT NULL DEFAULT 1,
    UNIQUE (review_id, kind, by_wallet)
) STRICT;

CREATE INDEX moderation_flag_open ON moderation_flag (id) WHERE open = 1;

-- What moderators decided, and why; everybody may read it.
CREATE TABLE moderation_decision (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT    NOT NULL, -- '' for a decision about a wallet
    wallet     BLOB    NOT NULL, -- the writer
    hash       BLOB    NOT NULL, -- of the version that was live; empty for a decision about a wallet
    action     TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    moderator  TEXT    NOT NULL,
    until_ms   INTEGER NOT NULL, -- of a suspension; 0 = it has no end
    created_ms INTEGER NOT NULL
) STRICT;

-- Wallets that may not write until a time, or whose reviews wait for a moderator.
CREATE TABLE moderation_wallet (
    wallet   BLOB    NOT NULL PRIMARY KEY,
    mode     TEXT    NOT NULL CHECK (mode IN ('suspend', 'premoderate')),
    until_ms INTEGER NOT NULL -- 0 = no end
) STRICT, WITHOUT ROWID;
