-- +goose Up

-- days: bursts.Days, how many reviews that are shown each of the latest days had.
-- days_kept: 1 when those of all exchanges are complete.
ALTER TABLE exchange ADD COLUMN days BLOB NOT NULL DEFAULT x'';
ALTER TABLE directory ADD COLUMN days_kept INTEGER NOT NULL DEFAULT 0;

-- Until when the program holds a review; 0: it does not, a moderator may.
ALTER TABLE review ADD COLUMN held_until_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX review_held ON review (held_until_ms) WHERE held_until_ms > 0;

-- Days on which an exchange received unusually many reviews. rule: 1 readers are
-- warned, 2 new reviews are held, too. usual and mix are in thousandths.
CREATE TABLE exchange_burst (
    exchange_id INTEGER NOT NULL REFERENCES exchange (id),
    day         INTEGER NOT NULL, -- since 1970
    rule        INTEGER NOT NULL CHECK (rule IN (1, 2)),
    reviews     INTEGER NOT NULL, -- of the day and the one before
    usual       INTEGER NOT NULL, -- of two days
    mix         INTEGER NOT NULL, -- G of their stars
    PRIMARY KEY (exchange_id, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX exchange_burst_newest ON exchange_burst (day, exchange_id);
