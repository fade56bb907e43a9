-- Which certificate of a revocation request is the one that it names. The others are there because they have its key.

-- +goose Up
ALTER TABLE revocation_certificates ADD COLUMN named boolean NOT NULL DEFAULT true; -- true throughout in requests older than this column

-- +goose Down
ALTER TABLE revocation_certificates DROP COLUMN named;
