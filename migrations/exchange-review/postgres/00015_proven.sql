-- +goose Up

-- How many live reviews of an exchange have a proof of this grade; no row: none.
CREATE TABLE exchange_proof (
    grade       BIGINT NOT NULL CHECK (grade BETWEEN 1 AND 3),
    exchange_id BIGINT NOT NULL REFERENCES exchange (id) ON DELETE CASCADE,
    reviews     BIGINT NOT NULL CHECK (reviews >= 0),
    PRIMARY KEY (grade, exchange_id)
);

INSERT INTO exchange_proof (grade, exchange_id, reviews)
SELECT proof, exchange_id, COUNT(*)
FROM review
WHERE retired = 0 AND state < 2 AND proof > 0
GROUP BY proof, exchange_id;

-- +goose Down
DROP TABLE exchange_proof;
