package store_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/audit"
	"securemailid.example/internal/order"
)

func TestAuditTrailHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	numbers := make([]string, 24)
	for i := range numbers {
		numbers[i] = r.accepted()
	}
	for _, err := range race(numbers, func(n string) error {
		for _, c := range phoneSteps {
			if _, err := r.RecordCommand(r.ctx(), n, c, noon, nil); err != nil {
				return err
			}
		}
		return r.Close(r.ctx(), n, order.Cancelled, applicant, "", noon, nil)
	}) {
		require.NoError(t, err)
	}
	var last [2]int64
	report, err := r.VerifyAudit(r.ctx(), func(done, total int64) { last = [2]int64{done, total} })
	require.NoError(t, err)
	require.EqualValues(t, r.auditLines(), report.Lines)
	require.Equal(t, [2]int64{report.Lines, report.Lines}, last, "progress reaches the end")
	require.EqualValues(t, 24+24+24*4, report.Lines)
	chains := one[int](r, `SELECT count(DISTINCT chain) FROM audit`)
	require.Greater(t, chains, 3, "orders spread over the chains")

	r.accepted()
	later, err := r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
	require.NotEqual(t, report.Digest, later.Digest)
}

func TestAuditTrailIsAppendOnly(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	r.accepted()
	for _, statement := range []string{
		`UPDATE audit SET actor = 'eve'`, `DELETE FROM audit`, `TRUNCATE audit`,
		`DELETE FROM audit_heads`, `TRUNCATE audit_heads`, `INSERT INTO audit_heads VALUES (99, 0, '')`,
	} {
		_, err := r.db.ExecContext(r.ctx(), statement)
		require.ErrorContains(t, err, "append-only", statement)
	}
}

// Whoever can switch the triggers off is found out by the chain.
func TestVerifyAuditFindsTampering(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a line is changed":         `UPDATE audit SET actor = 'eve' WHERE (chain, seq) = (SELECT chain, seq FROM audit WHERE action = 'domain-validated')`,
		"a detail is changed":       `UPDATE audit SET detail = '{"method":"file"}' WHERE action = 'domain-validated'`,
		"a line is removed":         `DELETE FROM audit WHERE action = 'representative-reached'`,
		"the first line is removed": `DELETE FROM audit WHERE action = 'order-accepted'`,
		"the last line is removed":  `DELETE FROM audit WHERE action = 'certificate-issued'`,
		"all lines of a chain go":   `DELETE FROM audit WHERE order_number <> ''`,
		"two lines change places": `UPDATE audit a SET actor = b.actor, action = b.action, detail = b.detail, at = b.at, hash = b.hash FROM audit b
			WHERE a.chain = b.chain AND (a.action, b.action) IN (('domain-validated', 'representative-reached'), ('representative-reached', 'domain-validated'))`,
		"a head is lost":   `DELETE FROM audit_heads WHERE chain = 3`,
		"a head goes back": `UPDATE audit_heads SET seq = seq - 1 WHERE seq > 0`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			r.issued()
			_, err := r.VerifyAudit(r.ctx(), nil)
			require.NoError(t, err)
			conn, err := r.db.Conn(r.ctx())
			require.NoError(t, err)
			defer func() { require.NoError(t, conn.Close()) }()
			_, err = conn.ExecContext(r.ctx(), `SET session_replication_role = replica`)
			require.NoError(t, err)
			res, err := conn.ExecContext(r.ctx(), statement)
			require.NoError(t, err)
			n, err := res.RowsAffected()
			require.NoError(t, err)
			require.Positive(t, n, "the test tampers with something")
			_, err = r.VerifyAudit(r.ctx(), nil)
			_, broken := errors.AsType[*audit.BrokenError](err)
			require.True(t, broken, "%v", err)
		})
	}
}

// Without its audit line no change is kept.
func TestNoAuditLineNoChange(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	number := r.accepted()
	r.exec(`CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$`)
	r.exec(`CREATE TRIGGER broken BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION broken()`)
	_, err := r.command(number, phoneSteps[0])
	require.Error(t, err)
	require.Error(t, r.Close(r.ctx(), number, order.Cancelled, applicant, "", r.tick(), nil))
	sub := submission(nil)
	sub.VoucherHash = random(32)
	r.exec(`INSERT INTO vouchers SELECT $1, 'v', batch, masked, validity_years, expires_at FROM vouchers LIMIT 1`, sub.VoucherHash)
	other, _, err := r.ReserveNumber(r.ctx(), sub)
	require.NoError(t, err)
	require.Error(t, r.Accept(r.ctx(), acceptance(other, sub, r.tick())))
	require.Zero(t, one[int](r, `SELECT count(*) FROM commands`))
	require.Equal(t, order.Accepted, r.state(number))
	require.Equal(t, 1, one[int](r, `SELECT count(*) FROM orders`))
	require.Equal(t, 1, one[int](r, fmt.Sprintf(`SELECT count(*) FROM vouchers WHERE used_at IS NOT NULL AND order_number = '%s'`, number)))
}
