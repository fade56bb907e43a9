package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// maxCandidates bounds what one request can name: of an address or organisation with more certificates that end on one day, one is named by its
// serial number.
const maxCandidates = 50

// originalRow is an issued certificate with what its order says of it.
type originalRow struct {
	certificateRow
	RevokedAt        sql.NullTime  `db:"revoked_at"`
	RevocationReason sql.NullInt64 `db:"revocation_reason"`
	Application      document[order.Application]
	Subject          document[order.Subject]
	Domain           string
	Method           order.DCVMethod `db:"dcv_method"`
}

const selectOriginals = `
	SELECT c.order_number, c.sequence, c.issuer, c.serial, c.der, c.not_before, c.not_after, c.issued_at, c.revoked_at, c.revocation_reason,
		o.application, o.subject, o.domain, o.dcv_method
	FROM certificates c JOIN orders o ON o.number = c.order_number `

func (r originalRow) original() order.Original {
	return order.Original{Certificate: r.certificate(), RevokedAt: timeOf(r.RevokedAt), RevocationReason: order.RevocationReason(r.RevocationReason.Int64),
		Application: r.Application.V, Certified: r.Subject.V, Domain: r.Domain, Method: r.Method}
}

func originals(ctx context.Context, q queryer, where string, args ...any) ([]order.Original, error) {
	var rows []originalRow
	err := q.SelectContext(ctx, &rows, selectOriginals+where, args...)
	out := make([]order.Original, len(rows))
	for i, r := range rows {
		out[i] = r.original()
	}
	return out, err
}

// Identify returns the certificates that fit the name and end at or after from and before until, oldest first (G24). None is no error; too
// many are an invalid-fields fault. Names of organisations are compared as those of evidence are: without case, width and blanks. It changes nothing.
func (s *Store) Identify(ctx context.Context, name order.CertificateName, from, until time.Time) ([]order.Original, error) {
	out, err := originals(ctx, s.db, `
		WHERE c.not_after >= $1 AND c.not_after < $2 AND (c.order_number = $3 OR c.serial = $4 OR lower(o.certificate_email) = lower($5)
			OR $6::text <> '' AND plain($6) IN (plain(o.application -> 'organization' ->> 'name_ja'), plain(o.subject ->> 'organization')))
		ORDER BY c.issued_at, c.order_number, c.sequence LIMIT $7`,
		stored(from), stored(until), name.Order, name.Serial, name.Address, name.Organization, maxCandidates+1)
	if err == nil && len(out) > maxCandidates {
		return nil, tooManyFit()
	}
	return out, translate(ctx, err)
}

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

// reissuable returns the certificates that the request fits and that can be issued again now, one at least.
func (s *Store) reissuable(ctx context.Context, r order.NormalizedReissue) ([]order.Original, error) {
	found, err := s.Identify(ctx, r.Original, r.ExpiresOn, r.Until())
	if err != nil {
		return nil, err
	}
	fit, err := stillReissuable(found, r.Request.Reason, r.AfterCompromise, s.now())
	switch {
	case err != nil && byOrganization(r.Original, found):
		return nil, unknownOriginal() // what became of an organisation's certificates is not told to whoever knows its name
	case err != nil:
		return nil, err
	}
	for _, o := range fit {
		if err := o.AnotherKey(r.Request.Reason, r.CSR.PublicKey); err != nil {
			return nil, err
		}
	}
	return fit, translate(ctx, mayAsk(ctx, s.db, request{refs: refsOf(fit), byOrganization: byOrganization(r.Original, fit)}, s.now()))
}

// stillReissuable leaves out what cannot be issued again. If nothing is left the fault says why, of the newest.
func stillReissuable(found []order.Original, why order.ReissueReason, afterCompromise bool, at time.Time) (fit []order.Original, err error) {
	err = unknownOriginal()
	for _, o := range found {
		if refused := o.View().Reissuable(why, afterCompromise, at); refused != nil {
			err = refused
			continue
		}
		fit = append(fit, o)
	}
	if len(fit) > 0 {
		err = nil
	}
	return fit, err
}

func refsOf(originals []order.Original) []order.CertificateRef {
	out := make([]order.CertificateRef, len(originals))
	for i, o := range originals {
		out[i] = o.Ref()
	}
	return out
}

