-- +goose Up

-- days: bursts.Days, how many reviews that are shown each of the latest days had.
-- days_kept: 1 when those of all exchanges are complete.
ALTER TABLE exchange ADD COLUMN days BYTEA NOT NULL DEFAULT '';
ALTER TABLE directory ADD COLUMN days_kept BIGINT NOT NULL DEFAULT 0;

-- Until when the program holds a review; 0: it does not, a moderator may.
ALTER TABLE review ADD COLUMN held_until_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX review_held ON review (held_until_ms) WHERE held_until_ms > 0;

-- Days on which an exchange received unusually many reviews. rule: 1 readers are
-- warned, 2 new reviews are held, too. usual and mix are in thousandths.
CREATE TABLE exchange_burst (
    exchange_id BIGINT NOT NULL REFERENCES exchange (id),
    day         BIGINT NOT NULL, -- since 1970
    rule        BIGINT NOT NULL CHECK (rule IN (1, 2)),
    reviews     BIGINT NOT NULL, -- of the day and the one before
    usual       BIGINT NOT NULL, -- of two days
    mix         BIGINT NOT NULL, -- G of their stars
    PRIMARY KEY (exchange_id, day)
);

CREATE INDEX exchange_burst_newest ON exchange_burst (day, exchange_id);
