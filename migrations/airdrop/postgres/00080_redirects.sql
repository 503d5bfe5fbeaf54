-- +goose Up

-- Whether an account can have its tokens sent elsewhere: the contract is one of ours. 0 or 1.
ALTER TABLE distributor ADD COLUMN redirects BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE distributor DROP COLUMN redirects;
