-- Reuse of validations (G16) and renewal (G3).

-- +goose Up
-- plain is a name as names are compared: compatibility forms, case and blanks do not make another one of it.
CREATE FUNCTION plain(s text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(regexp_replace(normalize(coalesce(s, ''), NFKC), '\s+', '', 'g') COLLATE "C");

-- Who applies: the organisation by its name in Japanese, the name that is certified and its number, if any. Blanks cannot occur within.
CREATE FUNCTION organization_key(application jsonb, subject jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN plain(application -> 'organization' ->> 'name_ja') || ' ' || plain(subject ->> 'organization') || ' '
        || plain(coalesce(nullif(subject ->> 'identifier', ''), application -> 'organization' ->> 'identifier'));

-- And who speaks for it: both forms of the name, and the address.
CREATE FUNCTION representative_key(application jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN plain(application -> 'representative' ->> 'family_name_ja') || ' ' || plain(application -> 'representative' ->> 'given_name_ja') || ' '
        || plain(application -> 'representative' ->> 'family_name') || ' ' || plain(application -> 'representative' ->> 'given_name') || ' '
        || plain(application -> 'representative' ->> 'email');

ALTER TABLE orders
    ADD COLUMN organization_key       text NOT NULL GENERATED ALWAYS AS (organization_key(application, subject)) STORED, -- follows corrections
    ADD COLUMN representative_key     text NOT NULL GENERATED ALWAYS AS (representative_key(application)) STORED,
    ADD COLUMN reuse                  text NOT NULL DEFAULT '' CHECK (reuse IN ('', 'asked', 'settled')), -- asked: the representative is waited for
    ADD COLUMN organization_reused_at timestamptz, -- while the organisation's validation is that of an earlier order
    ADD COLUMN renews_order           text,
    ADD COLUMN renews_sequence        integer,
    ADD CONSTRAINT orders_renews FOREIGN KEY (renews_order, renews_sequence) REFERENCES certificates,
    ADD CONSTRAINT orders_renewal CHECK ((renews_order IS NULL) = (renews_sequence IS NULL) AND (renews_order IS NULL OR type = 'renewal')),
    DROP COLUMN needs_staff; -- with its index
-- The same as a part of order.Progress.Awaited that staff owe; a test holds them together.
ALTER TABLE orders ADD COLUMN needs_staff boolean NOT NULL GENERATED ALWAYS AS (
    state = 'review' OR state IN ('accepted', 'domain-validation', 'organization-validation')
        AND organization_reused_at IS NULL AND NOT (reuse = 'asked' AND state <> 'organization-validation')
        AND (number_verified_at IS NULL OR reached_at IS NULL OR confirmed_at IS NULL)
    OR blocked_at IS NOT NULL AND state NOT IN ('issued', 'rejected', 'cancelled', 'expired')) STORED;
CREATE INDEX orders_staff ON orders (created_at DESC, number DESC) WHERE needs_staff;
CREATE INDEX orders_kin ON orders (organization_key, representative_key) WHERE state = 'issued';
CREATE INDEX orders_renews ON orders (renews_order, renews_sequence) WHERE renews_order IS NOT NULL;

-- Reused evidence can lapse before the certificate is issued: then the domain is proved anew.
INSERT INTO order_transitions VALUES ('organization-validation', 'domain-validation');

ALTER TABLE domain_evidence
    ADD COLUMN invalidated_at  timestamptz,
    ADD COLUMN invalidated_why text,
    ADD CONSTRAINT domain_evidence_invalidated CHECK ((invalidated_at IS NULL) = (invalidated_why IS NULL));
CREATE INDEX domain_evidence_domain ON domain_evidence (domain, at) WHERE invalidated_at IS NULL;

-- The organisation and its representative's authority, as the three steps on the phone proved them (G20). The organisation is that of the
-- order, as corrected by its end.
CREATE TABLE organization_evidence (
    id              text        CONSTRAINT organization_evidence_id PRIMARY KEY,
    order_number    text        NOT NULL REFERENCES orders,
    representative  jsonb       NOT NULL, -- names, and the address at which a later application is asked about
    telephone       text        NOT NULL,
    source          text        NOT NULL,
    reference       text        NOT NULL,
    policy_version  text        NOT NULL,
    actor           text        NOT NULL,
    at              timestamptz NOT NULL, -- of the oldest step: no datum may be older than the limit (SBR 4.2.1)
    invalidated_at  timestamptz,
    invalidated_why text,
    CHECK ((invalidated_at IS NULL) = (invalidated_why IS NULL))
);
CREATE UNIQUE INDEX organization_evidence_order ON organization_evidence (order_number) WHERE invalidated_at IS NULL;

-- Every piece of evidence; a sound one may serve other orders. Its order ended with a certificate, and none of its certificates was revoked for
-- a reason that casts doubt on what had been validated: affiliationChanged, cessationOfOperation, privilegeWithdrawn (RFC 5280 5.3.1).
CREATE VIEW evidence AS
    SELECT e.*, e.invalidated_at IS NULL AND o.state = 'issued' AND NOT EXISTS (
        SELECT FROM certificates c WHERE c.order_number = e.order_number AND c.revocation_reason IN (3, 5, 9)) AS sound
    FROM (
        SELECT 'domain' AS kind, id, order_number, domain, method AS how, policy_version, at, invalidated_at FROM domain_evidence
        UNION ALL
        SELECT 'organization', id, order_number, NULL, source, policy_version, at, invalidated_at FROM organization_evidence
    ) e JOIN orders o ON o.number = e.order_number;

-- What the representative was asked, at the address that was stored with the evidence.
CREATE TABLE reuse_offers (
    order_number          text        PRIMARY KEY REFERENCES orders,
    link                  text        NOT NULL REFERENCES links,
    organization_evidence text        NOT NULL REFERENCES organization_evidence,
    domain_evidence       text        REFERENCES domain_evidence,
    asked_at              timestamptz NOT NULL,
    until                 timestamptz NOT NULL,
    answered_at           timestamptz,
    confirmed             boolean,
    CHECK ((answered_at IS NULL) = (confirmed IS NULL))
);

-- What an order stands on that an earlier one has proved.
CREATE TABLE reuses (
    order_number          text        NOT NULL REFERENCES orders,
    kind                  text        NOT NULL CHECK (kind IN ('domain', 'organization')),
    domain_evidence       text        REFERENCES domain_evidence,
    organization_evidence text        REFERENCES organization_evidence,
    evidence              text        NOT NULL GENERATED ALWAYS AS (coalesce(domain_evidence, organization_evidence)) STORED,
    basis                 text        NOT NULL CHECK (basis IN ('confirmation', 'phone')),
    policy_version        text        NOT NULL,
    at                    timestamptz NOT NULL,
    good_until            timestamptz NOT NULL, -- age limit of the evidence: no certificate is reserved later
    ended_at              timestamptz,
    ended_why             text,
    CHECK ((kind = 'domain') = (domain_evidence IS NOT NULL) AND (kind = 'organization') = (organization_evidence IS NOT NULL)),
    CHECK ((ended_at IS NULL) = (ended_why IS NULL))
);
CREATE UNIQUE INDEX reuses_live ON reuses (order_number, kind) WHERE ended_at IS NULL;
CREATE INDEX reuses_order ON reuses (order_number);

-- Each kind of link has its own rules, in internal/order; the column only keeps the name.
ALTER TABLE links DROP CONSTRAINT links_purpose_check;
ALTER TABLE links ADD CONSTRAINT links_purpose_check CHECK (purpose ~ '^[a-z]+(-[a-z]+)*$');

-- +goose Down
DROP VIEW evidence;
DROP TABLE reuses, reuse_offers, organization_evidence;
DROP INDEX domain_evidence_domain;
ALTER TABLE domain_evidence DROP COLUMN invalidated_at, DROP COLUMN invalidated_why;
DELETE FROM order_transitions WHERE from_state = 'organization-validation' AND to_state = 'domain-validation';
ALTER TABLE orders DROP COLUMN needs_staff;
ALTER TABLE orders DROP COLUMN organization_key, DROP COLUMN representative_key, DROP COLUMN reuse, DROP COLUMN organization_reused_at,
    DROP COLUMN renews_order, DROP COLUMN renews_sequence;
ALTER TABLE orders ADD COLUMN needs_staff boolean NOT NULL GENERATED ALWAYS AS (
    state = 'review' OR state IN ('accepted', 'domain-validation', 'organization-validation')
        AND (number_verified_at IS NULL OR reached_at IS NULL OR confirmed_at IS NULL)
    OR blocked_at IS NOT NULL AND state NOT IN ('issued', 'rejected', 'cancelled', 'expired')) STORED;
CREATE INDEX orders_staff ON orders (created_at DESC, number DESC) WHERE needs_staff;
DROP FUNCTION representative_key, organization_key, plain;
