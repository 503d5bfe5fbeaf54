-- +goose Up

-- Who claimed the profile of an exchange. A claim holds until until_ms, or ended_ms
-- when that is not 0. barred_ms: until when an operator refuses other claims.
CREATE TABLE profile_claim (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange_id BIGINT NOT NULL REFERENCES exchange (id),
    wallet      BYTEA   NOT NULL,
    method      TEXT    NOT NULL,
    checked_at  TEXT    NOT NULL, -- where the domain named the wallet; '' of an address
    created_ms  BIGINT NOT NULL,
    until_ms    BIGINT NOT NULL,
    ended_ms    BIGINT NOT NULL DEFAULT 0,
    ended_by    TEXT    NOT NULL DEFAULT '',
    reason      TEXT    NOT NULL DEFAULT '',
    barred_ms   BIGINT NOT NULL DEFAULT 0,
    site        TEXT    NOT NULL,
    hash        BYTEA   NOT NULL,
    signature   BYTEA   NOT NULL,
    chain_id    BIGINT NOT NULL,
    block       BIGINT NOT NULL
);

CREATE INDEX profile_claim_of ON profile_claim (exchange_id, id);

-- Until when the latest claim holds; 0: the profile is not claimed.
ALTER TABLE exchange ADD COLUMN claimed_until_ms BIGINT NOT NULL DEFAULT 0;

-- What an exchange answers to a review, one answer at a time. claim_id: the claim in
-- whose name; hidden: an operator has ended that claim.
CREATE TABLE review_reply (
    exchange_id BIGINT NOT NULL REFERENCES exchange (id),
    reviewer    BYTEA   NOT NULL,
    claim_id    BIGINT NOT NULL REFERENCES profile_claim (id),
    wallet      BYTEA   NOT NULL, -- that signed
    review      BYTEA   NOT NULL, -- hash of the version that is answered
    text        TEXT    NOT NULL,
    created_ms  BIGINT NOT NULL,
    hidden      BIGINT NOT NULL DEFAULT 0,
    site        TEXT    NOT NULL,
    hash        BYTEA   NOT NULL,
    signature   BYTEA   NOT NULL,
    chain_id    BIGINT NOT NULL,
    block       BIGINT NOT NULL,
    PRIMARY KEY (exchange_id, reviewer)
);
