package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// reserveReissue is ReserveNumber for a reissue. The original is looked for when the request is new, and never again: a repeat is the
// same order, even after the original has been revoked for it. What Accept would refuse is refused here with the same fault, and
// nothing is stored.
func (s *Store) reserveReissue(ctx context.Context, r order.NormalizedReissue, key []byte) (number string, accepted bool, err error) {
	body, err := json.Marshal(r.Request)
	if err != nil {
		return "", false, err
	}
	content := sha256.Sum256(body)
	for range maxAttempts {
		if number, accepted, err = s.reserved(ctx, key, content[:]); err != nil || number != "" {
			return number, accepted, err
		}
		fit, err := s.reissuable(ctx, r)
		if err != nil {
			return "", false, err
		}
		if number, err = s.insertReissue(ctx, r, fit, key, content[:]); err != nil || number != "" {
			return number, false, err
		}
		// The number or the key has just been taken by somebody else: look again.
	}
	return "", false, unavailable(errors.New("no free order number found"))
}

// undisclosed is the application of a request that names an organisation, until staff have chosen its certificate: whoever knows the name
// learns nothing from it, neither by the receipt nor on a page.
func undisclosed(a order.Application, name string) order.Application {
	a.CertificateEmail, a.Organization = "", order.Organization{NameJA: name, Name: name}
	return a
}

// insertReissue stores the submission with what it is a reissue of, in one statement.
func (s *Store) insertReissue(ctx context.Context, r order.NormalizedReissue, fit []order.Original, key, content []byte) (string, error) {
	number, err := drawNumber()
	if err != nil {
		return "", err
	}
	asked := order.Application{
		Language: r.Request.Language, CSR: r.Request.CSR, Representative: r.Request.Representative,
		TechnicalContact: r.Request.TechnicalContact, TermsAccepted: r.Request.TermsAccepted,
	}
	application := fit[0].Reissued(asked) // of several, the first for the time being
	var original order.CertificateRef
	byName := byOrganization(r.Original, fit)
	switch {
	case byName:
		application = undisclosed(application, r.Original.Organization)
	case len(fit) == 1:
		original = fit[0].Ref()
	}
	ends := fit[0].NotAfter
	for _, o := range fit {
		if o.NotAfter.After(ends) {
			ends = o.NotAfter
		}
	}
	orders, sequences := columnsOf(refsOf(fit))
	n, err := affected(s.db.ExecContext(ctx, `
		WITH reserved AS (
			INSERT INTO submissions (number, key_hash, content_hash, reissue, application, created_at)
			VALUES ($1, $2, $3, true, $4, $5) ON CONFLICT DO NOTHING RETURNING number
		), asked AS (
			INSERT INTO reissues (number, asked, reason, reason_text, original_order, original_sequence, expires_at, by_organization)
			SELECT number, $6, $7, $8, $9, $10, $11, $14 FROM reserved RETURNING number
		)
		INSERT INTO reissue_candidates (number, order_number, sequence)
		SELECT asked.number, c.order_number, c.sequence FROM asked, unnest($12::text[], $13::int[]) AS c(order_number, sequence)`,
		number, key, content, asJSON(application), stored(s.now()),
		r.Request.Original, r.Request.Reason, r.Request.ReasonText, textOrNull(original.Order),
		sql.NullInt64{Int64: int64(original.Sequence), Valid: original.Order != ""}, stored(ends), orders, sequences, byName))
	if err != nil || n == 0 {
		return "", translate(ctx, err)
	}
	return number, nil
}

func columnsOf(refs []order.CertificateRef) (pq.StringArray, pq.Int64Array) {
	orders, sequences := make(pq.StringArray, len(refs)), make(pq.Int64Array, len(refs))
	for i, r := range refs {
		orders[i], sequences[i] = r.Order, int64(r.Sequence)
	}
	return orders, sequences
}

// acceptReissue is Accept for a reissue: no voucher; the order goes on to its review at once (G26). Requests of one certificate come
// one after the other by its row, and whoever comes second is refused with code reissue.under-way, whoever comes too often in a day with code
// reissue.too-often; an original that has ended or was revoked since is refused as well. A refusal leaves the submission alone, so that the same request can come again.
func (s *Store) acceptReissue(ctx context.Context, a order.Acceptance) error {
	number, at := a.Submission.Number, stored(a.At)
	return s.change(ctx, func(c *change) error {
		candidates, err := originals(ctx, c, `
			JOIN reissue_candidates k ON (k.order_number, k.sequence) = (c.order_number, c.sequence)
			WHERE k.number = $1 ORDER BY c.order_number, c.sequence FOR NO KEY UPDATE OF c`, number)
		if err != nil {
			return err
		}
		facts, err := reissueFacts(ctx, c, number)
		if err != nil {
			return err
		}
		var there bool
		if err := c.GetContext(ctx, &there, `SELECT EXISTS (SELECT FROM orders WHERE number = $1)`, number); err != nil || there {
			return err
		}
		if _, err := stillReissuable(candidates, facts.Reason, a.AfterCompromise, a.At); err != nil {
			return err
		}
		if err := mayAsk(ctx, c, request{number, facts.Candidates, facts.ByOrganization}, a.At); err != nil {
			return err
		}
		if err := mayBeNamed(ctx, c, a); err != nil {
			return err
		}
		return c.createReissue(ctx, a, *facts, at)
	})
}

