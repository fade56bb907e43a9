package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"securemailid.example/internal/audit"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// ReserveNumber keeps a submission under an order number of its own, for the order to be accepted later. The same key with
// the same content is the same number, and accepted tells whether it is an order already; with other content it is a Conflict of
// code submission.key-reused. A voucher that Accept would refuse is refused here with the same fault, and nothing is stored. Two
// submissions may reserve with one voucher: Accept decides. Nothing here is worth an audit line yet. For a reissue see reserveReissue.
func (s *Store) ReserveNumber(ctx context.Context, sub order.Submission) (number string, accepted bool, err error) {
	if sub.Key == "" {
		return "", false, fault.New(fault.Invalid, "submission.key", "申込識別キーがありません。", "The idempotency key is missing.")
	}
	application, content, err := contentOf(sub)
	if err != nil {
		return "", false, err
	}
	key := sha256.Sum256([]byte(sub.Key))
	if sub.Request != nil {
		return s.reserveReissue(ctx, *sub.Request, key[:])
	}
	for range maxAttempts {
		if number, accepted, err = s.reserved(ctx, key[:], content); err != nil || accepted {
			return number, accepted, err
		}
		refusal := s.checkUnredeemed(ctx, sub, number)
		if refusal != nil && number == "" { // a repeat at this moment may have become the order that used the voucher
			if number, accepted, err = s.reserved(ctx, key[:], content); err != nil || accepted {
				return number, accepted, err
			}
		}
		if refusal != nil || number != "" {
			return number, false, refusal
		}
		if number, err = s.insertSubmission(ctx, sub, key[:], content, application); err != nil || number != "" {
			return number, false, err
		}
		// The number or the key has just been taken by somebody else: look again.
	}
	return "", false, unavailable(errors.New("no free order number found"))
}

// contentOf returns the application without its voucher code, and the hash by which a repeat is recognised.
func contentOf(sub order.Submission) (application order.Application, hash []byte, err error) {
	application = sub.Application
	application.Voucher = ""
	b, err := json.Marshal(application)
	if err != nil {
		return application, nil, err
	}
	h := sha256.Sum256(append(b, sub.VoucherHash...))
	return application, h[:], nil
}

// reserved finds the submission of the key; number is empty without one.
func (s *Store) reserved(ctx context.Context, key, content []byte) (number string, accepted bool, err error) {
	var r struct {
		Number   string
		Content  []byte `db:"content_hash"`
		Accepted bool
	}
	err = s.db.GetContext(ctx, &r, `
		SELECT s.number, s.content_hash, o.number IS NOT NULL AS accepted
		FROM submissions s LEFT JOIN orders o USING (number) WHERE s.key_hash = $1`, key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, translate(ctx, err)
	case !bytes.Equal(r.Content, content):
		return "", false, fault.New(fault.Conflict, "submission.key-reused", "同じ申込識別キーで内容の異なるお申し込みがあります。",
			"Another application has been handed in under the same idempotency key.")
	}
	return r.Number, r.Accepted, nil
}

// Submitted returns the number that was reserved under the idempotency key, and whether it has become an order. A key that nothing was
// handed in under is NotFound.
func (s *Store) Submitted(ctx context.Context, key string) (number string, accepted bool, err error) {
	hash := sha256.Sum256([]byte(key))
	var r struct {
		Number   string
		Accepted bool
	}
	err = s.db.GetContext(ctx, &r, `
		SELECT s.number, o.number IS NOT NULL AS accepted FROM submissions s LEFT JOIN orders o USING (number) WHERE s.key_hash = $1`, hash[:])
	return r.Number, r.Accepted, translate(ctx, orNotFound(err, unknownOrder()))
}

func (s *Store) checkUnredeemed(ctx context.Context, sub order.Submission, number string) error {
	v, err := s.Voucher(ctx, sub.VoucherHash)
	if err != nil {
		return err
	}
	return checkVoucher(v, number, sub.Application.ValidityYears, s.now())
}

