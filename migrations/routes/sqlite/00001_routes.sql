-- +goose Up

-- Where the calls of each module go, for every replica of the trunk. A module
-- without a row goes where config.yaml says.
CREATE TABLE route_plan (
    module     TEXT    NOT NULL PRIMARY KEY,
    mode       TEXT    NOT NULL CHECK (mode IN ('local', 'shadow', 'canary', 'remote')),
    percent    REAL    NOT NULL CHECK (percent BETWEEN 0 AND 100),
    urls       TEXT    NOT NULL, -- parted by spaces
    configured INTEGER NOT NULL CHECK (configured IN (0, 1)), -- 1 = follow config.yaml, whatever it says by then
    version    INTEGER NOT NULL CHECK (version > 0),          -- goes up by one with each change
    changed_by TEXT    NOT NULL,
    changed_ms INTEGER NOT NULL, -- UTC milliseconds, like every time here
    why        TEXT    NOT NULL
) STRICT;

-- Every change there ever was.
CREATE TABLE route_audit (
    module       TEXT    NOT NULL,
    version      INTEGER NOT NULL, -- of the plan that the change made
    at_ms        INTEGER NOT NULL,
    who          TEXT    NOT NULL,
    automatic    INTEGER NOT NULL CHECK (automatic IN (0, 1)), -- 1 = the guard's step back
    why          TEXT    NOT NULL,
    configured   INTEGER NOT NULL CHECK (configured IN (0, 1)),
    from_mode    TEXT    NOT NULL,
    from_percent REAL    NOT NULL,
    from_urls    TEXT    NOT NULL,
    to_mode      TEXT    NOT NULL,
    to_percent   REAL    NOT NULL,
    to_urls      TEXT    NOT NULL,
    PRIMARY KEY (module, version)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER route_audit_is_not_changed BEFORE UPDATE ON route_audit
BEGIN
    SELECT RAISE(ABORT, 'the audit of routes is only ever added to');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER route_audit_is_not_deleted BEFORE DELETE ON route_audit
BEGIN
    SELECT RAISE(ABORT, 'the audit of routes is only ever added to');
END;
-- +goose StatementEnd

-- +goose Down
DROP TABLE route_audit;
DROP TABLE route_plan;
