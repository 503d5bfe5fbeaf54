-- +goose Up

-- How much a wallet's praise counts, 0 to 1: see trust.Rater. 0 in epochs of an earlier
-- release.
ALTER TABLE scores ADD COLUMN voice DOUBLE PRECISION NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE scores DROP COLUMN voice;
