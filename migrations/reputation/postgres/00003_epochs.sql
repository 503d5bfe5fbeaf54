-- +goose Up

ALTER TABLE epochs ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE epochs ADD COLUMN statistics TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE epochs ADD COLUMN input_hash BYTEA NOT NULL DEFAULT '';     -- SHA-256 of edges, seeds and parameters
ALTER TABLE epochs ADD COLUMN root BYTEA NOT NULL DEFAULT '';           -- of the tree over wallets and scores
ALTER TABLE epochs ADD COLUMN kept INTEGER NOT NULL DEFAULT 1;       -- 0 = its scores were deleted

-- Of one node of the tree, its number is the leaf's.
ALTER TABLE scores ADD COLUMN leaf BIGINT NOT NULL DEFAULT 0;
ALTER TABLE scores ADD COLUMN trusts DOUBLE PRECISION NOT NULL DEFAULT 0; -- the sum of the weights of whom it trusts

-- The nodes of an epoch's Merkle tree, in parts of 256: a proof reads a part for
-- each of its hashes.
CREATE TABLE epoch_nodes (
    epoch BIGINT NOT NULL,
    part  BIGINT NOT NULL,
    nodes BYTEA NOT NULL,
    PRIMARY KEY (epoch, part)
);

-- What changed a wallet's score, in the epochs in which it moved. It outlives
-- their scores.
CREATE TABLE score_changes (
    wallet      BYTEA NOT NULL,
    epoch       BIGINT NOT NULL,
    time_ms     BIGINT NOT NULL, -- of the epoch
    value       DOUBLE PRECISION NOT NULL,
    points      INTEGER NOT NULL,
    before      INTEGER NOT NULL, -- the points of the epoch before
    rank        BIGINT NOT NULL,
    rank_before BIGINT NOT NULL,
    changes     TEXT NOT NULL, -- JSON of the contract's Changes
    PRIMARY KEY (wallet, epoch)
);
CREATE INDEX score_changes_by_epoch ON score_changes (epoch);

-- +goose Down
DROP TABLE score_changes;
DROP TABLE epoch_nodes;
ALTER TABLE scores DROP COLUMN trusts;
ALTER TABLE scores DROP COLUMN leaf;
ALTER TABLE epochs DROP COLUMN kept;
ALTER TABLE epochs DROP COLUMN root;
ALTER TABLE epochs DROP COLUMN input_hash;
ALTER TABLE epochs DROP COLUMN statistics;
ALTER TABLE epochs DROP COLUMN parameters;
