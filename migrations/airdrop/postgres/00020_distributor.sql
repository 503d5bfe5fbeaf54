-- +goose Up

-- The contract that pays a campaign, as its chain was read last.
CREATE TABLE distributor (
    campaign     TEXT NOT NULL PRIMARY KEY REFERENCES campaign (id),
    chain        BIGINT NOT NULL,
    address      BYTEA NOT NULL,
    token        BYTEA NOT NULL,
    end_ms       BIGINT NOT NULL, -- 0 = none
    first_block  BIGINT NOT NULL,
    state        TEXT NOT NULL, -- reading, short, live or ended
    problem      TEXT NOT NULL, -- '' = none
    balance      TEXT NOT NULL, -- uint256 in decimal, base units, as all amounts
    claimed_rows BIGINT NOT NULL,
    claimed      TEXT NOT NULL,
    read_to      BIGINT NOT NULL, -- block
    head         BIGINT NOT NULL,
    final        BIGINT NOT NULL,
    checked_ms   BIGINT NOT NULL,
    added_by     TEXT NOT NULL
);

-- The last blocks that were read: a reorganisation is found by their hashes.
CREATE TABLE distributor_block (
    campaign TEXT NOT NULL REFERENCES distributor (campaign),
    number   BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    parent   BYTEA NOT NULL,
    PRIMARY KEY (campaign, number)
);

-- Each claim on the chain, also in blocks that can still be replaced.
CREATE TABLE distributor_claim (
    campaign TEXT NOT NULL REFERENCES distributor (campaign),
    block    BIGINT NOT NULL,
    log      BIGINT NOT NULL,
    list_row BIGINT NOT NULL, -- index of the list
    account  BYTEA NOT NULL,
    amount   TEXT NOT NULL,
    tx       BYTEA NOT NULL,
    time_ms  BIGINT NOT NULL,
    PRIMARY KEY (campaign, block, log)
);
CREATE INDEX distributor_claim_row ON distributor_claim (campaign, list_row);

-- What was claimed on each day that has claims.
CREATE TABLE distributor_day (
    campaign TEXT NOT NULL REFERENCES distributor (campaign),
    day_ms   BIGINT NOT NULL,
    claims   BIGINT NOT NULL,
    amount   TEXT NOT NULL,
    PRIMARY KEY (campaign, day_ms)
);

-- +goose Down
DROP TABLE distributor_day;
DROP TABLE distributor_claim;
DROP TABLE distributor_block;
DROP TABLE distributor;
