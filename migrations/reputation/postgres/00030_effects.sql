-- +goose Up

-- What a single rating would do to a score, and why one moved: see trust.Effects. All 0
-- in epochs of an earlier release.
ALTER TABLE scores ADD COLUMN evidence DOUBLE PRECISION NOT NULL DEFAULT 0; -- the size of what trusted wallets say
ALTER TABLE scores ADD COLUMN word DOUBLE PRECISION NOT NULL DEFAULT 0;     -- the score without its conduct
ALTER TABLE scores ADD COLUMN given DOUBLE PRECISION NOT NULL DEFAULT 0;    -- the weights with which it trusts others

-- +goose Down
ALTER TABLE scores DROP COLUMN given;
ALTER TABLE scores DROP COLUMN word;
ALTER TABLE scores DROP COLUMN evidence;
