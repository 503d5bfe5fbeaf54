-- +goose Up

-- What people say of each other; the latest word of a source on a target counts.
CREATE TABLE trust_edges (
    source  BLOB NOT NULL,
    target  BLOB NOT NULL,
    weight  REAL NOT NULL,
    time_ms INTEGER, -- UTC; NULL = not said
    PRIMARY KEY (source, target)
) STRICT, WITHOUT ROWID;

-- A row is written when a computation begins; complete makes its scores visible.
CREATE TABLE epochs (
    number     INTEGER PRIMARY KEY,
    time_ms    INTEGER NOT NULL,
    wallets    INTEGER NOT NULL,
    edges      INTEGER NOT NULL,
    seeds      INTEGER NOT NULL,
    iterations INTEGER NOT NULL,
    alpha      REAL NOT NULL,
    epsilon    REAL NOT NULL,
    complete   INTEGER NOT NULL
) STRICT;

CREATE TABLE scores (
    epoch      INTEGER NOT NULL,
    wallet     BLOB NOT NULL,
    score      REAL NOT NULL,
    place      INTEGER NOT NULL, -- 1 … n, each once: the order of the leaderboard
    rank       INTEGER NOT NULL, -- equal scores share one
    percentile REAL NOT NULL,
    reasons    BLOB NOT NULL,    -- see reasons.go
    PRIMARY KEY (epoch, wallet)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX scores_by_place ON scores (epoch, place);

CREATE TABLE activity (
    wallet  BLOB NOT NULL,
    kind    TEXT NOT NULL,
    count   INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    PRIMARY KEY (wallet, kind)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE activity;
DROP TABLE scores;
DROP TABLE epochs;
DROP TABLE trust_edges;
