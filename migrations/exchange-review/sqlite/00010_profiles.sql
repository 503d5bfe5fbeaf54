-- +goose Up

-- Who claimed the profile of an exchange. A claim holds until until_ms, or ended_ms
-- when that is not 0. barred_ms: until when an operator refuses other claims.
CREATE TABLE profile_claim (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    wallet      BLOB    NOT NULL,
    method      TEXT    NOT NULL,
    checked_at  TEXT    NOT NULL, -- where the domain named the wallet; '' of an address
    created_ms  INTEGER NOT NULL,
    until_ms    INTEGER NOT NULL,
    ended_ms    INTEGER NOT NULL DEFAULT 0,
    ended_by    TEXT    NOT NULL DEFAULT '',
    reason      TEXT    NOT NULL DEFAULT '',
    barred_ms   INTEGER NOT NULL DEFAULT 0,
    site        TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    signature   BLOB    NOT NULL,
    chain_id    INTEGER NOT NULL,
    block       INTEGER NOT NULL
) STRICT;

CREATE INDEX profile_claim_of ON profile_claim (exchange_id, id);

-- Until when the latest claim holds; 0: the profile is not claimed.
ALTER TABLE exchange ADD COLUMN claimed_until_ms INTEGER NOT NULL DEFAULT 0;

-- What an exchange answers to a review, one answer at a time. claim_id: the claim in
-- whose name; hidden: an operator has ended that claim.
CREATE TABLE review_reply (
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    reviewer    BLOB    NOT NULL,
    claim_id    INTEGER NOT NULL REFERENCES profile_claim (id),
    wallet      BLOB    NOT NULL, -- that signed
    review      BLOB    NOT NULL, -- hash of the version that is answered
    text        TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    hidden      INTEGER NOT NULL DEFAULT 0,
    site        TEXT    NOT NULL,
    hash        BLOB    NOT NULL,
    signature   BLOB    NOT NULL,
    chain_id    INTEGER NOT NULL,
    block       INTEGER NOT NULL,
    PRIMARY KEY (exchange_id, reviewer)
) STRICT, WITHOUT ROWID;
