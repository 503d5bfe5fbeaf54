-- +goose Up

-- What a version's attestation of EAS has beside the review: its data is made of the
-- version again.
CREATE TABLE review_eas (
    review_id      INTEGER PRIMARY KEY REFERENCES review (id) ON DELETE CASCADE,
    chain_id       INTEGER NOT NULL,
    contract       BLOB NOT NULL,
    domain_version TEXT NOT NULL,
    time_s         INTEGER NOT NULL,
    salt           BLOB NOT NULL,
    signature      BLOB NOT NULL
) STRICT;

-- +goose Down
DROP TABLE review_eas;
