-- +goose Up

-- What the list promises of the distributor's token, and what each claim pays beside its
-- gas, in the smallest unit of the chain's coin. promised 0 = the campaign's total.
ALTER TABLE distributor ADD COLUMN promised TEXT NOT NULL DEFAULT '0';
ALTER TABLE distributor ADD COLUMN fee TEXT NOT NULL DEFAULT '0';

-- +goose Down
ALTER TABLE distributor DROP COLUMN fee;
ALTER TABLE distributor DROP COLUMN promised;
