-- Which issuing CAs still owe lists; the preliminary answer to a problem report (SBR 4.9.5).

-- +goose Up
CREATE INDEX reservations_end ON reservations (issuer, not_after);

ALTER TABLE revocations
    ADD COLUMN reporter        text NOT NULL DEFAULT '', -- mail address of whoever reported it, if they gave one
    ADD COLUMN answer_due_at   timestamptz,              -- NULL: nobody but the subscriber has asked
    ADD COLUMN answered_at     timestamptz,              -- reporter and subscriber have been told what was found
    ADD COLUMN findings        text NOT NULL DEFAULT '',
    ADD COLUMN answer_warnings smallint NOT NULL DEFAULT 0;
UPDATE revocations SET answer_due_at = requested_at + interval '24 hours' WHERE decided_at IS NULL;

-- +goose Down
ALTER TABLE revocations DROP COLUMN reporter, DROP COLUMN answer_due_at, DROP COLUMN answered_at, DROP COLUMN findings, DROP COLUMN answer_warnings;
DROP INDEX reservations_end;
