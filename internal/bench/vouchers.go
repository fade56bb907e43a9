package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"securemailid.example/internal/audit"
	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/order"
)

const (
	redeemRounds  = 8
	redeemOrders  = 1600 // in a round
	redeemClients = 8
)

// measureVouchers compares redemption with pgbench, which sends the same statement as fast as a C program can, on the same server with
// the same number of connections: the acceptance of an order as the record does it, and the redemption alone.
func measureVouchers(ctx context.Context, _ settings, t *table) (err error) {
	r, err := openRecord(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close(context.WithoutCancel(ctx))) }()
	p, err := newPgbench(r)
	if errors.Is(err, exec.ErrNotFound) {
		t.count("voucher redemption", "not measured: pgbench is missing (Debian: postgresql)")
		return nil
	}
	if err != nil {
		return err
	}
	text, err := stand.Request()
	if err != nil {
		return err
	}
	form := stand.Form(benchDomain, text, order.DCVTXT)
	accepted, err := p.againstAccept(ctx, form)
	if err != nil {
		return err
	}
	t.compared("voucher redeemed and order accepted / same statement by pgbench", "orders", accepted, 0.8)
	redeemed, err := p.againstRedeem(ctx)
	t.compared("voucher redeemed alone / same statement by pgbench", "vouchers", redeemed, 0.8)
	return err
}

// pgbench runs PostgreSQL's own load generator against a record.
type pgbench struct {
	record *record
	path   string
	env    []string
}

