-- +goose Up

-- An exchange, with the sums over its live reviews. Weights are whole units of
-- 1/65536, so that the sums can be changed by exact differences for ever.
CREATE TABLE exchange (
    id          INTEGER PRIMARY KEY,
    slug        TEXT    NOT NULL UNIQUE,
    name        TEXT    NOT NULL,
    name_order  TEXT    NOT NULL, -- lower case: what the list by name is sorted by
    kind        TEXT    NOT NULL CHECK (kind IN ('cex', 'dex')),
    website     TEXT    NOT NULL, -- '' = not known
    year        INTEGER NOT NULL, -- 0 = not known
    countries   TEXT    NOT NULL, -- JSON array
    chains      TEXT    NOT NULL, -- JSON array; exchange_chain has them for the filter
    maker_fee   REAL,             -- share of the trade; NULL = not known
    taker_fee   REAL,
    reviews     INTEGER NOT NULL DEFAULT 0,
    weight      INTEGER NOT NULL DEFAULT 0, -- units of all reviews together
    overall     INTEGER NOT NULL DEFAULT 0, -- units × stars, here and below
    withdrawals INTEGER NOT NULL DEFAULT 0,
    support     INTEGER NOT NULL DEFAULT 0,
    fees        INTEGER NOT NULL DEFAULT 0,
    execution   INTEGER NOT NULL DEFAULT 0,
    security    INTEGER NOT NULL DEFAULT 0,
    ease        INTEGER NOT NULL DEFAULT 0,
    received_1  INTEGER NOT NULL DEFAULT 0, -- reviews with so many stars overall
    received_2  INTEGER NOT NULL DEFAULT 0,
    received_3  INTEGER NOT NULL DEFAULT 0,
    received_4  INTEGER NOT NULL DEFAULT 0,
    received_5  INTEGER NOT NULL DEFAULT 0,
    -- What the list by rating is sorted by: the mean in 1/65536 of a star, then
    -- the number of reviews; 0 without reviews.
    rating_order INTEGER NOT NULL GENERATED ALWAYS AS (
        CASE WHEN weight = 0 THEN 0 ELSE (overall * 65536 / weight) * 4294967296 + reviews END
    ) STORED
) STRICT;

CREATE INDEX exchange_by_rating ON exchange (rating_order DESC, slug);

CREATE TABLE exchange_chain (
    chain       TEXT    NOT NULL,
    exchange_id INTEGER NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
    PRIMARY KEY (chain, exchange_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX exchange_chain_of ON exchange_chain (exchange_id);

-- One row. The version rises with every change of the directory, so that
-- readers know when what they hold in memory is old.
CREATE TABLE directory (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    begun   INTEGER NOT NULL -- 1: the starter list was loaded or was not wanted
) STRICT;

INSERT INTO directory (id, version, begun) VALUES (1, 1, 0);

-- A wallet that has written reviews, and what each of its reviews weighs.
CREATE TABLE reviewer (
    wallet BLOB    NOT NULL PRIMARY KEY,
    weight INTEGER NOT NULL, -- units
    epoch  INTEGER NOT NULL  -- of reputation, that the weight is from; -1 = reputation has yet to be asked
) STRICT, WITHOUT ROWID;

CREATE INDEX reviewer_by_epoch ON reviewer (epoch, wallet);

-- Every version of every review. AUTOINCREMENT: pages go by id.
CREATE TABLE review (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    wallet      BLOB    NOT NULL REFERENCES reviewer (wallet),
    version     INTEGER NOT NULL, -- 1, 2, 3 … of this wallet and exchange
    retired     INTEGER NOT NULL DEFAULT 0, -- 0: the live version; else its own version number
    overall     INTEGER NOT NULL CHECK (overall BETWEEN 1 AND 5),
    withdrawals INTEGER NOT NULL CHECK (withdrawals BETWEEN 1 AND 5),
    support     INTEGER NOT NULL CHECK (support BETWEEN 1 AND 5),
    fees        INTEGER NOT NULL CHECK (fees BETWEEN 1 AND 5),
    execution   INTEGER NOT NULL CHECK (execution BETWEEN 1 AND 5),
    security    INTEGER NOT NULL CHECK (security BETWEEN 1 AND 5),
    ease        INTEGER NOT NULL CHECK (ease BETWEEN 1 AND 5),
    text        TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL, -- as signed
    hash        BLOB    NOT NULL, -- EIP-712 digest
    previous    BLOB    NOT NULL, -- hash of the version before; zero for the first
    signature   BLOB    NOT NULL
) STRICT;

-- One live version of a wallet's review of an exchange, and none of a number
-- twice; also the way to a wallet's reviews.
CREATE UNIQUE INDEX review_place ON review (wallet, exchange_id, retired);
CREATE INDEX review_newest ON review (exchange_id, id) WHERE retired = 0;

-- +goose Down
DROP TABLE review;
DROP TABLE reviewer;
DROP TABLE directory;
DROP TABLE exchange_chain;
DROP TABLE exchange;
