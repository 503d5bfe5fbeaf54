-- +goose Up

-- Of an appeal that its writer signed: where, the EIP-712 digest, and the signature.
ALTER TABLE moderation_flag ADD COLUMN site TEXT NOT NULL DEFAULT '';
ALTER TABLE moderation_flag ADD COLUMN digest BLOB NOT NULL DEFAULT x'';
ALTER TABLE moderation_flag ADD COLUMN signature BLOB NOT NULL DEFAULT x'';

-- +goose Down
ALTER TABLE moderation_flag DROP COLUMN signature;
ALTER TABLE moderation_flag DROP COLUMN digest;
ALTER TABLE moderation_flag DROP COLUMN site;
