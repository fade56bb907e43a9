-- What staff and applicants did: every command as evidence, questions with their answers, and messages that were refused.

-- +goose Up
CREATE TABLE commands (
    order_number text        NOT NULL REFERENCES orders,
    name         text        NOT NULL,
    at           timestamptz NOT NULL,
    digest       bytea       NOT NULL, -- of the content: the same command at the same time is the same call
    actor        text        NOT NULL,
    content      jsonb       NOT NULL,
    PRIMARY KEY (order_number, name, at, digest)
);

CREATE TABLE inquiries (
    order_number text        NOT NULL REFERENCES orders,
    sequence     integer     NOT NULL,
    opened_at    timestamptz NOT NULL,
    question     text        NOT NULL,
    answered_at  timestamptz,
    answer       text,
    PRIMARY KEY (order_number, sequence),
    CHECK ((answered_at IS NULL) = (answer IS NULL))
);
CREATE UNIQUE INDEX inquiries_open ON inquiries (order_number) WHERE answered_at IS NULL;

CREATE TABLE refusals (
    order_number text        NOT NULL REFERENCES orders,
    command      text        NOT NULL,
    reason       text        NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (order_number, at, command, reason)
);

-- +goose Down
DROP TABLE refusals, inquiries, commands;
