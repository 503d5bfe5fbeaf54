-- +goose Up

-- What happened to sign-ins, roles, tokens, keys and by operators' hands
-- (platform/identity/securitylog). Rows are only added. Each has a hash over itself
-- and over the hash of the row before it, so a row that was changed or taken out
-- shows.
CREATE TABLE security_event (
    seq     BIGINT NOT NULL PRIMARY KEY, -- 1, 2, 3, … without a gap
    at_ms   BIGINT NOT NULL, -- UTC milliseconds
    what    TEXT    NOT NULL,
    refused BIGINT NOT NULL CHECK (refused IN (0, 1)),
    who     TEXT    NOT NULL,
    whom    TEXT    NOT NULL, -- what it was done to; '' = nothing of its own
    origin  TEXT    NOT NULL, -- from where: an address, or the command line
    detail  TEXT    NOT NULL,
    times   BIGINT NOT NULL CHECK (times > 0), -- how often, since the row before of the same kind
    hash    BYTEA   NOT NULL CHECK (length(hash) = 32)
);

CREATE INDEX security_event_time ON security_event (at_ms);

-- The last row that was deleted because of its age, where the chain begins now.
CREATE TABLE security_base (
    id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    seq  BIGINT NOT NULL,
    hash BYTEA   NOT NULL CHECK (length(hash) = 32)
);

INSERT INTO security_base (id, seq, hash)
VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- +goose StatementBegin
CREATE FUNCTION security_event_guard() RETURNS TRIGGER
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'rows of the security log are never changed';
    END IF;
    IF OLD.seq > (SELECT seq FROM security_base) THEN
        RAISE EXCEPTION 'rows of the security log are deleted by their age only';
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd

CREATE TRIGGER security_event_guard BEFORE UPDATE OR DELETE ON security_event
FOR EACH ROW EXECUTE FUNCTION security_event_guard();

-- +goose Down
DROP TABLE security_event;
DROP FUNCTION security_event_guard();
DROP TABLE security_base;
