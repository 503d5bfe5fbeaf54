-- +goose Up

-- Which data this is: made once, and the same for every process that opens this
-- database. A module's process is led to only if it has the same id
-- (platform/handover). A copy of the file has it as well; the epoch of the owner
-- row tells a copy apart at the next change of owner.
CREATE TABLE data_identity (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    data_id TEXT NOT NULL CHECK (length(data_id) = 32) -- 128 random bits, in hexadecimal
) STRICT;

INSERT INTO data_identity (id, data_id)
VALUES (1, lower(hex(randomblob(16))));

-- +goose Down
DROP TABLE data_identity;
