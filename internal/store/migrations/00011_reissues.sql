-- Reissues (G24–G26): orders without a voucher, each of one certificate that was issued before.

-- +goose Up
ALTER TABLE submissions
    ALTER COLUMN voucher_hash DROP NOT NULL,
    ADD COLUMN reissue boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT submissions_voucher CHECK (reissue = (voucher_hash IS NULL));
ALTER TABLE orders
    ALTER COLUMN voucher_hash DROP NOT NULL,
    ADD CONSTRAINT orders_voucher CHECK ((type = 'reissue') = (voucher_hash IS NULL));

-- A request is looked for by the day on which its certificate ends, which leaves few to look through.
CREATE INDEX IF NOT EXISTS certificates_not_after ON certificates (not_after);

CREATE TABLE reissues (
    number            text        CONSTRAINT reissues_number PRIMARY KEY REFERENCES submissions ON DELETE CASCADE,
    asked             text        NOT NULL, -- what was typed to identify the certificate
    reason            text        NOT NULL CHECK (reason IN ('key-lost', 'key-compromise', 'new-device', 'other')),
    reason_text       text        NOT NULL,
    original_order    text,                 -- while several fit, staff choose
    original_sequence integer,
    expires_at        timestamptz NOT NULL, -- of the original, exactly; while several fit, the last one's
    CHECK ((original_order IS NULL) = (original_sequence IS NULL)),
    CONSTRAINT reissues_original FOREIGN KEY (original_order, original_sequence) REFERENCES certificates
);
CREATE INDEX reissues_of ON reissues (original_order, original_sequence) WHERE original_order IS NOT NULL;

-- What fits the request. An open reissue holds each of them, or its original once that is known, against others.
CREATE TABLE reissue_candidates (
    number       text    NOT NULL REFERENCES reissues ON DELETE CASCADE,
    order_number text    NOT NULL,
    sequence     integer NOT NULL,
    PRIMARY KEY (number, order_number, sequence),
    CONSTRAINT reissue_candidates_certificate FOREIGN KEY (order_number, sequence) REFERENCES certificates
);
CREATE INDEX reissue_candidates_of ON reissue_candidates (order_number, sequence);

-- +goose Down
DROP TABLE reissue_candidates, reissues;
DROP INDEX certificates_not_after;
ALTER TABLE orders DROP CONSTRAINT orders_voucher, ALTER COLUMN voucher_hash SET NOT NULL;
ALTER TABLE submissions DROP COLUMN reissue, ALTER COLUMN voucher_hash SET NOT NULL; -- with its constraint
