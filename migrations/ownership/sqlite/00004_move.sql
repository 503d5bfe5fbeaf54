-- +goose Up

-- The move of the data to another database, or from one, while the program serves
-- (platform/transfer): what this side of it remembers, and where the data is that has
-- left. Empty otherwise.
CREATE TABLE module_move (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    record TEXT NOT NULL -- JSON
) STRICT;

-- The keys of rows that were written while the data is being moved; triggers fill it,
-- which are there only as long. seq is commit order, because one writes at a time.
CREATE TABLE move_log (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    xid  INTEGER NOT NULL DEFAULT 0, -- PostgreSQL's transaction
    tab  TEXT NOT NULL,              -- the table
    key  TEXT NOT NULL               -- of the row: its parts with commas, text and bytes in hexadecimal
) STRICT;

-- +goose Down
DROP TABLE move_log;
DROP TABLE module_move;
