-- +goose Up

-- What people say of each other; the latest word of a source on a target counts.
CREATE TABLE trust_edges (
    source  BYTEA NOT NULL,
    target  BYTEA NOT NULL,
    weight  DOUBLE PRECISION NOT NULL,
    time_ms BIGINT, -- UTC; NULL = not said
    PRIMARY KEY (source, target)
);

-- A row is written when a computation begins; complete makes its scores visible.
CREATE TABLE epochs (
    number     BIGINT PRIMARY KEY,
    time_ms    BIGINT NOT NULL,
    wallets    BIGINT NOT NULL,
    edges      BIGINT NOT NULL,
    seeds      BIGINT NOT NULL,
    iterations BIGINT NOT NULL,
    alpha      DOUBLE PRECISION NOT NULL,
    epsilon    DOUBLE PRECISION NOT NULL,
    complete   BIGINT NOT NULL
);

CREATE TABLE scores (
    epoch      BIGINT NOT NULL,
    wallet     BYTEA NOT NULL,
    score      DOUBLE PRECISION NOT NULL,
    place      BIGINT NOT NULL, -- 1 … n, each once: the order of the leaderboard
    rank       BIGINT NOT NULL, -- equal scores share one
    percentile DOUBLE PRECISION NOT NULL,
    reasons    BYTEA NOT NULL,  -- see reasons.go
    PRIMARY KEY (epoch, wallet)
);
CREATE UNIQUE INDEX scores_by_place ON scores (epoch, place);

CREATE TABLE activity (
    wallet  BYTEA NOT NULL,
    kind    TEXT NOT NULL,
    count   BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    PRIMARY KEY (wallet, kind)
);

-- +goose Down
DROP TABLE activity;
DROP TABLE scores;
DROP TABLE epochs;
DROP TABLE trust_edges;
