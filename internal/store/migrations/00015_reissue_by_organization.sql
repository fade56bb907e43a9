-- A reissue whose certificate was named by its organisation: staff choose it, and until then the request holds none.

-- +goose Up
ALTER TABLE reissues ADD COLUMN by_organization boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE reissues DROP COLUMN by_organization;
