-- +goose Up

-- The backups that the program made into a folder, or failed to make (platform/backup).
CREATE TABLE backup_run (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    cause      TEXT    NOT NULL, -- asked, scheduled
    process    TEXT    NOT NULL, -- the host on which it was made
    folder     TEXT    NOT NULL,
    name       TEXT    NOT NULL, -- of the file
    started_ms INTEGER NOT NULL, -- UTC milliseconds
    seen_ms    INTEGER NOT NULL, -- its process worked at it
    ended_ms   INTEGER NOT NULL, -- 0 = it runs, or its process has ended
    bytes      INTEGER NOT NULL,
    error_code TEXT    NOT NULL, -- '' = it was made, and read back whole
    error      TEXT    NOT NULL
) STRICT;

-- +goose Down
DROP TABLE backup_run;
