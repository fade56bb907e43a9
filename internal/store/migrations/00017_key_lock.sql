-- The lock on a key and the look at the list of compromised keys in one round trip.

-- +goose Up
-- lock_key takes a key until the transaction ends and returns the request that has blocked it, or ''. It must stay volatile plpgsql: there each
-- statement sees the record anew, so that the look sees what whoever held the key before has committed. In one plain statement it would not.
-- +goose StatementBegin
CREATE FUNCTION lock_key(a_key bytea) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
DECLARE blocked_by text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(encode(a_key, 'hex'), 0));
    SELECT revocation INTO blocked_by FROM blocked_keys WHERE key_hash = a_key;
    RETURN coalesce(blocked_by, '');
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION lock_key;
