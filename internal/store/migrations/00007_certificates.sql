-- The CA's side: issuing CAs, to-be-signed bytes reserved before the key is touched, certificates, revocation lists.

-- +goose Up
CREATE TABLE issuing_cas (
    id         text        PRIMARY KEY,
    der        bytea       NOT NULL,
    chain      bytea[]     NOT NULL,
    crl_number bigint      NOT NULL DEFAULT 0, -- the last one given out
    created_at timestamptz NOT NULL
);

CREATE TABLE reservations (
    order_number text        NOT NULL REFERENCES orders,
    sequence     integer     NOT NULL CHECK (sequence > 0),
    issuer       text        NOT NULL CONSTRAINT reservations_issuer REFERENCES issuing_cas,
    serial       text        NOT NULL CHECK (serial ~ '^[1-9a-f][0-9a-f]*$'),
    der          bytea       NOT NULL,
    seal         bytea       NOT NULL, -- the CA's proof that it linted der for this order and sequence
    not_before   timestamptz NOT NULL,
    not_after    timestamptz NOT NULL,
    caa          jsonb       NOT NULL, -- the decision that permitted it (RFC 9495)
    reserved_at  timestamptz NOT NULL,
    PRIMARY KEY (order_number, sequence),
    CONSTRAINT reservations_serial UNIQUE (issuer, serial)
);

CREATE TABLE certificates (
    order_number      text        NOT NULL,
    sequence          integer     NOT NULL,
    issuer            text        NOT NULL,
    serial            text        NOT NULL,
    der               bytea       NOT NULL,
    not_before        timestamptz NOT NULL,
    not_after         timestamptz NOT NULL,
    issued_at         timestamptz NOT NULL,
    revoked_at        timestamptz,
    revocation_reason smallint, -- RFC 5280 5.3.1
    CONSTRAINT certificates_order PRIMARY KEY (order_number, sequence),
    CONSTRAINT certificates_reservation FOREIGN KEY (order_number, sequence) REFERENCES reservations,
    CONSTRAINT certificates_serial UNIQUE (issuer, serial),
    CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL))
);
CREATE INDEX certificates_revoked ON certificates (issuer, revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE crls (
    issuer       text        NOT NULL CONSTRAINT crls_issuer REFERENCES issuing_cas,
    number       bigint      NOT NULL CHECK (number > 0),
    der          bytea       NOT NULL,
    this_update  timestamptz NOT NULL,
    next_update  timestamptz NOT NULL,
    CONSTRAINT crls_number PRIMARY KEY (issuer, number)
);

-- +goose Down
DROP TABLE crls, certificates, reservations, issuing_cas;
