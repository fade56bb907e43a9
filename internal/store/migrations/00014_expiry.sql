-- Reminders before a certificate ends, and what reconciliation looks through.

-- +goose Up
CREATE TABLE expiry_reminders (
    order_number text        NOT NULL,
    sequence     integer     NOT NULL,
    days         integer     NOT NULL CHECK (days > 0), -- the milestone: before the certificate's end
    recipient    text        NOT NULL,
    letter       text        NOT NULL REFERENCES letters,
    at           timestamptz NOT NULL,
    CONSTRAINT expiry_reminders_once PRIMARY KEY (order_number, sequence, days, recipient),
    FOREIGN KEY (order_number, sequence) REFERENCES certificates
);

-- Who wants no more reminders, of the certificates of which order.
CREATE TABLE expiry_stops (
    order_number text        NOT NULL REFERENCES orders,
    recipient    text        NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (order_number, recipient)
);

CREATE INDEX IF NOT EXISTS certificates_not_after ON certificates (not_after);
CREATE INDEX orders_address ON orders (certificate_email) WHERE state = 'issued'; -- successors
CREATE INDEX orders_open ON orders (number) WHERE state NOT IN ('issued', 'rejected', 'cancelled', 'expired');
CREATE INDEX letters_pending ON letters (created_at, id) WHERE state = 'pending';

-- +goose Down
DELETE FROM links WHERE purpose IN ('renewal', 'stop-reminders');
DROP INDEX letters_pending, orders_open, orders_address;
DROP TABLE expiry_stops, expiry_reminders;
