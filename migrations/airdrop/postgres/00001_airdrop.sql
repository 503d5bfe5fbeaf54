-- +goose Up

-- The campaigns. draft, then listed (list_id names the list), then built (root
-- is there); a built row never changes again.
CREATE TABLE campaign (
    id          TEXT   NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    description TEXT   NOT NULL,
    format      TEXT   NOT NULL, -- of the tree, as platform/merkle names it
    symbol      TEXT   NOT NULL,
    decimals    BIGINT NOT NULL,
    state       TEXT   NOT NULL CHECK (state IN ('draft', 'listed', 'built')),
    list_id     TEXT   NOT NULL, -- '' while there is no list
    row_count   BIGINT NOT NULL,
    total       TEXT   NOT NULL, -- uint256 in decimal, base units
    root        BYTEA,           -- 32 bytes once built
    created_ms  BIGINT NOT NULL, -- UTC milliseconds
    built_ms    BIGINT NOT NULL, -- UTC milliseconds, 0 until built
    created_by  TEXT   NOT NULL -- who called
);

CREATE INDEX campaign_newest ON campaign (created_ms, id);
CREATE INDEX campaign_list ON campaign (list_id);

-- Every list that has chunks: the campaigns' and those being written. One that
-- no campaign names and nobody has touched for a while is what an interrupted
-- upload left; touched_ms 0 marks one that is being deleted.
CREATE TABLE list (
    id         TEXT   NOT NULL PRIMARY KEY,
    touched_ms BIGINT NOT NULL -- UTC milliseconds of the last chunk
);

-- The rows of the lists in merkle's binary form, about 1 MiB a chunk.
CREATE TABLE list_chunk (
    list_id TEXT   NOT NULL REFERENCES list (id),
    number  BIGINT NOT NULL, -- from 0
    body    BYTEA  NOT NULL,
    PRIMARY KEY (list_id, number)
);

-- Amounts and hashes do not compress; do not spend time on trying.
ALTER TABLE list_chunk ALTER COLUMN body SET STORAGE EXTERNAL;

-- +goose Down
DROP TABLE list_chunk;
DROP TABLE list;
DROP TABLE campaign;
