-- Which issuing CAs still owe lists.

-- +goose Up
CREATE INDEX reservations_end ON reservations (issuer, not_after);

-- +goose Down
DROP INDEX reservations_end;
