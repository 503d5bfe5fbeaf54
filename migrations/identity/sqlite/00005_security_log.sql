-- +goose Up

-- What happened to sign-ins, roles, tokens, keys and by operators' hands
-- (platform/identity/securitylog). Rows are only added. Each has a hash over itself
-- and over the hash of the row before it, so a row that was changed or taken out
-- shows.
CREATE TABLE security_event (
    seq     INTEGER NOT NULL PRIMARY KEY, -- 1, 2, 3, … without a gap
    at_ms   INTEGER NOT NULL, -- UTC milliseconds
    what    TEXT    NOT NULL,
    refused INTEGER NOT NULL CHECK (refused IN (0, 1)),
    who     TEXT    NOT NULL,
    whom    TEXT    NOT NULL, -- what it was done to; '' = nothing of its own
    origin  TEXT    NOT NULL, -- from where: an address, or the command line
    detail  TEXT    NOT NULL,
    times   INTEGER NOT NULL CHECK (times > 0), -- how often, since the row before of the same kind
    hash    BLOB   NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE INDEX security_event_time ON security_event (at_ms);

-- The last row that was deleted because of its age, where the chain begins now.
CREATE TABLE security_base (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    seq  INTEGER NOT NULL,
    hash BLOB   NOT NULL CHECK (length(hash) = 32)
) STRICT;

INSERT INTO security_base (id, seq, hash)
VALUES (1, 0, zeroblob(32));

-- +goose StatementBegin
CREATE TRIGGER security_event_unchanged BEFORE UPDATE ON security_event
BEGIN
    SELECT RAISE(ABORT, 'rows of the security log are never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER security_event_kept BEFORE DELETE ON security_event
WHEN old.seq > (SELECT seq FROM security_base)
BEGIN
    SELECT RAISE(ABORT, 'rows of the security log are deleted by their age only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE security_event;
DROP TABLE security_base;
