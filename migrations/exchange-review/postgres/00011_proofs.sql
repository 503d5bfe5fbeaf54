-- +goose Up

-- The grade of what shows that the writer used the exchange: 0 nothing, 1 a withdrawal,
-- 2 an attestation, 3 a swap. use_proof has what it is.
ALTER TABLE review ADD COLUMN proof BIGINT NOT NULL DEFAULT 0 CHECK (proof BETWEEN 0 AND 3);
CREATE INDEX review_proven ON review (exchange_id, id) WHERE retired = 0 AND state < 2 AND proof > 0;

CREATE TABLE use_proof (
    exchange_id BIGINT NOT NULL REFERENCES exchange (id),
    reviewer    BYTEA   NOT NULL,
    grade       BIGINT NOT NULL CHECK (grade BETWEEN 1 AND 3),
    checked_ms  BIGINT NOT NULL,
    -- Of a transaction; contract: the pool, or the wallet of the exchange.
    chain_id    BIGINT NOT NULL DEFAULT 0,
    tx          BYTEA,
    block       BIGINT NOT NULL DEFAULT 0,
    time_ms     BIGINT NOT NULL DEFAULT 0,
    contract    BYTEA,
    -- Of an attestation: who signed it, when and where; signed_chain: where a smart
    -- wallet was asked.
    wallet       BYTEA,
    created_ms   BIGINT NOT NULL DEFAULT 0,
    site         TEXT    NOT NULL DEFAULT '',
    signature    BYTEA,
    signed_chain BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (exchange_id, reviewer)
);

-- A transaction shows the use of one exchange by one wallet.
CREATE UNIQUE INDEX use_proof_once ON use_proof (chain_id, tx) WHERE tx IS NOT NULL;
