-- +goose Up

-- What attestations with a context make of wallets, each context alone.
CREATE TABLE epoch_contexts (
    epoch      INTEGER NOT NULL,
    context    TEXT NOT NULL,
    statements INTEGER NOT NULL, -- that counted
    ranked     INTEGER NOT NULL, -- wallets with a score over 0
    PRIMARY KEY (epoch, context)
) STRICT, WITHOUT ROWID;

CREATE TABLE context_scores (
    epoch      INTEGER NOT NULL,
    context    TEXT NOT NULL,
    wallet     BLOB NOT NULL,
    value      REAL NOT NULL,
    points     INTEGER NOT NULL, -- 0 to 1000
    weight_ppm INTEGER NOT NULL, -- 0 to 1000000
    place      INTEGER NOT NULL, -- 1 … n, each once
    rank       INTEGER NOT NULL, -- equal scores share one; 0 = none
    PRIMARY KEY (epoch, wallet, context)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX context_scores_by_place ON context_scores (epoch, context, place);

-- +goose Down
DROP TABLE context_scores;
DROP TABLE epoch_contexts;
