-- +goose Up

-- What operators decided about the site on its pages: its name, and which steps of
-- the first set-up they have taken (platform/site).
CREATE TABLE site_decision (
    name       TEXT    NOT NULL PRIMARY KEY,
    value      TEXT    NOT NULL,
    decided_by TEXT    NOT NULL,
    decided_at BIGINT  NOT NULL -- UTC milliseconds
);

-- +goose Down
DROP TABLE site_decision;
