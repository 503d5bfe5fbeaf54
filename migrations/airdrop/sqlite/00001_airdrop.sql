-- +goose Up

-- The campaigns. draft, then listed (list_id names the list), then built (root
-- is there); a built row never changes again.
CREATE TABLE campaign (
    id          TEXT    NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    format      TEXT    NOT NULL, -- of the tree, as platform/merkle names it
    symbol      TEXT    NOT NULL,
    decimals    INTEGER NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('draft', 'listed', 'built')),
    list_id     TEXT    NOT NULL, -- '' while there is no list
    row_count   INTEGER NOT NULL,
    total       TEXT    NOT NULL, -- uint256 in decimal, base units
    root        BLOB,             -- 32 bytes once built
    created_ms  INTEGER NOT NULL, -- UTC milliseconds
    built_ms    INTEGER NOT NULL, -- UTC milliseconds, 0 until built
    created_by  TEXT    NOT NULL -- who called
) STRICT;

CREATE INDEX campaign_newest ON campaign (created_ms, id);
CREATE INDEX campaign_list ON campaign (list_id);

-- Every list that has chunks: the campaigns' and those being written. One that
-- no campaign names and nobody has touched for a while is what an interrupted
-- upload left; touched_ms 0 marks one that is being deleted.
CREATE TABLE list (
    id         TEXT    NOT NULL PRIMARY KEY,
    touched_ms INTEGER NOT NULL -- UTC milliseconds of the last chunk
) STRICT;

-- The rows of the lists in merkle's binary form, about 1 MiB a chunk.
CREATE TABLE list_chunk (
    list_id TEXT    NOT NULL REFERENCES list (id),
    number  INTEGER NOT NULL, -- from 0
    body    BLOB    NOT NULL,
    PRIMARY KEY (list_id, number)
) STRICT;

-- +goose Down
DROP TABLE list_chunk;
DROP TABLE list;
DROP TABLE campaign;
