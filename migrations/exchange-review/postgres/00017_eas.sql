-- +goose Up

-- What a version's attestation of EAS has beside the review: its data is made of the
-- version again.
CREATE TABLE review_eas (
    review_id      BIGINT PRIMARY KEY REFERENCES review (id) ON DELETE CASCADE,
    chain_id       BIGINT NOT NULL,
    contract       BYTEA NOT NULL,
    domain_version TEXT NOT NULL,
    time_s         BIGINT NOT NULL,
    salt           BYTEA NOT NULL,
    signature      BYTEA NOT NULL
);

-- +goose Down
DROP TABLE review_eas;
