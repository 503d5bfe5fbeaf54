-- +goose Up

-- The sums of the formula in modules/exchangereview/ranking replace those of a
-- weighted mean. They are computed from the reviews at the first start.
DROP INDEX exchange_by_rating;
ALTER TABLE exchange DROP COLUMN rating_order;
ALTER TABLE exchange DROP COLUMN weight;
ALTER TABLE exchange DROP COLUMN overall;
ALTER TABLE exchange DROP COLUMN withdrawals;
ALTER TABLE exchange DROP COLUMN support;
ALTER TABLE exchange DROP COLUMN fees;
ALTER TABLE exchange DROP COLUMN execution;
ALTER TABLE exchange DROP COLUMN security;
ALTER TABLE exchange DROP COLUMN ease;
ALTER TABLE exchange DROP COLUMN received_1;
ALTER TABLE exchange DROP COLUMN received_2;
ALTER TABLE exchange DROP COLUMN received_3;
ALTER TABLE exchange DROP COLUMN received_4;
ALTER TABLE exchange DROP COLUMN received_5;
-- ranking.Tally; reviews is how many are in it, held how many are shown without.
ALTER TABLE exchange ADD COLUMN tally BYTEA NOT NULL DEFAULT '';
ALTER TABLE exchange ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
-- What the list by rating is sorted by: first whether there is enough evidence,
-- then the key, then the evidence; 0 without reviews. As of directory.ranked_day.
ALTER TABLE exchange ADD COLUMN rank_order BIGINT NOT NULL DEFAULT 0;
CREATE INDEX exchange_by_rank ON exchange (rank_order DESC, slug);

-- formula: the version that all tallies are of. ranked_day, ranked_epoch: what
-- every rank_order is of; days are since 1970.
ALTER TABLE directory ADD COLUMN formula BIGINT NOT NULL DEFAULT 0;
ALTER TABLE directory ADD COLUMN ranked_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE directory ADD COLUMN ranked_epoch BIGINT NOT NULL DEFAULT 0;

-- A reviewer is any wallet whose weight is kept: of reviews and of votes.
-- standing: whether trust gives it a weight; first_day: when it was first seen;
-- fresh: whether its reviews are counted in the fresh group.
ALTER TABLE reviewer ADD COLUMN standing BIGINT NOT NULL DEFAULT 0;
ALTER TABLE reviewer ADD COLUMN first_day BIGINT NOT NULL DEFAULT 0;
ALTER TABLE reviewer ADD COLUMN fresh BIGINT NOT NULL DEFAULT 1;
UPDATE reviewer SET
    epoch     = -1,
    first_day = COALESCE((SELECT MIN(created_ms) / 86400000 FROM review WHERE review.wallet = reviewer.wallet), 0);
CREATE INDEX reviewer_to_age ON reviewer (first_day) WHERE fresh = 1 AND standing = 1;

-- site: what was signed; '' until the first start finds out, see Backfill.
-- state: 0 counted, 1 held (shown, not counted), 2 waiting for a moderator (not
-- shown), 3 removed by one, 4 withdrawn by its writer. text_hash: keccak-256 of a
-- text that was erased, with which its digest can still be made.
ALTER TABLE review ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE review ADD COLUMN state BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 4);
ALTER TABLE review ADD COLUMN text_hash BYTEA;
ALTER TABLE review ADD COLUMN helpful BIGINT NOT NULL DEFAULT 0;     -- units of those who voted so
ALTER TABLE review ADD COLUMN unhelpful BIGINT NOT NULL DEFAULT 0;
ALTER TABLE review ADD COLUMN helpful_order BIGINT NOT NULL DEFAULT 0; -- Wilson lower bound in millionths
DROP INDEX review_newest;
CREATE INDEX review_newest ON review (exchange_id, id) WHERE retired = 0 AND state < 2;
CREATE INDEX review_by_stars ON review (exchange_id, overall, id) WHERE retired = 0 AND state < 2;
CREATE INDEX review_by_help ON review (exchange_id, helpful_order, id) WHERE retired = 0 AND state < 2;
CREATE INDEX review_by_hash ON review (hash);

-- What a reader thought of a review, with the reader's weight at that time.
CREATE TABLE vote (
    review_id BIGINT NOT NULL REFERENCES review (id),
    wallet    BYTEA   NOT NULL,
    helpful   BIGINT NOT NULL CHECK (helpful IN (0, 1)),
    weight    BIGINT NOT NULL, -- units
    PRIMARY KEY (review_id, wallet)
);

-- A ranking of all exchanges that can be computed again from its export.
CREATE TABLE ranking_epoch (
    number     BIGINT PRIMARY KEY, -- 1, 2, 3 …
    time_ms    BIGINT NOT NULL,
    root       BYTEA   NOT NULL, -- of the Merkle tree over all lines of the export
    exchanges  BIGINT NOT NULL,
    reviews    BIGINT NOT NULL, -- counted
    tombstones BIGINT NOT NULL,
    prior      TEXT    NOT NULL, -- JSON: the average opinion, in force until the next epoch
    size       BIGINT NOT NULL  -- bytes of the export; 0 = not kept any more
);

CREATE TABLE ranking_export (
    number BIGINT NOT NULL,
    part   BIGINT NOT NULL, -- 0, 1, 2 …
    bytes  BYTEA   NOT NULL,
    PRIMARY KEY (number, part)
);

-- Where an exchange stood in an epoch; stars in millionths.
CREATE TABLE ranking_place (
    exchange_id BIGINT NOT NULL REFERENCES exchange (id),
    number      BIGINT NOT NULL REFERENCES ranking_epoch (number),
    rank        BIGINT NOT NULL, -- 0 = not enough evidence
    rank_key    BIGINT NOT NULL,
    mean        BIGINT NOT NULL,
    reviews     BIGINT NOT NULL,
    PRIMARY KEY (exchange_id, number)
);
