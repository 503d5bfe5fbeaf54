-- +goose Up

-- The contract that pays a campaign, as its chain was read last.
CREATE TABLE distributor (
    campaign     TEXT NOT NULL PRIMARY KEY REFERENCES campaign (id),
    chain        INTEGER NOT NULL,
    address      BLOB NOT NULL,
    token        BLOB NOT NULL,
    end_ms       INTEGER NOT NULL, -- 0 = none
    first_block  INTEGER NOT NULL,
    state        TEXT NOT NULL, -- reading, short, live or ended
    problem      TEXT NOT NULL, -- '' = none
    balance      TEXT NOT NULL, -- uint256 in decimal, base units, as all amounts
    claimed_rows INTEGER NOT NULL,
    claimed      TEXT NOT NULL,
    read_to      INTEGER NOT NULL, -- block
    head         INTEGER NOT NULL,
    final        INTEGER NOT NULL,
    checked_ms   INTEGER NOT NULL,
    added_by     TEXT NOT NULL
) STRICT;

-- The last blocks that were read: a reorganisation is found by their hashes.
CREATE TABLE distributor_block (
    campaign TEXT NOT NULL REFERENCES distributor (campaign),
    number   INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    parent   BLOB NOT NULL,
    PRIMARY KEY (campaign, number)
) STRICT;

-- Each claim on the chain, also in blocks that can still be replaced.
CREATE TABLE distributor_claim (
    campaign TEXT NOT NULL REFERENCES distributor (campaign),
    block    INTEGER NOT NULL,
    log      INTEGER NOT NULL,
    list_row INTEGER NOT NULL, -- index of the list
    account  BLOB NOT NULL,
    amount   TEXT NOT NULL,
    tx       BLOB NOT NULL,
    time_ms  INTEGER NOT NULL,
    PRIMARY KEY (campaign, block, log)
) STRICT;
CREATE INDEX distributor_claim_row ON distributor_claim (campaign, list_row);

-- What was claimed on each day that has claims.
CREATE TABLE distributor_day (
    campaign TEXT NOT NULL REFERENCES distributor (campaign),
    day_ms   INTEGER NOT NULL,
    claims   INTEGER NOT NULL,
    amount   TEXT NOT NULL,
    PRIMARY KEY (campaign, day_ms)
) STRICT;

-- +goose Down
DROP TABLE distributor_day;
DROP TABLE distributor_claim;
DROP TABLE distributor_block;
DROP TABLE distributor;
