-- +goose Up

-- What this module has announced, in the transaction that made it true.
-- txid is that transaction. Ids are handed out before the commit, so a row may
-- appear after one with a higher id: readers take only rows whose transaction
-- is below pg_snapshot_xmin(pg_current_snapshot()), in the order (txid, id).
CREATE TABLE event_outbox (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid        BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    event_id    TEXT   NOT NULL,
    topic       TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    time        BIGINT NOT NULL, -- UTC milliseconds
    traceparent TEXT   NOT NULL,
    payload     TEXT   NOT NULL  -- JSON
);

CREATE INDEX event_outbox_order ON event_outbox (topic, txid, id);
CREATE INDEX event_outbox_time ON event_outbox (time);

-- How far each consumer of this module's events has come.
CREATE TABLE event_consumer (
    consumer   TEXT   NOT NULL,
    topic      TEXT   NOT NULL,
    txid       BIGINT NOT NULL DEFAULT 0, -- position: everything up to (txid, id)
    id         BIGINT NOT NULL DEFAULT 0, -- was accepted or is in event_parked
    failures   BIGINT NOT NULL DEFAULT 0, -- deliveries that failed as a whole, in a row
    last_error TEXT   NOT NULL DEFAULT '',
    moved_at   BIGINT NOT NULL,           -- UTC milliseconds
    PRIMARY KEY (consumer, topic)
);

-- Events that a consumer has failed to handle; the others pass them by.
CREATE TABLE event_parked (
    consumer   TEXT   NOT NULL,
    event_id   TEXT   NOT NULL,
    topic      TEXT   NOT NULL,
    outbox_id  BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    next_at    BIGINT NOT NULL, -- UTC milliseconds; not tried before
    last_error TEXT   NOT NULL,
    dead       BIGINT NOT NULL, -- 1: not tried again until somebody replays it
    parked_at  BIGINT NOT NULL, -- UTC milliseconds
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX event_parked_due ON event_parked (consumer, topic, dead, next_at);
CREATE INDEX event_parked_outbox ON event_parked (outbox_id);

-- The events of other modules whose effect this database already has.
CREATE TABLE event_inbox (
    consumer TEXT   NOT NULL,
    event_id TEXT   NOT NULL,
    time     BIGINT NOT NULL, -- UTC milliseconds of the effect
    PRIMARY KEY (consumer, event_id)
);

CREATE INDEX event_inbox_time ON event_inbox (time);

-- +goose Down
DROP TABLE event_inbox;
DROP TABLE event_parked;
DROP TABLE event_consumer;
DROP TABLE event_outbox;
