-- The outbox: one row for each mail.

-- +goose Up
CREATE TABLE letters (
    id           text        CONSTRAINT letters_id PRIMARY KEY,
    position     bigint      GENERATED ALWAYS AS IDENTITY, -- order of writing
    order_number text        NOT NULL REFERENCES orders,
    kind         text        NOT NULL,
    key          text        NOT NULL,
    recipient    text        NOT NULL,
    language     text        NOT NULL,
    facts        jsonb,      -- wiped after delivery: can hold a secret link
    created_at   timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
    attempts     integer     NOT NULL DEFAULT 0,
    last_try_at  timestamptz,
    last_reply   text        NOT NULL DEFAULT '',
    sent_at      timestamptz,
    CONSTRAINT letters_key UNIQUE (order_number, kind, key),
    CHECK ((state = 'pending') = (facts IS NOT NULL))
);

-- +goose Down
DROP TABLE letters;
