-- +goose Up

-- Every index costs each new review a page: nothing looks for a hash alone, and the
-- most helpful reviews of one exchange are few enough to be sorted.
DROP INDEX review_by_hash;
DROP INDEX review_by_help;