func newPgbench(r *record) (*pgbench, error) {
	path := filepath.Join(r.server.BinDir(), "pgbench")
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath("pgbench"); err != nil {
			return nil, err
		}
	}
	u, err := url.Parse(r.server.DSN())
	if err != nil {
		return nil, err
	}
	password, _ := u.User.Password()
	return &pgbench{record: r, path: path, env: append(os.Environ(),
		"PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(), "PGPASSWORD="+password, "PGDATABASE="+u.Path[1:])}, nil
}

var transactionsPerSecond = regexp.MustCompile(`tps = ([0-9.]+) \(without initial connection time\)`)

// run sends the script redeemOrders times and returns how many a second. In the script, :number is one of the submissions that
// begin at first.
func (p *pgbench) run(ctx context.Context, script string, first int64, variables map[string]string) (float64, error) {
	file := filepath.Join(p.record.dir, "script.sql")
	each := redeemOrders / redeemClients
	head := fmt.Sprintf("\\set i :i + 1\n\\set number %d + :client_id * %d + :i\n", first-1, each)
	if err := os.WriteFile(file, []byte(head+script+";\n"), 0o600); err != nil {
		return 0, err
	}
	args := []string{
		"--no-vacuum", "--protocol=prepared", "--client=" + strconv.Itoa(redeemClients), "--jobs=2", "--transactions=" + strconv.Itoa(each),
		"--file=" + file, "-D", "i=0",
	}
	for name, value := range variables {
		args = append(args, "-D", name+"="+value)
	}
	cmd := exec.CommandContext(ctx, p.path, args...) //nolint:gosec // PostgreSQL's own program
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("pgbench: %w\n%s", err, out)
	}
	found := transactionsPerSecond.FindSubmatch(out)
	if found == nil || bytes.Contains(out, []byte("failed transactions: 0 ")) == bytes.Contains(out, []byte("ERROR")) {
		return 0, fmt.Errorf("pgbench:\n%s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// against compares what a function does for each of many submissions with a script that does the same.
func (p *pgbench) against(ctx context.Context, do func(ctx context.Context, number string) error, script string, variables map[string]string) (comparison, error) {
	var first int64
	prepare := func(ctx context.Context) (err error) {
		first, err = p.record.submissions(ctx, redeemOrders)
		return err
	}
	ours := func(ctx context.Context) (float64, error) {
		return each(ctx, redeemOrders, redeemClients, func(ctx context.Context, i int) error {
			return do(ctx, strconv.FormatInt(first+int64(i), 10))
		})
	}
	limit := func(ctx context.Context) (float64, error) { return p.run(ctx, script, first, variables) }
	return takeTurns(ctx, redeemRounds, side{prepare, ours}, side{prepare, limit}, p.record.postmaster)
}

// againstAccept compares store.Accept with its own statement, as the server saw it.
func (p *pgbench) againstAccept(ctx context.Context, form order.Application) (comparison, error) {
	statement, err := p.acceptStatement(ctx, form)
	if err != nil {
		return comparison{}, err
	}
	variables, err := acceptVariables(form)
	if err != nil {
		return comparison{}, err
	}
	accept := func(ctx context.Context, number string) error {
		return p.record.Accept(ctx, acceptance(number, form, time.Now()))
	}
	return p.against(ctx, accept, statement, variables)
}

var parameter = regexp.MustCompile(`\$([0-9]+)`)

// acceptStatement accepts one order and asks the server for the statement that it was sent. Its parameters become variables of
// pgbench; the first is the number, the letters (2) need an id of their own, and the audit line goes to a chain by chance (16).
// What is no variable is NULL.
func (p *pgbench) acceptStatement(ctx context.Context, form order.Application) (string, error) {
	first, err := p.record.submissions(ctx, 1)
	if err != nil {
		return "", err
	}
	if err := p.record.Accept(ctx, acceptance(strconv.FormatInt(first, 10), form, time.Now())); err != nil {
		return "", err
	}
	var statement string
	err = p.record.sql.QueryRowContext(ctx,
		`SELECT query FROM pg_stat_activity WHERE application_name = $1 AND query LIKE '%UPDATE vouchers%'`, batch).Scan(&statement)
	if err != nil {
		return "", fmt.Errorf("the statement of the acceptance: %w", err)
	}
	statement = parameter.ReplaceAllStringFunc(statement, func(s string) string {
		switch s {
		case "$1":
			return ":number"
		case "$2":
			return "replace(:p2, '@id', :number::text)::jsonb"
		default:
			return ":p" + s[1:]
		}
	})
	return fmt.Sprintf("\\set p16 random(0, %d)\n%s", audit.Chains-1, statement), nil
}

// acceptVariables are the parameters as the record sends them.
func acceptVariables(form order.Application) (map[string]string, error) {
	now := time.Now().UTC()
	a := acceptance("1000000000", form, now)
	application, err := json.Marshal(form)
	if err != nil {
		return nil, err
	}
	subject, err := json.Marshal(form.Subject())
	if err != nil {
		return nil, err
	}
	l := a.Letters[0]
	letters, err := json.Marshal([]map[string]any{{
		"id": "@id", "kind": l.Kind, "key": l.Key, "recipient": l.Recipient, "language": l.Language, "facts": l.Facts, "created_at": l.CreatedAt,
	}})
	if err != nil {
		return nil, err
	}
	line, err := audit.New("1000000000", "applicant", "order-accepted", map[string]any{"type": form.Type, "policy": a.Policy}, now)
	if err != nil {
		return nil, err
	}
	content, err := line.Content()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"p2": string(letters), "p4": strconv.Itoa(form.ValidityYears), "p5": string(form.Type), "p6": string(form.Language),
		"p7": a.Domain, "p8": form.CertificateEmail, "p9": string(form.DCVMethod), "p10": string(application), "p11": string(subject),
		"p12": a.Policy, "p13": a.DeadlineAt.Format(time.RFC3339Nano), "p17": line.Actor, "p18": line.Action, "p19": string(line.Detail),
		"p20": now.Format(time.RFC3339Nano), "p21": fmt.Sprintf(`\x%x`, content),
	}, nil
}

// againstRedeem compares the conditional UPDATE alone, by the driver that the record uses.
func (p *pgbench) againstRedeem(ctx context.Context) (comparison, error) {
	const update = `UPDATE vouchers SET order_number = $1, used_at = $2
		WHERE hash = $3 AND order_number IS NULL AND cancelled_at IS NULL AND expires_at > $2 AND validity_years = 1`
	p.record.sql.SetMaxIdleConns(redeemClients)
	statement, err := p.record.sql.PrepareContext(ctx, update)
	if err != nil {
		return comparison{}, err
	}
	defer func() { _ = statement.Close() }()
	redeem := func(ctx context.Context, number string) error {
		done, err := statement.ExecContext(ctx, number, time.Now(), hashOf(number))
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n != 1 {
			return fmt.Errorf("%d vouchers redeemed: %w", n, err)
		}
		return nil
	}
	script := parameter.ReplaceAllStringFunc(update, func(s string) string {
		return map[string]string{"$1": ":number", "$2": "now()", "$3": "sha256(convert_to('voucher ' || :number, 'UTF8'))"}[s]
	})
	return p.against(ctx, redeem, script, nil)
}
