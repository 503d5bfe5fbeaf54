-- +goose Up

-- What attestations since an epoch make of scores, until the next epoch.
CREATE TABLE provisional_scores (
    epoch      INTEGER NOT NULL,
    wallet     BLOB NOT NULL,
    value      REAL NOT NULL,
    points     INTEGER NOT NULL, -- 0 to 1000
    weight_ppm INTEGER NOT NULL, -- 0 to 1000000
    time_ms    INTEGER NOT NULL, -- UTC
    PRIMARY KEY (epoch, wallet)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE provisional_scores;
