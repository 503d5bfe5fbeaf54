-- +goose Up

-- The backups that the program made into a folder, or failed to make (platform/backup).
CREATE TABLE backup_run (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cause      TEXT    NOT NULL, -- asked, scheduled
    process    TEXT    NOT NULL, -- the host on which it was made
    folder     TEXT    NOT NULL,
    name       TEXT    NOT NULL, -- of the file
    started_ms BIGINT  NOT NULL, -- UTC milliseconds
    seen_ms    BIGINT  NOT NULL, -- its process worked at it
    ended_ms   BIGINT  NOT NULL, -- 0 = it runs, or its process has ended
    bytes      BIGINT  NOT NULL,
    error_code TEXT    NOT NULL, -- '' = it was made, and read back whole
    error      TEXT    NOT NULL
);

-- +goose Down
DROP TABLE backup_run;
