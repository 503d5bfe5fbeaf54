-- +goose Up

-- Wallets that a source of the kind sybils flags, or that report themselves.
CREATE TABLE suspect (
    campaign_id TEXT    NOT NULL REFERENCES course (campaign_id),
    wallet      BLOB    NOT NULL,
    state       TEXT    NOT NULL, -- flagged, paid, left_out, appealed, reported
    decision    TEXT    NOT NULL, -- paid, left_out; '' = there is none yet
    cluster     TEXT    NOT NULL,
    score       TEXT    NOT NULL,
    evidence    TEXT    NOT NULL,
    run         INTEGER NOT NULL, -- in which it was flagged last; 0 = it was never
    reason      TEXT    NOT NULL, -- of the decision
    appeal      TEXT    NOT NULL,
    appeals     INTEGER NOT NULL,
    appeal_ms   INTEGER NOT NULL, -- created_ms of the latest, which is signed
    PRIMARY KEY (campaign_id, wallet)
) STRICT;
CREATE INDEX suspect_state ON suspect (campaign_id, state, wallet);

-- What happened with them, for good.
CREATE TABLE suspect_event (
    campaign_id TEXT    NOT NULL,
    wallet      BLOB    NOT NULL,
    number      INTEGER NOT NULL,
    time_ms     INTEGER NOT NULL,
    what        TEXT    NOT NULL,
    body        TEXT    NOT NULL,
    added_by    TEXT    NOT NULL,
    signature   BLOB    NOT NULL, -- of an appeal
    chain       INTEGER NOT NULL, -- on which a smart wallet was asked for it; 0 = a key has signed
    block       INTEGER NOT NULL,
    PRIMARY KEY (campaign_id, wallet, number)
) STRICT;

-- +goose Down
DROP TABLE suspect_event;
DROP TABLE suspect;
