-- +goose Up

-- screening.Prints of texts: those that are nearly the same share one.
CREATE TABLE review_print (
    print     BIGINT NOT NULL,
    review_id BIGINT NOT NULL REFERENCES review (id),
    PRIMARY KEY (print, review_id)
);
