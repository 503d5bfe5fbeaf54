-- +goose Up

-- The phases that campaigns have reached since they were frozen: as a chain has shown
-- them, or moved by hand.
CREATE TABLE campaign_phase (
    campaign_id TEXT    NOT NULL REFERENCES campaign (id),
    phase       TEXT    NOT NULL, -- funded, live, ended, swept
    block       BIGINT  NOT NULL, -- 0 = moved by hand
    hash        BYTEA   NOT NULL, -- of the block; empty when moved by hand
    time_ms     BIGINT  NOT NULL, -- of the block, UTC milliseconds
    balance     TEXT    NOT NULL, -- of the distributor after the block, base units
    claimed     TEXT    NOT NULL, -- until then
    added_by    TEXT    NOT NULL, -- who moved it by hand
    reason      TEXT    NOT NULL,
    PRIMARY KEY (campaign_id, phase)
);

-- The time of the block that was read last: the chain's clock, UTC milliseconds.
ALTER TABLE distributor ADD COLUMN read_to_ms BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE distributor DROP COLUMN read_to_ms;
DROP TABLE campaign_phase;
