-- The order in which commands were recorded: of several phone numbers the last one counts.

-- +goose Up
ALTER TABLE commands ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY;

-- +goose Down
ALTER TABLE commands DROP COLUMN position;
