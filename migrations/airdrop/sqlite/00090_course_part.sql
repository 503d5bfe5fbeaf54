-- +goose Up

-- What was read of a chain for the sources of a campaign, range by range, so that reading
-- goes on where another process stopped. It is of blocks that stay, and dropped when the
-- campaign is frozen.
CREATE TABLE course_part (
    campaign_id TEXT    NOT NULL REFERENCES course (campaign_id),
    query       TEXT    NOT NULL, -- what is read: chain, contract, blocks
    number      INTEGER NOT NULL, -- 0, 1, …
    to_block    INTEGER NOT NULL, -- the last of the range
    to_hash     BLOB    NOT NULL,
    events      INTEGER NOT NULL, -- of all ranges until this one
    body        BLOB    NOT NULL,
    PRIMARY KEY (campaign_id, query, number)
) STRICT;

-- Of the last block that counts, for files that were read from a chain.
ALTER TABLE course_input ADD COLUMN block_hash TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE course_input DROP COLUMN block_hash;
DROP TABLE course_part;
