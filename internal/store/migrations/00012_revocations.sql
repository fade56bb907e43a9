-- Revocation: requests with their clock, compromised keys, lists of which a later one never says less, and OCSP signers.

-- +goose Up
ALTER TABLE certificates
    ADD COLUMN key_hash        bytea,       -- SHA-256 of its SubjectPublicKeyInfo; NULL in rows older than this column, until it is asked for
    ADD COLUMN revocation      text,        -- the request that revoked it
    ADD COLUMN status_noted_at timestamptz, -- when its status changed, by the clock of the database: responders read on from there
    ADD COLUMN crl_shard       text   NOT NULL DEFAULT '',
    ADD COLUMN crl_number      bigint;      -- the first list that was drafted with what it says now
CREATE INDEX certificates_key ON certificates (key_hash);
CREATE INDEX certificates_keyless ON certificates (order_number) WHERE key_hash IS NULL;
CREATE INDEX certificates_serial_alone ON certificates (serial);
CREATE INDEX certificates_noted ON certificates (status_noted_at) WHERE status_noted_at IS NOT NULL;

-- A revoked certificate stays revoked, from the same moment; only the reason may turn out to be worse.
-- +goose StatementBegin
CREATE FUNCTION certificates_stay_revoked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.revoked_at IS DISTINCT FROM OLD.revoked_at
        OR NEW.revocation_reason IS DISTINCT FROM OLD.revocation_reason AND NEW.revocation_reason IS DISTINCT FROM 1 THEN
        RAISE EXCEPTION 'a revocation cannot be taken back' USING ERRCODE = 'check_violation', CONSTRAINT = 'certificates_stay_revoked';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER certificates_stay_revoked BEFORE UPDATE ON certificates FOR EACH ROW WHEN (OLD.revoked_at IS NOT NULL)
    EXECUTE FUNCTION certificates_stay_revoked();

CREATE TABLE revocations (
    id           text        CONSTRAINT revocations_id PRIMARY KEY,
    origin       text        NOT NULL CHECK (origin IN ('subscriber-mail', 'subscriber-proof', 'staff', 'key-compromise')),
    actor        text        NOT NULL,
    reason       smallint    NOT NULL CHECK (reason IN (0, 1, 3, 4, 5, 9)), -- RFC 5280 5.3.1
    note         text        NOT NULL,
    requested_at timestamptz NOT NULL,
    due_at       timestamptz NOT NULL, -- SBR 4.9.1.1
    decided_at   timestamptz,          -- NULL: a problem report that waits for staff
    declined     boolean     NOT NULL DEFAULT false,
    answer       text        NOT NULL DEFAULT '',
    published_at timestamptz,          -- every certificate of it is on a published list
    notified_at  timestamptz,          -- its letters are in the outbox
    escalations  smallint    NOT NULL DEFAULT 0,
    CHECK (NOT declined OR decided_at IS NOT NULL)
);
CREATE INDEX revocations_unfinished ON revocations (due_at) WHERE NOT declined AND (published_at IS NULL OR notified_at IS NULL);

CREATE TABLE revocation_certificates (
    revocation   text    NOT NULL REFERENCES revocations,
    order_number text    NOT NULL,
    sequence     integer NOT NULL,
    PRIMARY KEY (revocation, order_number, sequence),
    FOREIGN KEY (order_number, sequence) REFERENCES certificates
);
CREATE INDEX revocation_certificates_order ON revocation_certificates (order_number);
ALTER TABLE certificates ADD CONSTRAINT certificates_revocation FOREIGN KEY (revocation) REFERENCES revocations;

CREATE TABLE blocked_keys (
    key_hash   bytea       PRIMARY KEY CHECK (length(key_hash) = 32),
    revocation text        NOT NULL REFERENCES revocations,
    at         timestamptz NOT NULL
);

ALTER TABLE crls ADD COLUMN shard text NOT NULL DEFAULT '';
CREATE INDEX crls_current ON crls (issuer, shard, number DESC);

CREATE TABLE ocsp_signers (
    issuer     text        NOT NULL REFERENCES issuing_cas,
    key_hash   bytea       NOT NULL,
    serial     text        NOT NULL,
    der        bytea       NOT NULL,
    not_before timestamptz NOT NULL,
    not_after  timestamptz NOT NULL,
    PRIMARY KEY (issuer, key_hash),
    UNIQUE (issuer, serial)
);

-- Each kind of link has its own rules, in internal/order; the column only keeps the name.
ALTER TABLE links DROP CONSTRAINT links_purpose_check;
ALTER TABLE links
    ADD CONSTRAINT links_purpose_check CHECK (purpose ~ '^[a-z]+(-[a-z]+)*$'),
    ADD COLUMN sequence integer CONSTRAINT links_sequence CHECK (purpose <> 'revocation' OR sequence IS NOT NULL);

-- +goose Down
ALTER TABLE links DROP COLUMN sequence, DROP CONSTRAINT links_purpose_check;
ALTER TABLE links ADD CONSTRAINT links_purpose_check CHECK (purpose IN ('approval', 'download', 'status'));
DROP TABLE ocsp_signers, blocked_keys;
ALTER TABLE crls DROP COLUMN shard;
ALTER TABLE certificates DROP COLUMN revocation;
DROP TABLE revocation_certificates, revocations;
DROP TRIGGER certificates_stay_revoked ON certificates;
DROP FUNCTION certificates_stay_revoked;
ALTER TABLE certificates DROP COLUMN key_hash, DROP COLUMN status_noted_at, DROP COLUMN crl_shard, DROP COLUMN crl_number;
