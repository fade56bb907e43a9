-- Letters that were refused for good keep their facts, without the secret links, so that staff can have them sent again.

-- +goose Up
ALTER TABLE letters
    DROP CONSTRAINT letters_check,
    ADD CONSTRAINT letters_facts CHECK (CASE state WHEN 'pending' THEN facts IS NOT NULL WHEN 'sent' THEN facts IS NULL ELSE true END);

-- +goose Down
UPDATE letters SET facts = NULL WHERE state = 'failed';
ALTER TABLE letters
    DROP CONSTRAINT letters_facts,
    ADD CONSTRAINT letters_check CHECK ((state = 'pending') = (facts IS NOT NULL));
