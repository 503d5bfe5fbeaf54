-- +goose Up

-- Who may write to this database: one row, changed by compare-and-swap on epoch
-- and read at the beginning of every write transaction (platform/ownership).
CREATE TABLE ownership (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    epoch      INTEGER NOT NULL, -- grows by one with every change of owner
    owner      TEXT    NOT NULL, -- the process's role: trunk, or a module's name
    url        TEXT    NOT NULL, -- where the owner is reached; may be empty
    changed_ms INTEGER NOT NULL  -- UTC milliseconds; for people, no decision rests on it
) STRICT;

-- +goose Down
DROP TABLE ownership;
