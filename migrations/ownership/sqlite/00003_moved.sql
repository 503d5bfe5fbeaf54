-- +goose Up

-- Whose the writes were before the data went to another database, or came from one
-- and is not whole yet (platform/transfer): then the owner row says moved or
-- arriving, which no process is called. Empty otherwise.
CREATE TABLE moved_owner (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    owner TEXT NOT NULL,
    url   TEXT NOT NULL
) STRICT;

-- +goose Down
DROP TABLE moved_owner;
