-- +goose Up

ALTER TABLE epochs ADD COLUMN parameters TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE epochs ADD COLUMN statistics TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE epochs ADD COLUMN input_hash BLOB NOT NULL DEFAULT X'';     -- SHA-256 of edges, seeds and parameters
ALTER TABLE epochs ADD COLUMN root BLOB NOT NULL DEFAULT X'';           -- of the tree over wallets and scores
ALTER TABLE epochs ADD COLUMN kept INTEGER NOT NULL DEFAULT 1;       -- 0 = its scores were deleted

-- Of one node of the tree, its number is the leaf's.
ALTER TABLE scores ADD COLUMN leaf INTEGER NOT NULL DEFAULT 0;
ALTER TABLE scores ADD COLUMN trusts REAL NOT NULL DEFAULT 0; -- the sum of the weights of whom it trusts

-- The nodes of an epoch's Merkle tree, in parts of 256: a proof reads a part for
-- each of its hashes.
CREATE TABLE epoch_nodes (
    epoch INTEGER NOT NULL,
    part  INTEGER NOT NULL,
    nodes BLOB NOT NULL,
    PRIMARY KEY (epoch, part)
) STRICT, WITHOUT ROWID;

-- What changed a wallet's score, in the epochs in which it moved. It outlives
-- their scores.
CREATE TABLE score_changes (
    wallet      BLOB NOT NULL,
    epoch       INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL, -- of the epoch
    value       REAL NOT NULL,
    points      INTEGER NOT NULL,
    before      INTEGER NOT NULL, -- the points of the epoch before
    rank        INTEGER NOT NULL,
    rank_before INTEGER NOT NULL,
    changes     TEXT NOT NULL, -- JSON of the contract's Changes
    PRIMARY KEY (wallet, epoch)
) STRICT, WITHOUT ROWID;
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
