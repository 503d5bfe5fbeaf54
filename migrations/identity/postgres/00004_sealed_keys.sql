-- +goose Up

-- A seed may be encrypted: 12 bytes of nonce, the seed, 16 bytes of tag (AES-256-GCM).
ALTER TABLE signing_key DROP CONSTRAINT signing_key_seed_check;
ALTER TABLE signing_key ADD CONSTRAINT signing_key_seed_check CHECK (length(seed) IN (32, 60));

-- +goose Down
ALTER TABLE signing_key DROP CONSTRAINT signing_key_seed_check;
ALTER TABLE signing_key ADD CONSTRAINT signing_key_seed_check CHECK (length(seed) = 32);
