-- +goose Up

-- The move of the data to another database, or from one, while the program serves
-- (platform/transfer): what this side of it remembers, and where the data is that has
-- left. Empty otherwise.
CREATE TABLE module_move (
    id     BIGINT PRIMARY KEY CHECK (id = 1),
    record TEXT NOT NULL -- JSON
);

-- The keys of rows that were written while the data is being moved; triggers fill it,
-- which are there only as long. Which of them are new is asked by xid: seq is not
-- commit order.
CREATE TABLE move_log (
    seq  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid  BIGINT NOT NULL DEFAULT (pg_current_xact_id()::text::bigint),
    tab  TEXT NOT NULL, -- the table
    key  TEXT NOT NULL  -- of the row: its parts with commas, text and bytes in hexadecimal
);
CREATE INDEX move_log_xid ON move_log (xid);

-- +goose Down
DROP TABLE move_log;
DROP TABLE module_move;
