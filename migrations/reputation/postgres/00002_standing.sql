-- +goose Up

-- A score was a wallet's share of all trust, and its weight elsewhere was its
-- percentile; until the next epoch it stays so.
ALTER TABLE scores ADD COLUMN value DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE scores ADD COLUMN points INTEGER NOT NULL DEFAULT 0;     -- 0 to 1000
ALTER TABLE scores ADD COLUMN weight_ppm INTEGER NOT NULL DEFAULT 0; -- 0 to 1000000
ALTER TABLE scores ADD COLUMN first_ms BIGINT;                           -- UTC; NULL = not known
UPDATE scores SET
    value = score,
    points = CAST(percentile * 1000 AS INTEGER),
    weight_ppm = CAST(percentile * 1000000 AS INTEGER),
    reasons = '' -- in the former format
WHERE score > 0;
UPDATE scores SET rank = 0, percentile = 0, reasons = '' WHERE score <= 0;

ALTER TABLE epochs ADD COLUMN method TEXT NOT NULL DEFAULT 'eigentrust';
ALTER TABLE epochs ADD COLUMN ranked INTEGER NOT NULL DEFAULT 0;
UPDATE epochs SET ranked = wallets;

ALTER TABLE activity ADD COLUMN first_ms BIGINT;
UPDATE activity SET first_ms = last_ms;

-- +goose Down
ALTER TABLE activity DROP COLUMN first_ms;
ALTER TABLE epochs DROP COLUMN ranked;
ALTER TABLE epochs DROP COLUMN method;
ALTER TABLE scores DROP COLUMN first_ms;
ALTER TABLE scores DROP COLUMN weight_ppm;
ALTER TABLE scores DROP COLUMN points;
ALTER TABLE scores DROP COLUMN value;
