-- Limits on mails to people who have confirmed nothing: until when a challenge's approval mails are withheld, and orders by whom they write to.

-- +goose Up
ALTER TABLE challenges ADD COLUMN mails_after timestamptz; -- e-mail: its domain had too many, and nobody was asked; they can be sent from then on
CREATE INDEX orders_contact ON orders (lower(application -> 'technical_contact' ->> 'email'), created_at) WHERE state IN ('rejected', 'cancelled', 'expired');
CREATE INDEX letters_approval ON letters (order_number, created_at) WHERE kind = 'domain-approval';
CREATE INDEX letters_question ON letters (lower(recipient), created_at) WHERE kind = 'reuse-confirmation';

-- +goose Down
DROP INDEX letters_question, letters_approval, orders_contact;
ALTER TABLE challenges DROP COLUMN mails_after;
