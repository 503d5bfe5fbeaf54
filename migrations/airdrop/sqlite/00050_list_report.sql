-- +goose Up

-- How a list was read (airdrop.ListReport, JSON), for who decides whether to build
-- its tree; '' for lists from before this column, and those made from rules.
ALTER TABLE list ADD COLUMN report TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE list DROP COLUMN report;
