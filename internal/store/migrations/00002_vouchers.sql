-- Vouchers: the right to one certificate. Codes are never stored, only their keyed hash.

-- +goose Up
CREATE TABLE voucher_batches (
    id             text        PRIMARY KEY,
    reseller       text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('coupon', 'voucher')),
    validity_years smallint    NOT NULL CHECK (validity_years IN (1, 2)),
    expires_at     timestamptz NOT NULL,
    created_at     timestamptz NOT NULL,
    created_by     text        NOT NULL
);

-- What decides a redemption is repeated from the batch, so that it is one conditional UPDATE of one row. Neither order_number nor
-- used_at is indexed and pages keep room: that UPDATE then leaves every index alone.
CREATE TABLE vouchers (
    hash           bytea       CONSTRAINT vouchers_hash PRIMARY KEY,
    id             text        NOT NULL CONSTRAINT vouchers_id UNIQUE,
    batch          text        NOT NULL REFERENCES voucher_batches,
    masked         text        NOT NULL,
    validity_years smallint    NOT NULL,
    expires_at     timestamptz NOT NULL,
    order_number   text,
    used_at        timestamptz,
    cancelled_at   timestamptz,
    CHECK ((order_number IS NULL) = (used_at IS NULL)),
    CHECK (order_number IS NULL OR cancelled_at IS NULL)
) WITH (fillfactor = 80);
CREATE INDEX vouchers_batch ON vouchers (batch, id);

-- +goose Down
DROP TABLE vouchers, voucher_batches;
