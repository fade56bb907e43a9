-- What keeps a certificate from being issued, for staff to settle, and the state that an order has left last.

-- +goose Up
ALTER TABLE orders
    ADD COLUMN blocked    jsonb, -- fault.Text
    ADD COLUMN blocked_at timestamptz,
    ADD COLUMN left_state text NOT NULL DEFAULT '', -- how far an order had come that has ended
    ADD CONSTRAINT orders_blocked CHECK ((blocked IS NULL) = (blocked_at IS NULL)),
    DROP COLUMN needs_staff; -- with its index
UPDATE orders o SET left_state = CASE
    WHEN EXISTS (SELECT FROM reservations r WHERE r.order_number = o.number) THEN 'issuing'
    WHEN EXISTS (SELECT FROM domain_evidence e WHERE e.order_number = o.number) THEN 'organization-validation'
    WHEN EXISTS (SELECT FROM challenges c WHERE c.order_number = o.number) THEN 'domain-validation'
    ELSE 'accepted' END
WHERE state IN ('issued', 'rejected', 'cancelled', 'expired');
-- The same as a part of order.Progress.Awaited that staff owe; a test holds them together.
ALTER TABLE orders ADD COLUMN needs_staff boolean NOT NULL GENERATED ALWAYS AS (
    state = 'review' OR state IN ('accepted', 'domain-validation', 'organization-validation')
        AND (number_verified_at IS NULL OR reached_at IS NULL OR confirmed_at IS NULL)
    OR blocked_at IS NOT NULL AND state NOT IN ('issued', 'rejected', 'cancelled', 'expired')) STORED;
CREATE INDEX orders_staff ON orders (created_at DESC, number DESC) WHERE needs_staff;

-- +goose Down
ALTER TABLE orders DROP COLUMN needs_staff;
ALTER TABLE orders DROP COLUMN blocked, DROP COLUMN blocked_at, DROP COLUMN left_state;
ALTER TABLE orders ADD COLUMN needs_staff boolean NOT NULL GENERATED ALWAYS AS (
    state = 'review' OR state IN ('accepted', 'domain-validation', 'organization-validation')
        AND (number_verified_at IS NULL OR reached_at IS NULL OR confirmed_at IS NULL)) STORED;
CREATE INDEX orders_staff ON orders (created_at DESC, number DESC) WHERE needs_staff;
