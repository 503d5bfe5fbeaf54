-- +goose Up

-- Work that outlives a request and a process: see platform/jobs.
CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,    -- waiting, running, done, failed, canceled
    request    TEXT NOT NULL,    -- JSON
    checkpoint TEXT NOT NULL,    -- JSON of where to go on; '' = from the start
    result     TEXT NOT NULL,    -- JSON; '' until done
    stage      TEXT NOT NULL,    -- what it is doing, for people
    progress   INTEGER NOT NULL, -- of work
    work       INTEGER NOT NULL, -- 0 = not known
    runs       INTEGER NOT NULL, -- how often it was begun
    cancel     INTEGER NOT NULL, -- 1 = somebody wants it to stop
    error_code TEXT NOT NULL,
    error      TEXT NOT NULL,
    created_ms INTEGER NOT NULL, -- UTC
    ended_ms   INTEGER           -- NULL until it has
) STRICT;
CREATE INDEX jobs_unfinished ON jobs (state, id) WHERE state IN ('waiting', 'running');

-- +goose Down
DROP TABLE jobs;
