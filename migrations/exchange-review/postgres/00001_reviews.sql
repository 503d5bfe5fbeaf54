-- +goose Up

-- An exchange, with the sums over its live reviews. Weights are whole units of
-- 1/65536, so that the sums can be changed by exact differences for ever.
CREATE TABLE exchange (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug        TEXT   COLLATE "C" NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    name_order  TEXT   COLLATE "C" NOT NULL, -- lower case: what the list by name is sorted by
    kind        TEXT   NOT NULL CHECK (kind IN ('cex', 'dex')),
    website     TEXT   NOT NULL, -- '' = not known
    year        BIGINT NOT NULL, -- 0 = not known
    countries   TEXT   NOT NULL, -- JSON array
    chains      TEXT   NOT NULL, -- JSON array; exchange_chain has them for the filter
    maker_fee   DOUBLE PRECISION,             -- share of the trade; NULL = not known
    taker_fee   DOUBLE PRECISION,
    reviews     BIGINT NOT NULL DEFAULT 0,
    weight      BIGINT NOT NULL DEFAULT 0, -- units of all reviews together
    overall     BIGINT NOT NULL DEFAULT 0, -- units × stars, here and below
    withdrawals BIGINT NOT NULL DEFAULT 0,
    support     BIGINT NOT NULL DEFAULT 0,
    fees        BIGINT NOT NULL DEFAULT 0,
    execution   BIGINT NOT NULL DEFAULT 0,
    security    BIGINT NOT NULL DEFAULT 0,
    ease        BIGINT NOT NULL DEFAULT 0,
    received_1  BIGINT NOT NULL DEFAULT 0, -- reviews with so many stars overall
    received_2  BIGINT NOT NULL DEFAULT 0,
    received_3  BIGINT NOT NULL DEFAULT 0,
    received_4  BIGINT NOT NULL DEFAULT 0,
    received_5  BIGINT NOT NULL DEFAULT 0,
    -- What the list by rating is sorted by: the mean in 1/65536 of a star, then
    -- the number of reviews; 0 without reviews.
    rating_order BIGINT NOT NULL GENERATED ALWAYS AS (
        CASE WHEN weight = 0 THEN 0 ELSE (overall * 65536 / weight) * 4294967296 + reviews END
    ) STORED
);

CREATE INDEX exchange_by_rating ON exchange (rating_order DESC, slug);

CREATE TABLE exchange_chain (
    chain       TEXT   NOT NULL,
    exchange_id BIGINT NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
    PRIMARY KEY (chain, exchange_id)
);

CREATE INDEX exchange_chain_of ON exchange_chain (exchange_id);

-- One row. The version rises with every change of the directory, so that
-- readers know when what they hold in memory is old.
CREATE TABLE directory (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL,
    begun   BIGINT NOT NULL -- 1: the starter list was loaded or was not wanted
);

INSERT INTO directory (id, version, begun) VALUES (1, 1, 0);

-- A wallet that has written reviews, and what each of its reviews weighs.
CREATE TABLE reviewer (
    wallet BYTEA  NOT NULL PRIMARY KEY,
    weight BIGINT NOT NULL, -- units
    epoch  BIGINT NOT NULL  -- of reputation, that the weight is from; -1 = reputation has yet to be asked
);

CREATE INDEX reviewer_by_epoch ON reviewer (epoch, wallet);

-- Every version of every review. Pages go by id.
CREATE TABLE review (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exchange_id BIGINT NOT NULL REFERENCES exchange (id),
    wallet      BYTEA  NOT NULL REFERENCES reviewer (wallet),
    version     BIGINT NOT NULL, -- 1, 2, 3 … of this wallet and exchange
    retired     BIGINT NOT NULL DEFAULT 0, -- 0: the live version; else its own version number
    overall     BIGINT NOT NULL CHECK (overall BETWEEN 1 AND 5),
    withdrawals BIGINT NOT NULL CHECK (withdrawals BETWEEN 1 AND 5),
    support     BIGINT NOT NULL CHECK (support BETWEEN 1 AND 5),
    fees        BIGINT NOT NULL CHECK (fees BETWEEN 1 AND 5),
    execution   BIGINT NOT NULL CHECK (execution BETWEEN 1 AND 5),
    security    BIGINT NOT NULL CHECK (security BETWEEN 1 AND 5),
    ease        BIGINT NOT NULL CHECK (ease BETWEEN 1 AND 5),
    text        TEXT   NOT NULL,
    created_ms  BIGINT NOT NULL, -- as signed
    hash        BYTEA  NOT NULL, -- EIP-712 digest
    previous    BYTEA  NOT NULL, -- hash of the version before; zero for the first
    signature   BYTEA  NOT NULL
);

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
