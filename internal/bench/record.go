package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/devstack/postgres"
	"securemailid.example/internal/order"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

// batch is the voucher batch of all measurements.
const batch = "bench"

// record is the record on a PostgreSQL of its own that syncs to disk as in production.
type record struct {
	*store.Store
	server *postgres.Server
	sql    *sql.DB // for test data, and for asking the server about itself
	dir    string
	last   atomic.Int64 // number of the last submission

	postmaster int
}

func openRecord(ctx context.Context) (r *record, err error) {
	r = &record{}
	r.last.Store(1_000_000_000)
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close(context.WithoutCancel(ctx)))
		}
	}()
	if r.dir, err = os.MkdirTemp("", "smid-bench-"); err != nil {
		return r, err
	}
	if err = os.Chmod(r.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must be able to pass
		return r, err
	}
	r.server, err = postgres.Start(ctx, postgres.Options{
		Dir: filepath.Join(r.dir, "postgres"), Settings: map[string]string{"track_activity_query_size": "16384"},
	})
	if err != nil {
		return r, err
	}
	if r.postmaster, err = postmaster(filepath.Join(r.dir, "postgres")); err != nil {
		return r, err
	}
	connector, err := pq.NewConnector(r.server.DSN())
	if err != nil {
		return r, err
	}
	r.sql = sql.OpenDB(connector)
	if r.Store, err = store.New(store.Config{DSN: r.server.DSN(), Application: batch, Now: time.Now}); err != nil {
		return r, err
	}
	if err = r.Migrate(ctx); err != nil {
		return r, err
	}
	now := time.Now()
	err = r.CreateBatch(ctx, voucher.Batch{
		ID: batch, Reseller: "Sample Reseller", Kind: voucher.VoucherCode, ValidityYears: 1, ExpiresAt: now.AddDate(1, 0, 0),
		CreatedAt: now, CreatedBy: stand.Staff.Actor,
	}, nil, stand.Staff.Actor)
	return r, err
}

func (r *record) close(ctx context.Context) error {
	var err error
	if r.Store != nil {
		err = r.Disconnect()
	}
	if r.sql != nil {
		err = errors.Join(err, r.sql.Close())
	}
	if r.server != nil {
		err = errors.Join(err, r.server.Stop(ctx))
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// hashOf is the voucher hash of a submission made by submissions.
func hashOf(number string) []byte {
	h := sha256.Sum256([]byte("voucher " + number))
	return h[:]
}

// submissions reserves n submissions, each with a voucher of its own, and returns the first number; the others follow it.
func (r *record) submissions(ctx context.Context, n int) (first int64, err error) {
	first = r.last.Add(int64(n)) - int64(n) + 1
	for _, statement := range []string{
		`INSERT INTO vouchers (hash, id, masked, batch, validity_years, expires_at)
			SELECT sha256(convert_to('voucher ' || n, 'UTF8')), 'v' || n, 'masked', '` + batch + `', 1, now() + '1 year' FROM generate_series($1::bigint, $2) n`,
		`INSERT INTO submissions (number, key_hash, content_hash, voucher_hash, application, created_at)
			SELECT n, sha256(convert_to('key ' || n, 'UTF8')), '\x00', sha256(convert_to('voucher ' || n, 'UTF8')), '{}', now()
			FROM generate_series($1::bigint, $2) n`,
		`ANALYZE vouchers, submissions, orders`,
	} {
		args := []any{first, first + int64(n) - 1}
		if statement[0] == 'A' {
			args = nil
		}
		if _, err := r.sql.ExecContext(ctx, statement, args...); err != nil {
			return 0, err
		}
	}
	return first, nil
}

// acceptance is what AcceptOrder asks of the record for a submission, with the receipt.
func acceptance(number string, app order.Application, at time.Time) order.Acceptance {
	return order.Acceptance{
		EndedOfContact: 10,
		Submission:     order.Submission{Number: number, Application: app, VoucherHash: hashOf(number)},
		Domain:         "example.co.jp", At: at, DeadlineAt: at.AddDate(0, 3, 0), Policy: "bench",
		Letters: []order.Letter{{
			ID: uuid.NewString(), Order: number, Kind: order.LetterReceipt, Recipient: app.TechnicalContact.Email, Language: app.Language,
			Facts: order.Facts{Number: number, Domain: "example.co.jp", Method: app.DCVMethod, Deadline: at.AddDate(0, 3, 0)}, CreatedAt: at,
		}},
	}
}

// validated brings n orders to where only the issuance is left, and returns their numbers.
func (r *record) validated(ctx context.Context, app order.Application, n int) ([]string, error) {
	first, err := r.submissions(ctx, n)
	if err != nil {
		return nil, err
	}
	numbers := make([]string, n)
	_, err = each(ctx, n, 8, func(ctx context.Context, i int) error {
		numbers[i] = strconv.FormatInt(first+int64(i), 10)
		return r.validate(ctx, acceptance(numbers[i], app, time.Now()))
	})
	return numbers, err
}

func (r *record) validate(ctx context.Context, a order.Acceptance) error {
	number, now := a.Submission.Number, a.At
	if err := r.Accept(ctx, a); err != nil {
		return err
	}
	c := dcv.Challenge{
		ID: uuid.NewString(), Order: number, Sequence: 1, Method: order.DCVTXT, Domain: a.Domain, Token: rand.Text(), OpenedAt: now,
		ExpiresAt: now.AddDate(0, 1, 0),
	}
	if _, err := r.OpenChallenge(ctx, c, nil, "system"); err != nil {
		return err
	}
	err := r.RecordDomainEvidence(ctx, dcv.Evidence{
		ID: uuid.NewString(), Order: number, Challenge: c.ID, Domain: c.Domain, Method: c.Method, PolicyVersion: "bench",
		Finding: dcv.Finding{Found: true, Code: "match"}, Actor: "system", At: now,
	})
	if err != nil {
		return err
	}
	for _, step := range stand.PhoneSteps() {
		if _, err := r.RecordCommand(ctx, number, step, now, nil); err != nil {
			return fmt.Errorf("%s: %w", step.Name(), err)
		}
	}
	return nil
}
