-- +goose Up

-- Which data this is: made once, and the same for every process that opens this
-- schema. A module's process is led to only if it has the same id
-- (platform/handover). A copy of the schema has it as well; the epoch of the
-- owner row tells a copy apart at the next change of owner.
CREATE TABLE data_identity (
    id      BIGINT PRIMARY KEY CHECK (id = 1),
    data_id TEXT NOT NULL CHECK (length(data_id) = 32) -- 128 random bits, in hexadecimal
);

-- A UUID has 122 random bits, six short of the id's: two are hashed into one.
INSERT INTO data_identity (id, data_id)
VALUES (1, encode(substring(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) FROM 1 FOR 16), 'hex'));

-- +goose Down
DROP TABLE data_identity;