func (c *change) createReissue(ctx context.Context, a order.Acceptance, facts order.ReissueFacts, at time.Time) error {
	number, app := a.Submission.Number, a.Submission.Application
	if _, err := c.ExecContext(ctx, `
		INSERT INTO orders (number, type, state, state_since, language, domain, certificate_email, validity_years, dcv_method,
			application, subject, policy, created_at, deadline_at)
		VALUES ($1, $2, 'accepted', $3, $4, $5, $6, $7, $8, $9, $10, $11, $3, $12)`,
		number, app.Type, at, app.Language, a.Domain, app.CertificateEmail, app.ValidityYears, app.DCVMethod,
		asJSON(app), asJSON(app.Subject()), a.Policy, stored(a.DeadlineAt)); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `UPDATE submissions SET application = NULL WHERE number = $1`, number); err != nil {
		return err
	}
	if err := c.move(ctx, standing{Number: number, State: order.Accepted}, order.Review, at); err != nil {
		return err
	}
	if _, err := c.post(ctx, number, a.Letters, at); err != nil {
		return err
	}
	d := map[string]any{"type": app.Type, "policy": a.Policy, "reason": facts.Reason, "candidates": len(facts.Candidates)}
	if facts.Original.Order != "" {
		d["original"] = refText(facts.Original)
	}
	return c.note(number, "applicant", "order-accepted", d, at)
}

// refText names a certificate in the audit trail.
func refText(r order.CertificateRef) string { return fmt.Sprintf("%s/%d", r.Order, r.Sequence) }

// reissueRow is what a reissue is of.
type reissueRow struct {
	Asked      string
	Reason     order.ReissueReason
	ReasonText string         `db:"reason_text"`
	Order      sql.NullString `db:"original_order"`
	Sequence   sql.NullInt64  `db:"original_sequence"`
	ExpiresAt  time.Time      `db:"expires_at"`

	ByOrganization bool `db:"by_organization"`
}

func (r reissueRow) original() order.CertificateRef {
	return order.CertificateRef{Order: r.Order.String, Sequence: int(r.Sequence.Int64)}
}

func reissue(ctx context.Context, q queryer, number string) (r reissueRow, err error) {
	err = q.GetContext(ctx, &r, `
		SELECT asked, reason, reason_text, original_order, original_sequence, expires_at, by_organization FROM reissues WHERE number = $1`, number)
	return r, orNotFound(err, unknownOrder())
}

func reissueFacts(ctx context.Context, q queryer, number string) (*order.ReissueFacts, error) {
	r, err := reissue(ctx, q, number)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Order    string `db:"order_number"`
		Sequence int
	}
	err = q.SelectContext(ctx, &rows, `SELECT order_number, sequence FROM reissue_candidates WHERE number = $1 ORDER BY 1, 2`, number)
	f := &order.ReissueFacts{Asked: r.Asked, Reason: r.Reason, ReasonText: r.ReasonText, Original: r.original(), ExpiresAt: r.ExpiresAt.UTC(), ByOrganization: r.ByOrganization}
	for _, c := range rows {
		f.Candidates = append(f.Candidates, order.CertificateRef(c))
	}
	return f, err
}

// candidates are the certificates that the request fits, oldest first.
func candidates(ctx context.Context, q queryer, number string) ([]order.Original, error) {
	return originals(ctx, q, `
		JOIN reissue_candidates k ON (k.order_number, k.sequence) = (c.order_number, c.sequence)
		WHERE k.number = $1 ORDER BY c.issued_at, c.order_number, c.sequence`, number)
}

// Candidates returns the certificates that a request for a reissue fits, in the order of their issue.
func (s *Store) Candidates(ctx context.Context, number string) ([]order.Original, error) {
	out, err := candidates(ctx, s.db, number)
	return out, translate(ctx, err)
}

// Original returns the certificate that the order issues again, with why. Before staff have chosen it is a Conflict of code
// reissue.undecided.
func (s *Store) Original(ctx context.Context, number string) (order.Original, order.ReissueFacts, error) {
	facts, err := reissueFacts(ctx, s.db, number)
	if err != nil {
		return order.Original{}, order.ReissueFacts{}, translate(ctx, err)
	}
	found, err := originals(ctx, s.db, `WHERE c.order_number = $1 AND c.sequence = $2`, facts.Original.Order, facts.Original.Sequence)
	if err == nil && len(found) == 0 {
		err = fault.New(fault.Conflict, "reissue.undecided", "元の証明書がまだ選ばれていません。", "The original certificate has not been chosen yet.")
	}
	if err != nil {
		return order.Original{}, *facts, translate(ctx, err)
	}
	return found[0], *facts, nil
}

// endsWithOriginal holds that a reissue ends when its original ends (G25).
func (c *change) endsWithOriginal(ctx context.Context, o standing, t order.ToBeSigned) error {
	if o.Type != order.Reissue {
		return nil
	}
	r, err := reissue(ctx, c, o.Number)
	if err == nil && !stored(t.NotAfter).Equal(r.ExpiresAt) {
		err = fault.New(fault.Conflict, "reissue.end", "再発行の証明書の有効期限が、元の証明書と一致しません。",
			"The reissue would not end when its original ends.")
	}
	return err
}
