-- +goose Up

-- Of an appeal that its writer signed: where, the EIP-712 digest, and the signature.
ALTER TABLE moderation_flag ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE moderation_flag ADD COLUMN digest BYTEA NOT NULL DEFAULT '';
ALTER TABLE moderation_flag ADD COLUMN signature BYTEA NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE moderation_flag DROP COLUMN signature;
ALTER TABLE moderation_flag DROP COLUMN digest;
ALTER TABLE moderation_flag DROP COLUMN site;
