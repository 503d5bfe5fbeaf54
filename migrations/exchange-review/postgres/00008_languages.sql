-- +goose Up

-- In which language a text seems to be, ISO 639-1; '' = not known, '?' = not looked at
-- yet. languages_to: the reviews up to this id were looked at.
ALTER TABLE review ADD COLUMN language TEXT NOT NULL DEFAULT '?';
ALTER TABLE directory ADD COLUMN languages_to BIGINT NOT NULL DEFAULT 0;
