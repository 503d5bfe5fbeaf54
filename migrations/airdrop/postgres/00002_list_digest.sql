-- +goose Up

-- SHA-256 over the chunks of a list in their order, once all of them are there;
-- NULL for lists from before this column.
ALTER TABLE list ADD COLUMN digest BYTEA;

-- +goose Down
ALTER TABLE list DROP COLUMN digest;
