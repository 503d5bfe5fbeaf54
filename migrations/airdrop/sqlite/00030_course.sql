-- +goose Up

-- Campaigns whose list is computed from rules.
CREATE TABLE course (
    campaign_id TEXT    NOT NULL PRIMARY KEY REFERENCES campaign (id),
    phase       TEXT    NOT NULL, -- draft, collecting, preview, frozen, funded, live, ended, swept, cancelled
    rules       TEXT    NOT NULL, -- YAML
    run         INTEGER NOT NULL, -- grows with each collection; files that were collected have it
    preview     INTEGER NOT NULL, -- the run whose preview is shown; 0 = none
    preview_ms  INTEGER NOT NULL, -- UTC milliseconds
    summary     TEXT    NOT NULL, -- JSON of the preview
    manifest    TEXT    NOT NULL, -- JSON; '' until there is a preview
    freezing    INTEGER NOT NULL, -- the preview that is being frozen; 0 = none
    job_id      INTEGER NOT NULL, -- of the work that runs; 0 = none
    held_epoch  INTEGER NOT NULL, -- of the reputation, which is to be released; 0 = none
    reason      TEXT    NOT NULL,
    changed_ms  INTEGER NOT NULL -- UTC milliseconds
) STRICT;

-- The files of the sources.
CREATE TABLE course_input (
    campaign_id TEXT    NOT NULL REFERENCES course (campaign_id),
    source      TEXT    NOT NULL,
    file_id     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    sha256      TEXT    NOT NULL, -- 64 hex digits
    bytes       INTEGER NOT NULL,
    row_count   INTEGER NOT NULL,
    run         INTEGER NOT NULL, -- in which it was collected; 0 = it was uploaded
    epoch       INTEGER NOT NULL, -- of the reputation; 0 = another kind
    epoch_root  TEXT    NOT NULL,
    PRIMARY KEY (campaign_id, source)
) STRICT;
CREATE INDEX course_input_file ON course_input (file_id);

-- Files in chunks of about 1 MiB; one that no input names and nobody has touched for a
-- while is what interrupted work left.
CREATE TABLE course_file (
    id         TEXT    NOT NULL PRIMARY KEY,
    touched_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE course_file_chunk (
    file_id TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    body    BLOB    NOT NULL,
    PRIMARY KEY (file_id, number)
) STRICT;

-- What the rules say of each wallet, in the order of the wallets: chunks packed with
-- zstd, found by their first wallet.
CREATE TABLE course_decision (
    campaign_id TEXT    NOT NULL,
    run         INTEGER NOT NULL,
    first       BLOB    NOT NULL,
    body        BLOB    NOT NULL,
    PRIMARY KEY (campaign_id, run, first)
) STRICT;

-- +goose Down
DROP TABLE course_decision;
DROP TABLE course_file_chunk;
DROP TABLE course_file;
DROP TABLE course_input;
DROP TABLE course;