// byOrganization reports whether the certificates fit by the name of their organisation alone.
func byOrganization(n order.CertificateName, fit []order.Original) bool {
	return n.Organization != "" && !slices.ContainsFunc(fit, func(o order.Original) bool { return o.Serial == n.Serial })
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

// reissuesOf returns the requests for the reissue of the order's certificates, oldest first.
func reissuesOf(ctx context.Context, q queryer, number string) ([]order.ReissueOf, error) {
	var rows []struct {
		Number    string
		State     order.State
		AskedAt   time.Time `db:"asked_at"`
		Undecided bool
		Loose     bool
	}
	err := q.SelectContext(ctx, &rows, `
		SELECT DISTINCT o.created_at AS asked_at, o.number, o.state, r.original_order IS NULL AS undecided, r.by_organization AND r.original_order IS NULL AS loose
		FROM reissue_candidates k JOIN reissues r USING (number) JOIN orders o USING (number)
		WHERE k.order_number = $1 AND (r.original_order IS NULL OR r.original_order = $1) ORDER BY asked_at, o.number`, number)
	out := make([]order.ReissueOf, len(rows))
	for i, r := range rows {
		out[i] = order.ReissueOf{Number: r.Number, State: r.State, AskedAt: r.AskedAt.UTC(), Undecided: r.Undecided, Holds: !r.State.Final() && !r.Loose}
	}
	return out, err
}

// reissueView is nil for an order that is none.
func reissueView(ctx context.Context, q queryer, o standing) (*order.ReissueView, error) {
	if o.Type != order.Reissue {
		return nil, nil //nolint:nilnil // an order that is no reissue has no such view
	}
	r, err := reissue(ctx, q, o.Number)
	if err != nil {
		return nil, err
	}
	all, err := candidates(ctx, q, o.Number)
	v := &order.ReissueView{Asked: r.Asked, Reason: r.Reason, ReasonText: r.ReasonText}
	for _, c := range all {
		v.Candidates = append(v.Candidates, c.View())
		if c.Ref() == r.original() {
			v.Original = new(c.View())
		}
	}
	return v, err
}

// decideReview records the decision of staff (G26). Approved, the order goes on to the validation of its domain; where several
// certificates fitted, it becomes a reissue of the one that was chosen.
func (c *change) decideReview(ctx context.Context, o standing, cmd order.ReviewDecided, at time.Time) (detail, error) {
	if o.State != order.Review || o.Type != order.Reissue {
		return nil, wrongState(o.State)
	}
	if cmd.Approved == nil || !*cmd.Approved {
		return detail{"approved": false}, nil
	}
	v, err := reissueView(ctx, c, o)
	if err != nil {
		return nil, err
	}
	chosen, err := v.Choose(cmd.Original)
	if err != nil {
		return nil, err
	}
	if v.Original == nil {
		if err := c.free(ctx, o.Number, chosen.CertificateRef); err != nil {
			return nil, err
		}
		if err := c.choose(ctx, o.Number, chosen.CertificateRef); err != nil {
			return nil, err
		}
	}
	return detail{"approved": true, "original": refText(chosen.CertificateRef)}, c.move(ctx, o, order.DomainValidation, at)
}

// choose makes the order a reissue of one of its candidates.
func (c *change) choose(ctx context.Context, number string, ref order.CertificateRef) error {
	var asked document[order.Application]
	if err := c.GetContext(ctx, &asked, `SELECT application FROM orders WHERE number = $1`, number); err != nil {
		return err
	}
	chosen, err := originals(ctx, c, `WHERE c.order_number = $1 AND c.sequence = $2`, ref.Order, ref.Sequence)
	if err != nil {
		return err
	}
	original := chosen[0] // a candidate exists: reissue_candidates_certificate
	app := original.Reissued(asked.V)
	if _, err := c.ExecContext(ctx, `UPDATE reissues SET original_order = $2, original_sequence = $3, expires_at = $4 WHERE number = $1`,
		number, ref.Order, ref.Sequence, stored(original.NotAfter)); err != nil {
		return err
	}
	_, err = c.ExecContext(ctx, `
		UPDATE orders SET application = $2, subject = $3, certificate_email = $4, domain = $5, validity_years = $6, dcv_method = $7,
			deadline_at = least(deadline_at, $8) WHERE number = $1`,
		number, asJSON(app), asJSON(app.Subject()), app.CertificateEmail, original.Domain, app.ValidityYears, app.DCVMethod, stored(original.NotAfter))
	return err
}

// reviewed adds to the answer what an approval has settled.
func (c *change) reviewed(ctx context.Context, o standing, cmd order.Command, out *order.Recorded) error {
	d, ok := cmd.(order.ReviewDecided)
	if !ok || d.Approved == nil || !*d.Approved {
		return nil
	}
	r, err := reissue(ctx, c, o.Number)
	if err != nil {
		return err
	}
	out.Reissue = &order.Reviewed{Original: r.original(), Compromised: r.Reason == order.KeyCompromise}
	var now struct {
		Method   order.DCVMethod `db:"dcv_method"`
		Deadline time.Time       `db:"deadline_at"`
	}
	err = c.GetContext(ctx, &now, `SELECT dcv_method, deadline_at FROM orders WHERE number = $1`, o.Number)
	out.Reissue.Method, out.Reissue.DeadlineAt = now.Method, now.Deadline.UTC()
	return err
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

// unknownOriginal does not tell whether the name or the day was wrong: whoever guesses learns nothing from it.
func unknownOriginal() error {
	rule := fault.Text{JA: "この内容に該当する証明書がありません。", EN: "No certificate fits what was entered."}
	remedy := fault.Text{JA: "証明書を特定する情報と有効期限の両方を、証明書の記載と照らし合わせてください。", EN: "Compare both, the name of the certificate and the day on which it ends, with the certificate."}
	return &fault.Error{
		Kind: fault.NotFound, Code: "reissue.unknown",
		Text: fault.Text{JA: "該当する証明書が見つかりません。オーダー番号などの情報と有効期限の両方をご確認ください。",
			EN: "No certificate was found. Check both what identifies it and the day on which it ends."},
		Fields: []fault.Field{{Path: "original", Code: "reissue.unknown", Rule: rule, Remedy: remedy}, {Path: "expires_on", Code: "reissue.unknown", Rule: rule, Remedy: remedy}},
	}
}

// sameName refuses a correction: a reissue has the name of its original (G25).
func sameName() error {
	return fault.New(fault.Conflict, "reissue.subject", "再発行では証明書の記載内容を訂正できません。正しい内容での新規のお申し込みをご案内ください。",
		"A reissue has the same name as its original and cannot be corrected. Ask for a new application with the correct content.")
}
