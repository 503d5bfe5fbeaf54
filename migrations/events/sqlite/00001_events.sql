-- +goose Up

-- What this module has announced, in the transaction that made it true.
-- AUTOINCREMENT: an id is never used again, so a position stays meaningful
-- after old rows are deleted. One writer at a time: id order is commit order,
-- and txid (PostgreSQL's transaction) is always 0.
CREATE TABLE event_outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    txid        INTEGER NOT NULL DEFAULT 0,
    event_id    TEXT    NOT NULL,
    topic       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    time        INTEGER NOT NULL, -- UTC milliseconds
    traceparent TEXT    NOT NULL,
    payload     TEXT    NOT NULL  -- JSON
) STRICT;

CREATE INDEX event_outbox_order ON event_outbox (topic, txid, id);
CREATE INDEX event_outbox_time ON event_outbox (time);

-- How far each consumer of this module's events has come.
CREATE TABLE event_consumer (
    consumer   TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    txid       INTEGER NOT NULL DEFAULT 0, -- position: everything up to (txid, id)
    id         INTEGER NOT NULL DEFAULT 0, -- was accepted or is in event_parked
    failures   INTEGER NOT NULL DEFAULT 0, -- deliveries that failed as a whole, in a row
    last_error TEXT    NOT NULL DEFAULT '',
    moved_at   INTEGER NOT NULL,           -- UTC milliseconds
    PRIMARY KEY (consumer, topic)
) STRICT, WITHOUT ROWID;

-- Events that a consumer has failed to handle; the others pass them by.
CREATE TABLE event_parked (
    consumer   TEXT    NOT NULL,
    event_id   TEXT    NOT NULL,
    topic      TEXT    NOT NULL,
    outbox_id  INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    next_at    INTEGER NOT NULL, -- UTC milliseconds; not tried before
    last_error TEXT    NOT NULL,
    dead       INTEGER NOT NULL, -- 1: not tried again until somebody replays it
    parked_at  INTEGER NOT NULL, -- UTC milliseconds
    PRIMARY KEY (consumer, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_parked_due ON event_parked (consumer, topic, dead, next_at);
CREATE INDEX event_parked_outbox ON event_parked (outbox_id);

-- The events of other modules whose effect this database already has.
CREATE TABLE event_inbox (
    consumer TEXT    NOT NULL,
    event_id TEXT    NOT NULL,
    time     INTEGER NOT NULL, -- UTC milliseconds of the effect
    PRIMARY KEY (consumer, event_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX event_inbox_time ON event_inbox (time);

-- +goose Down
DROP TABLE event_inbox;
DROP TABLE event_parked;
DROP TABLE event_consumer;
DROP TABLE event_outbox;
