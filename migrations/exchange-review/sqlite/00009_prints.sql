-- +goose Up

-- screening.Prints of texts: those that are nearly the same share one.
CREATE TABLE review_print (
    print     INTEGER NOT NULL,
    review_id INTEGER NOT NULL REFERENCES review (id),
    PRIMARY KEY (print, review_id)
) STRICT, WITHOUT ROWID;
