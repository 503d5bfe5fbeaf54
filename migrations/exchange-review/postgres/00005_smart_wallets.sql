-- +goose Up

-- Of a signature that a smart wallet accepted: the chain and the block at which it
-- was asked; 0: the wallet's own key signed.
ALTER TABLE review ADD COLUMN chain_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE review ADD COLUMN block BIGINT NOT NULL DEFAULT 0;
