-- The audit trail: lines chained by hash (internal/audit). A line is written in the transaction of the change that it tells of.

-- +goose Up
CREATE TABLE audit_heads (
    chain smallint PRIMARY KEY,
    seq   bigint NOT NULL,
    hash  bytea  NOT NULL
);
INSERT INTO audit_heads
SELECT n, 0, sha256(convert_to('securemailid audit chain ' || n, 'UTF8')) FROM generate_series(0, 7) n;

CREATE TABLE audit (
    chain        smallint    NOT NULL,
    seq          bigint      NOT NULL,
    order_number text        NOT NULL, -- empty for what belongs to no order
    actor        text        NOT NULL CHECK (actor <> ''),
    action       text        NOT NULL CHECK (action <> ''),
    detail       json        NOT NULL, -- json, not jsonb: the bytes are hashed
    at           timestamptz NOT NULL,
    hash         bytea       NOT NULL,
    PRIMARY KEY (chain, seq)
);
CREATE INDEX audit_order ON audit (order_number, seq) WHERE order_number <> '';

-- audit_append chains one line. It holds the chain's head until the transaction ends, so it comes last in it.
-- +goose StatementBegin
CREATE FUNCTION audit_append(a_chain smallint, a_order text, a_actor text, a_action text, a_detail json, a_at timestamptz, content bytea)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE head audit_heads;
BEGIN
    UPDATE audit_heads SET seq = seq + 1, hash = sha256(hash || content) WHERE chain = a_chain RETURNING * INTO STRICT head;
    INSERT INTO audit VALUES (head.chain, head.seq, a_order, a_actor, a_action, a_detail, a_at, head.hash);
    RETURN head.seq;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_heads_keep BEFORE INSERT OR DELETE ON audit_heads FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_heads_keep_all BEFORE TRUNCATE ON audit_heads FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();

-- +goose Down
DROP TABLE audit, audit_heads;
DROP FUNCTION audit_append, audit_refuse;
