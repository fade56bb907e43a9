-- Orders: what was handed in, what became of it, and the only ways from state to state.

-- +goose Up
CREATE TABLE submissions (
    number       text        CONSTRAINT submissions_number PRIMARY KEY CHECK (number ~ '^[1-9][0-9]{9}$'),
    key_hash     bytea       NOT NULL CONSTRAINT submissions_key UNIQUE, -- SHA-256 of the idempotency key
    content_hash bytea       NOT NULL,
    voucher_hash bytea       NOT NULL,
    application  jsonb,      -- without the voucher code; moves into the order on acceptance
    created_at   timestamptz NOT NULL
);
CREATE INDEX submissions_waiting ON submissions (created_at) WHERE application IS NOT NULL;

-- The same table as order.State.CanBecome; a test holds them together.
CREATE TABLE order_transitions (
    from_state text NOT NULL,
    to_state   text NOT NULL,
    PRIMARY KEY (from_state, to_state)
);
INSERT INTO order_transitions VALUES
    ('accepted', 'review'), ('accepted', 'domain-validation'), ('accepted', 'rejected'), ('accepted', 'cancelled'), ('accepted', 'expired'),
    ('review', 'domain-validation'), ('review', 'rejected'), ('review', 'cancelled'), ('review', 'expired'),
    ('domain-validation', 'organization-validation'), ('domain-validation', 'rejected'), ('domain-validation', 'cancelled'),
    ('domain-validation', 'expired'),
    ('organization-validation', 'issuing'), ('organization-validation', 'rejected'), ('organization-validation', 'cancelled'),
    ('organization-validation', 'expired'),
    ('issuing', 'issued'), ('issuing', 'rejected');

CREATE TABLE orders (
    number             text        CONSTRAINT orders_number PRIMARY KEY CONSTRAINT orders_submission REFERENCES submissions,
    type               text        NOT NULL,
    state              text        NOT NULL,
    state_since        timestamptz NOT NULL,
    language           text        NOT NULL,
    domain             text        NOT NULL,
    certificate_email  text        NOT NULL,
    validity_years     smallint    NOT NULL,
    dcv_method         text        NOT NULL, -- of the current challenge
    application        jsonb       NOT NULL, -- without the voucher code
    subject            jsonb       NOT NULL, -- as corrected
    policy             text        NOT NULL,
    voucher_hash       bytea       NOT NULL,
    created_at         timestamptz NOT NULL,
    deadline_at        timestamptz NOT NULL,
    reason             text        NOT NULL DEFAULT '',
    number_verified_at timestamptz,
    reached_at         timestamptz,
    confirmed_at       timestamptz,
    open_inquiry       boolean     NOT NULL DEFAULT false,
    refusals           integer     NOT NULL DEFAULT 0,
    -- The same as a part of order.Progress.Awaited that staff owe; a test holds them together.
    needs_staff        boolean     NOT NULL GENERATED ALWAYS AS (
        state = 'review' OR state IN ('accepted', 'domain-validation', 'organization-validation')
            AND (number_verified_at IS NULL OR reached_at IS NULL OR confirmed_at IS NULL)) STORED
);
CREATE INDEX orders_newest ON orders (created_at DESC, number DESC);
CREATE INDEX orders_state ON orders (state, created_at DESC, number DESC);
CREATE INDEX orders_domain ON orders (domain, created_at DESC, number DESC);
CREATE INDEX orders_staff ON orders (created_at DESC, number DESC) WHERE needs_staff;

-- +goose StatementBegin
CREATE FUNCTION orders_check_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'accepted' THEN
            RAISE EXCEPTION 'an order begins as accepted' USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_transition';
        END IF;
    ELSIF NOT EXISTS (SELECT FROM order_transitions WHERE from_state = OLD.state AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'an order cannot go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_transition';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER orders_begin BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION orders_check_state();
CREATE TRIGGER orders_move BEFORE UPDATE OF state ON orders FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
    EXECUTE FUNCTION orders_check_state();

-- +goose Down
DROP TABLE orders, order_transitions, submissions;
DROP FUNCTION orders_check_state;
