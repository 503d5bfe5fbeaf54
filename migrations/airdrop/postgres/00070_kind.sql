-- +goose Up

-- What kind of contract pays: plain, vesting, cumulative or ens; and of one that pays
-- little by little the times, in UTC milliseconds.
ALTER TABLE distributor ADD COLUMN kind TEXT NOT NULL DEFAULT 'plain';
ALTER TABLE distributor ADD COLUMN vesting_start_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE distributor ADD COLUMN vesting_cliff_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE distributor ADD COLUMN vesting_ms BIGINT NOT NULL DEFAULT 0; -- 0 = it pays at once

-- Some contracts name the account alone, and not the row of the list: list_row is -1.
CREATE INDEX distributor_claim_account ON distributor_claim (campaign, account);

-- +goose Down
DROP INDEX distributor_claim_account;
ALTER TABLE distributor DROP COLUMN vesting_ms;
ALTER TABLE distributor DROP COLUMN vesting_cliff_ms;
ALTER TABLE distributor DROP COLUMN vesting_start_ms;
ALTER TABLE distributor DROP COLUMN kind;