func (s *Store) insertSubmission(ctx context.Context, sub order.Submission, key, content []byte, application order.Application) (string, error) {
	number, err := drawNumber()
	if err != nil {
		return "", err
	}
	n, err := affected(s.db.ExecContext(ctx, `
		INSERT INTO submissions (number, key_hash, content_hash, voucher_hash, application, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
		number, key, content, sub.VoucherHash, asJSON(application), stored(s.now())))
	if err != nil || n == 0 {
		return "", translate(ctx, err)
	}
	return number, nil
}

// drawNumber returns ten random digits, the first not 0: numbers tell nothing of how many orders there are.
func drawNumber() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(9_000_000_000))
	if err != nil {
		return "", fmt.Errorf("draw an order number: %w", err)
	}
	return n.Add(n, big.NewInt(1_000_000_000)).String(), nil
}

// Submission returns a reserved submission that may not have been accepted yet.
func (s *Store) Submission(ctx context.Context, number string) (order.Submission, error) {
	var r struct {
		VoucherHash []byte                      `db:"voucher_hash"`
		Application document[order.Application] `db:"application"`
	}
	err := s.db.GetContext(ctx, &r, `
		SELECT s.voucher_hash, coalesce(o.application, s.application) AS application
		FROM submissions s LEFT JOIN orders o USING (number) WHERE s.number = $1`, number)
	if err != nil {
		return order.Submission{}, translate(ctx, orNotFound(err, unknownOrder()))
	}
	sub := order.Submission{Number: number, Application: r.Application.V, VoucherHash: r.VoucherHash}
	if sub.Application.Type == order.Reissue {
		sub.Reissue, err = reissueFacts(ctx, s.db, number)
	}
	return sub, translate(ctx, err)
}

// ForgetSubmissions deletes what was handed in before the time and never became an order, with its personal data.
func (s *Store) ForgetSubmissions(ctx context.Context, before time.Time) (forgotten int, err error) {
	err = s.change(ctx, func(c *change) error {
		n, err := affected(c.ExecContext(ctx, `
			DELETE FROM submissions s WHERE application IS NOT NULL AND created_at < $1
				AND NOT EXISTS (SELECT FROM orders o WHERE o.number = s.number)`, stored(before)))
		if forgotten = int(n); err != nil || n == 0 {
			return err
		}
		return c.note("", system, "submissions-forgotten", map[string]any{"count": n}, s.now())
	})
	return forgotten, err
}

// acceptOrder is one statement, since it is the busiest change: redeem, create, move the application over, post the letters with their links, and
// last the audit line. Each step feeds on the one before, so either all happen or none. The voucher is redeemed by one conditional
// UPDATE; whoever waits for another on that row finds it used afterwards.
var acceptOrder = `
	WITH redeemed AS (
		UPDATE vouchers v SET order_number = $1, used_at = $20
		FROM submissions s
		WHERE s.number = $1 AND v.hash = s.voucher_hash AND v.order_number IS NULL AND v.cancelled_at IS NULL AND v.expires_at > $20
			AND v.validity_years = $4 AND NOT EXISTS (SELECT FROM orders o WHERE o.number = $1)
			AND (SELECT ` + mayName("$22::text", "$20::timestamptz", "$23::int") + `)
		RETURNING v.hash
	), changed AS (
		INSERT INTO orders (number, type, state, state_since, language, domain, certificate_email, validity_years, dcv_method,
			application, subject, policy, voucher_hash, created_at, deadline_at, renews_order, renews_sequence)
		SELECT $1, $5, 'accepted', $20, $6, $7, $8, $4, $9, $10, $11, $12, hash, $20, $13, $14, $15 FROM redeemed
		RETURNING number
	), moved AS (
		UPDATE submissions SET application = NULL WHERE number = (SELECT number FROM changed)
	), ` + posting + `
	SELECT audit_append($16, number, $17, $18, $19, $20, $21) FROM changed`

// Accept redeems the voucher for the order, creates the order in state accepted and puts the letters into the outbox. A repeat
// changes nothing, even after the order has ended and given its voucher back. One whose technical contact has too many withdrawn in a day is a
// TooMany of code submission.too-many. For a reissue see acceptReissue.
func (s *Store) Accept(ctx context.Context, a order.Acceptance) error {
	if a.Submission.Application.Type == order.Reissue {
		return s.acceptReissue(ctx, a)
	}
	number, app, at := a.Submission.Number, a.Submission.Application, stored(a.At)
	app.Voucher = ""
	facts := map[string]any{"type": app.Type, "policy": a.Policy}
	renewsOrder, renewsSequence := refColumns(a.Renews)
	if a.Renews != nil {
		facts["renews"] = refText(a.Renews.CertificateRef)
	}
	line, err := audit.New(number, "applicant", "order-accepted", facts, at)
	if err != nil {
		return err
	}
	content, err := line.Content()
	if err != nil {
		return err
	}
	accepted, err := affected(s.exec(ctx, acceptOrder,
		number, asJSON(rowsOf(a.Letters, at)), asJSON(linksOf(a.Letters)), app.ValidityYears, app.Type, app.Language, a.Domain, app.CertificateEmail,
		app.DCVMethod, asJSON(app), asJSON(app.Subject()), a.Policy, stored(a.DeadlineAt), renewsOrder, renewsSequence,
		line.Chain, line.Actor, line.Action, string(line.Detail), line.At, content,
		app.TechnicalContact.Email, a.EndedOfContact))
	if pq.As(err, pqerror.UniqueViolation) == nil && err != nil {
		return translate(ctx, err)
	}
	if accepted == 1 {
		return nil
	}
	return s.whyNotAccepted(ctx, a) // or another attempt for the same order was first
}

// whyNotAccepted returns nil if the order exists already, else the fault of its voucher or of its technical contact.
func (s *Store) whyNotAccepted(ctx context.Context, a order.Acceptance) error {
	var r struct {
		Voucher  []byte `db:"voucher_hash"`
		Accepted bool
	}
	err := s.db.GetContext(ctx, &r, `
		SELECT s.voucher_hash, o.number IS NOT NULL AS accepted
		FROM submissions s LEFT JOIN orders o USING (number) WHERE s.number = $1`, a.Submission.Number)
	if err != nil {
		return translate(ctx, orNotFound(err, unknownOrder()))
	}
	if r.Accepted {
		return nil
	}
	v, err := s.Voucher(ctx, r.Voucher)
	if err != nil {
		return err
	}
	if err := checkVoucher(v, a.Submission.Number, a.Submission.Application.ValidityYears, a.At); err != nil {
		return err
	}
	if err := mayBeNamed(ctx, s.db, a); err != nil {
		return translate(ctx, err)
	}
	return unavailable(errors.New("the voucher was given back at this moment")) // the next attempt redeems it
}
