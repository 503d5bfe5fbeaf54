-- +goose Up

-- The servers of other people that receive this module's public events. One process
-- at a time sends to an endpoint: sender, until lease_ms.
CREATE TABLE webhook_endpoint (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url          TEXT    NOT NULL,
    kinds        TEXT    NOT NULL, -- JSON list of names; [] = all
    secret       BYTEA   NOT NULL, -- the key of the signatures
    old_secret   BYTEA   NOT NULL, -- the key before, which signs, too, until old_until_ms; may be empty
    old_until_ms BIGINT  NOT NULL DEFAULT 0,
    created_ms   BIGINT  NOT NULL, -- UTC milliseconds, as all times here
    stopped      TEXT    NOT NULL DEFAULT '', -- why nothing is sent to it; '' = it is
    failures     BIGINT  NOT NULL DEFAULT 0, -- attempts that failed, in a row
    pause_ms     BIGINT  NOT NULL DEFAULT 0, -- nothing is sent before
    last_ms      BIGINT  NOT NULL DEFAULT 0, -- of the last attempt
    last_status  BIGINT  NOT NULL DEFAULT 0, -- of HTTP; 0 = no answer
    last_error   TEXT    NOT NULL DEFAULT '',
    sender       TEXT    NOT NULL DEFAULT '',
    lease_ms     BIGINT  NOT NULL DEFAULT 0
);

-- What is sent to an endpoint, once for each event.
CREATE TABLE webhook_message (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id BIGINT  NOT NULL,
    event_id    TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    body        TEXT    NOT NULL, -- JSON, as it is signed
    created_ms  BIGINT  NOT NULL,
    state       BIGINT  NOT NULL DEFAULT 0, -- 0 waiting, 1 delivered, 2 dead: not tried again until somebody replays it
    attempts    BIGINT  NOT NULL DEFAULT 0,
    next_ms     BIGINT  NOT NULL, -- not tried before
    tried_ms    BIGINT  NOT NULL DEFAULT 0,
    status      BIGINT  NOT NULL DEFAULT 0,
    error       TEXT    NOT NULL DEFAULT '',
    UNIQUE (endpoint_id, event_id)
);

CREATE INDEX webhook_message_due ON webhook_message (endpoint_id, state, next_ms, id);
CREATE INDEX webhook_message_tried ON webhook_message (state, tried_ms);

-- +goose Down
DROP TABLE webhook_message;
DROP TABLE webhook_endpoint;
