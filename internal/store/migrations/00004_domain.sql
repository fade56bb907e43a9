-- Domain control validation: challenges, the proofs that met them, and the links sent by mail.

-- +goose Up
CREATE TABLE challenges (
    id            text        CONSTRAINT challenges_id PRIMARY KEY,
    order_number  text        NOT NULL REFERENCES orders,
    sequence      integer     NOT NULL CHECK (sequence > 0),
    method        text        NOT NULL,
    domain        text        NOT NULL,
    token         text        NOT NULL,
    target        text        NOT NULL,
    opened_at     timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    ended_at      timestamptz, -- replaced, or its order has ended
    satisfied_at  timestamptz,
    checks        integer     NOT NULL DEFAULT 0,
    last_check_at timestamptz,
    last_finding  jsonb,       -- only the last is kept: polling lasts for weeks
    next_check_at timestamptz,
    CONSTRAINT challenges_sequence UNIQUE (order_number, sequence)
);
CREATE UNIQUE INDEX challenges_current ON challenges (order_number) WHERE ended_at IS NULL;

CREATE TABLE domain_evidence (
    id             text        CONSTRAINT domain_evidence_id PRIMARY KEY,
    order_number   text        NOT NULL REFERENCES orders,
    challenge      text        NOT NULL CONSTRAINT domain_evidence_challenge UNIQUE REFERENCES challenges,
    domain         text        NOT NULL,
    method         text        NOT NULL,
    policy_version text        NOT NULL,
    finding        jsonb       NOT NULL,
    actor          text        NOT NULL,
    at             timestamptz NOT NULL
);
CREATE INDEX domain_evidence_order ON domain_evidence (order_number);

CREATE TABLE links (
    id           text        CONSTRAINT links_id PRIMARY KEY,
    hash         bytea       NOT NULL CONSTRAINT links_hash UNIQUE, -- of the token, which is nowhere stored
    order_number text        NOT NULL REFERENCES orders,
    purpose      text        NOT NULL CHECK (purpose IN ('approval', 'download', 'status')),
    challenge    text        REFERENCES challenges CHECK (purpose <> 'approval' OR challenge IS NOT NULL),
    recipient    text        NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz, -- replaced
    used_at      timestamptz,
    approved     boolean,
    CHECK ((used_at IS NULL) = (approved IS NULL))
);
CREATE INDEX links_order ON links (order_number);

-- +goose Down
DROP TABLE links, domain_evidence, challenges;
