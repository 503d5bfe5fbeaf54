-- +goose Up

-- What attestations since an epoch make of scores, until the next epoch.
CREATE TABLE provisional_scores (
    epoch      BIGINT NOT NULL,
    wallet     BYTEA NOT NULL,
    value      DOUBLE PRECISION NOT NULL,
    points     INTEGER NOT NULL, -- 0 to 1000
    weight_ppm INTEGER NOT NULL, -- 0 to 1000000
    time_ms    BIGINT NOT NULL, -- UTC
    PRIMARY KEY (epoch, wallet)
);

-- +goose Down
DROP TABLE provisional_scores;
