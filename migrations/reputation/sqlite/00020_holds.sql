-- +goose Up

-- Who needs the scores of an epoch: they are not deleted while a row names it.
CREATE TABLE epoch_holds (
    epoch    INTEGER NOT NULL,
    holder   TEXT    NOT NULL, -- module/what for
    since_ms INTEGER NOT NULL, -- UTC milliseconds
    PRIMARY KEY (epoch, holder)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE epoch_holds;
