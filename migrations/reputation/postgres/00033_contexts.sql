-- +goose Up

-- What attestations with a context make of wallets, each context alone.
CREATE TABLE epoch_contexts (
    epoch      BIGINT NOT NULL,
    context    TEXT NOT NULL,
    statements BIGINT NOT NULL, -- that counted
    ranked     BIGINT NOT NULL, -- wallets with a score over 0
    PRIMARY KEY (epoch, context)
);

CREATE TABLE context_scores (
    epoch      BIGINT NOT NULL,
    context    TEXT NOT NULL,
    wallet     BYTEA NOT NULL,
    value      DOUBLE PRECISION NOT NULL,
    points     INTEGER NOT NULL, -- 0 to 1000
    weight_ppm INTEGER NOT NULL, -- 0 to 1000000
    place      BIGINT NOT NULL, -- 1 … n, each once
    rank       BIGINT NOT NULL, -- equal scores share one; 0 = none
    PRIMARY KEY (epoch, wallet, context)
);
CREATE UNIQUE INDEX context_scores_by_place ON context_scores (epoch, context, place);

-- +goose Down
DROP TABLE context_scores;
DROP TABLE epoch_contexts;
