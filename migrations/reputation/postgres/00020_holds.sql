-- +goose Up

-- Who needs the scores of an epoch: they are not deleted while a row names it.
CREATE TABLE epoch_holds (
    epoch    BIGINT NOT NULL,
    holder   TEXT    NOT NULL, -- module/what for
    since_ms BIGINT NOT NULL, -- UTC milliseconds
    PRIMARY KEY (epoch, holder)
);

-- +goose Down
DROP TABLE epoch_holds;
