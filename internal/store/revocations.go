package store

import (
	"context"
	"database/sql"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// RequestRevocation keeps the request and, unless staff still have to decide, revokes at once what it names: its certificate, or for a
// compromised key every certificate with it that has not expired, and the key is blocked. A link that confirms the request is used up
// with it. The same id again changes nothing; neither does a request for what is revoked already: it is answered with the request that
// did it. An unknown certificate is NotFound, an expired one and a link that no longer works are Conflicts.
func (s *Store) RequestRevocation(ctx context.Context, r order.RevocationRequest) (order.Revocation, error) {
	var out order.Revocation
	err := s.change(ctx, func(c *change) error {
		known, err := revocation(ctx, c, r.ID)
		if fault.KindOf(err) != fault.NotFound {
			out = known
			return err
		}
		t, err := c.lockTargets(ctx, r)
		if err != nil {
			return err
		}
		if by := t.settledBy(r.Reason); by != "" {
			out, err = revocation(ctx, c, by)
			return err
		}
		if r.Link != "" {
			if err := c.useRevocationLink(ctx, r, t); err != nil {
				return err
			}
		}
		if err := c.keepRequest(ctx, r, t); err != nil {
			return err
		}
		if !r.Undecided {
			if err := c.revoke(ctx, r, t); err != nil {
				return err
			}
		}
		out, err = revocation(ctx, c, r.ID)
		return err
	})
	return out, err
}

// keepRequest stores the request with the certificates that it names.
func (c *change) keepRequest(ctx context.Context, r order.RevocationRequest, t targets) error {
	decided := r.At
	if r.Undecided {
		decided = time.Time{}
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO revocations (id, origin, actor, reason, note, requested_at, due_at, decided_at, reporter, answer_due_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		r.ID, r.Origin, r.Actor, int(r.Reason), r.Note, stored(r.At), stored(r.DueAt), timeOrNull(decided), r.Reporter, timeOrNull(r.AnswerDueAt)); err != nil {
		return err
	}
	if err := c.nameCertificates(ctx, r.ID, t); err != nil {
		return err
	}
	for _, number := range t.orders() {
		detail := map[string]any{"request": r.ID, "reason": r.Reason.String(), "origin": r.Origin}
		if err := c.note(number, r.Actor, "revocation-requested", detail, r.At); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) nameCertificates(ctx context.Context, id string, t targets) error {
	for _, each := range t.certificates {
		if _, err := c.ExecContext(ctx, `
			INSERT INTO revocation_certificates (revocation, order_number, sequence) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			id, each.Order, each.Sequence); err != nil {
			return err
		}
	}
	return nil
}

// useRevocationLink uses up the link that confirms the request.
func (c *change) useRevocationLink(ctx context.Context, r order.RevocationRequest, t targets) error {
	var l linkRow
	err := c.GetContext(ctx, &l, `SELECT `+linkColumns+` FROM links WHERE id = $1 AND purpose = 'revocation' FOR UPDATE`, r.Link)
	switch {
	case err != nil:
		return orNotFound(err, unknownLink())
	case !t.holds(l.Order, int(l.Sequence.Int32)):
		return unknownLink()
	case l.UsedAt.Valid:
		return fault.New(fault.Conflict, "link.used", "このリンクは既に使われています。", "This link has been used already.")
	case l.EndedAt.Valid:
		return replacedLink()
	case !stored(r.At).Before(l.ExpiresAt):
		return fault.New(fault.Conflict, "link.expired", "このリンクは有効期限を過ぎています。", "This link has expired.")
	}
	_, err = c.ExecContext(ctx, `UPDATE links SET used_at = $2, approved = true WHERE id = $1`, l.ID, stored(r.At))
	return err
}

// DecideRevocation carries out what staff have decided about a problem report; letters say so to those who wait for an answer. The same
// decision again changes nothing; another one is a Conflict.
func (s *Store) DecideRevocation(ctx context.Context, id string, d order.RevocationDecision, letters []order.Letter) (order.Revocation, error) {
	var out order.Revocation
	err := s.change(ctx, func(c *change) error {
		known, err := revocation(ctx, c, id)
		if err != nil {
			return err
		}
		r := order.RevocationRequest{ID: id, Origin: order.RevocationByStaff, Actor: d.Actor, Reason: d.Reason, At: d.At}
		t, err := c.lockReported(ctx, known, r)
		if err != nil {
			return err
		}
		if known, err = lockRevocation(ctx, c, id); err != nil {
			return err
		}
		if !known.Undecided() {
			out = known
			return decidedAlready(known, d)
		}
		if err := c.decideReport(ctx, id, d); err != nil {
			return err
		}
		if d.Revoke {
			if err := c.nameCertificates(ctx, id, t); err != nil {
				return err
			}
			if err := c.revoke(ctx, r, t); err != nil {
				return err
			}
		}
		if err := c.postEach(ctx, letters, d.At); err != nil {
			return err
		}
		for _, number := range t.orders() {
			if err := c.note(number, d.Actor, "revocation-decided", map[string]any{"request": id, "revoked": d.Revoke}, d.At); err != nil {
				return err
			}
		}
		out, err = revocation(ctx, c, id)
		return err
	})
	return out, err
}

func (c *change) decideReport(ctx context.Context, id string, d order.RevocationDecision) error {
	_, err := c.ExecContext(ctx, `
		UPDATE revocations SET decided_at = $2, declined = $3, answer = $4, reason = CASE WHEN $3 THEN reason ELSE $5 END,
			due_at = CASE WHEN $3 OR $6 = 0 THEN due_at ELSE least(due_at, requested_at + make_interval(secs => $6)) END,
			answered_at = CASE WHEN $3 AND answer_due_at IS NOT NULL THEN coalesce(answered_at, $2) ELSE answered_at END
		WHERE id = $1`,
		id, stored(d.At), !d.Revoke, d.Answer, int(d.Reason), d.Within.Seconds())
	return err
}

func decidedAlready(known order.Revocation, d order.RevocationDecision) error {
	if known.Declined == !d.Revoke {
		return nil
	}
	return fault.New(fault.Conflict, "revocation.decided", "この失効の申し出には、すでに別の判断が記録されています。",
		"This request has been decided otherwise already.")
}

// AnswerReport records the preliminary answer to a problem report and puts its letters into the outbox. The same answer again changes
// nothing; another one, and an answer to what is no open report, is a Conflict.
func (s *Store) AnswerReport(ctx context.Context, id string, a order.ReportAnswer, letters []order.Letter) (order.Revocation, error) {
	var out order.Revocation
	err := s.change(ctx, func(c *change) error {
		var err error
		if out, err = lockRevocation(ctx, c, id); err != nil || out.Findings == a.Findings {
			return err
		}
		if !out.Unanswered() || !out.Undecided() {
			return fault.New(fault.Conflict, "revocation.answered", "この申し出には回答済みか、回答を待つ通報ではありません。",
				"This request has been answered already, or is no report that waits for an answer.")
		}
		if _, err := c.ExecContext(ctx, `UPDATE revocations SET answered_at = $2, findings = $3 WHERE id = $1`, id, stored(a.At), a.Findings); err != nil {
			return err
		}
		if err := c.postEach(ctx, letters, a.At); err != nil {
			return err
		}
		for _, number := range ordersOf(out) {
			if err := c.note(number, a.Actor, "report-answered", map[string]any{"request": id, "letters": len(letters)}, a.At); err != nil {
				return err
			}
		}
		out, err = revocation(ctx, c, id)
		return err
	})
	return out, err
}

func (c *change) postEach(ctx context.Context, letters []order.Letter, at time.Time) error {
	for _, l := range letters {
		if _, err := c.post(ctx, l.Order, []order.Letter{l}, at); err != nil {
			return err
		}
	}
	return nil
}

// EscalateRevocation records that the clock of an unfinished request has come to its nth warning, and puts letters into the outbox. What
// has been recorded, or is finished, changes nothing.
func (s *Store) EscalateRevocation(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter) error {
	return s.escalate(ctx, id, nth, at, letters, "revocation-escalated", `
		UPDATE revocations SET escalations = $2 WHERE id = $1 AND escalations < $2 AND NOT declined AND published_at IS NULL`)
}

// EscalateAnswer is EscalateRevocation for the preliminary answer to a report.
func (s *Store) EscalateAnswer(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter) error {
	return s.escalate(ctx, id, nth, at, letters, "answer-escalated", `
		UPDATE revocations SET answer_warnings = $2 WHERE id = $1 AND answer_warnings < $2 AND answered_at IS NULL AND NOT declined AND published_at IS NULL`)
}

func (s *Store) escalate(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter, action, update string) error {
	return s.change(ctx, func(c *change) error {
		n, err := affected(c.ExecContext(ctx, update, id, nth))
		if err != nil || n == 0 {
			return err
		}
		return c.tell(ctx, id, action, map[string]any{"request": id, "warning": nth}, letters, at)
	})
}

// RevocationNotified puts the letters about a revocation into the outbox, once.
func (s *Store) RevocationNotified(ctx context.Context, id string, at time.Time, letters []order.Letter) error {
	return s.change(ctx, func(c *change) error {
		n, err := affected(c.ExecContext(ctx, `
			UPDATE revocations SET notified_at = $2, answered_at = CASE WHEN answer_due_at IS NOT NULL THEN coalesce(answered_at, $2) END
			WHERE id = $1 AND notified_at IS NULL`, id, stored(at)))
		if err != nil || n == 0 {
			return err
		}
		return c.tell(ctx, id, "revocation-notified", map[string]any{"request": id, "letters": len(letters)}, letters, at)
	})
}

// tell notes something about a request in the trail of every order that it touches, and posts letters about it.
func (c *change) tell(ctx context.Context, id, action string, detail any, letters []order.Letter, at time.Time) error {
	known, err := revocation(ctx, c, id)
	if err != nil {
		return err
	}
	if err := c.postEach(ctx, letters, at); err != nil {
		return err
	}
	numbers := ordersOf(known)
	if len(numbers) == 0 {
		numbers = []string{""} // a key without certificates
	}
	for _, number := range numbers {
		if err := c.note(number, system, action, detail, at); err != nil {
			return err
		}
	}
	return nil
}

// OfferRevocation puts letters into the outbox whose links revoke the certificate, ends the links before them, and returns the ids of the
// letters to deliver. A certificate that is revoked or has expired is a Conflict; a further wish within every is TooMany, unless the
// letters before still wait for their delivery: then those are returned.
func (s *Store) OfferRevocation(ctx context.Context, number string, sequence int, actor string, at time.Time, letters []order.Letter, every time.Duration) (ids []string, err error) {
	err = s.change(ctx, func(c *change) error {
		ids = nil
		if _, err := c.lockOrder(ctx, number); err != nil {
			return err
		}
		cert, err := c.issued(ctx, number, sequence)
		switch {
		case err != nil:
			return orNotFound(err, unknownCertificate())
		case !cert.RevokedAt.IsZero():
			return fault.New(fault.Conflict, "certificate.revoked", "この証明書はすでに失効しています。", "This certificate has been revoked already.")
		case !at.Before(cert.NotAfter):
			return expiredCertificate()
		}
		if ids, err = c.offeredBefore(ctx, number, at.Add(-every)); err != nil || len(ids) > 0 {
			return err
		}
		if _, err := c.ExecContext(ctx, `
			UPDATE links SET ended_at = $3 WHERE order_number = $1 AND sequence = $2 AND purpose = 'revocation' AND used_at IS NULL AND ended_at IS NULL`,
			number, sequence, stored(at)); err != nil {
			return err
		}
		if _, err := c.post(ctx, number, letters, at); err != nil {
			return err
		}
		for _, l := range letters {
			ids = append(ids, l.ID)
		}
		return c.note(number, actor, "revocation-offered", map[string]any{"sequence": sequence}, at)
	})
	return ids, err
}

// offeredBefore returns the letters since the moment that still wait for delivery; with none waiting, those that went out are a fault.
func (c *change) offeredBefore(ctx context.Context, number string, since time.Time) (waiting []string, err error) {
	var sent int
	if err := c.GetContext(ctx, &sent, `SELECT count(*) FROM letters WHERE order_number = $1 AND kind = $2 AND created_at > $3`,
		number, order.LetterRevocationLink, stored(since)); err != nil || sent == 0 {
		return nil, err
	}
	err = c.SelectContext(ctx, &waiting, `SELECT id FROM letters WHERE order_number = $1 AND kind = $2 AND created_at > $3 AND state = 'pending' ORDER BY position`,
		number, order.LetterRevocationLink, stored(since))
	if err == nil && len(waiting) == 0 {
		err = fault.New(fault.TooMany, "letter.too-often", "このメールは少し前にお送りしています。しばらくしてからもう一度お試しください。",
			"This mail has been sent a moment ago. Please try again in a while.")
	}
	return waiting, err
}

// revocationRow is a request.
type revocationRow struct {
	ID          string
	Origin      order.RevocationOrigin
	Actor       string
	Reason      int
	Note        string
	RequestedAt time.Time    `db:"requested_at"`
	DueAt       time.Time    `db:"due_at"`
	DecidedAt   sql.NullTime `db:"decided_at"`
	Declined    bool
	Answer      string
	PublishedAt sql.NullTime `db:"published_at"`
	NotifiedAt  sql.NullTime `db:"notified_at"`
	Escalations int
	Reporter    string
	AnswerDueAt sql.NullTime `db:"answer_due_at"`
	AnsweredAt  sql.NullTime `db:"answered_at"`
	Findings    string
}

const selectRevocations = `SELECT id, origin, actor, reason, note, requested_at, due_at, decided_at, declined, answer, published_at, notified_at,
	escalations, reporter, answer_due_at, answered_at, findings FROM revocations `

func (r revocationRow) revocation() order.Revocation {
	return order.Revocation{
		ID: r.ID, Origin: r.Origin, Actor: r.Actor, Reason: order.RevocationReason(r.Reason), Note: r.Note, RequestedAt: r.RequestedAt.UTC(),
		DueAt: r.DueAt.UTC(), DecidedAt: timeOf(r.DecidedAt), Declined: r.Declined, Answer: r.Answer, PublishedAt: timeOf(r.PublishedAt),
		NotifiedAt: timeOf(r.NotifiedAt), Escalations: r.Escalations,
		Reporter: r.Reporter, AnswerDueAt: timeOf(r.AnswerDueAt), AnsweredAt: timeOf(r.AnsweredAt), Findings: r.Findings,
	}
}

// Revocation returns the request as it stands.
func (s *Store) Revocation(ctx context.Context, id string) (order.Revocation, error) {
	r, err := revocation(ctx, s.db, id)
	return r, translate(ctx, err)
}

// UnfinishedRevocations returns the requests that are older than the moment and still have something to come, the most pressing first.
func (s *Store) UnfinishedRevocations(ctx context.Context, before time.Time) ([]order.Revocation, error) {
	out, err := revocations(ctx, s.db, `WHERE NOT declined AND (published_at IS NULL OR notified_at IS NULL) AND requested_at < $1 ORDER BY due_at, id`, stored(before))
	return out, translate(ctx, err)
}

func revocation(ctx context.Context, q queryer, id string) (order.Revocation, error) {
	return oneRevocation(revocations(ctx, q, `WHERE id = $1`, id))
}

func lockRevocation(ctx context.Context, q queryer, id string) (order.Revocation, error) {
	return oneRevocation(revocations(ctx, q, `WHERE id = $1 FOR UPDATE`, id))
}

func oneRevocation(found []order.Revocation, err error) (order.Revocation, error) {
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "revocation.unknown", "該当する失効の申し出がありません。", "There is no such revocation request.")
	}
	if err != nil {
		return order.Revocation{}, err
	}
	return found[0], nil
}

// revocationsOf returns the requests about the order's certificates, oldest first.
func revocationsOf(ctx context.Context, q queryer, number string) ([]order.Revocation, error) {
	return revocations(ctx, q, `WHERE id IN (SELECT revocation FROM revocation_certificates WHERE order_number = $1) ORDER BY requested_at, id`, number)
}

func revocations(ctx context.Context, q queryer, condition string, arg any) ([]order.Revocation, error) {
	var rows []revocationRow
	if err := q.SelectContext(ctx, &rows, selectRevocations+condition, arg); err != nil {
		return nil, err
	}
	out := make([]order.Revocation, len(rows))
	for i, r := range rows {
		out[i] = r.revocation()
		var named []targetRow
		if err := q.SelectContext(ctx, &named, `SELECT `+targetColumns+` FROM certificates JOIN revocation_certificates USING (order_number, sequence)
			WHERE revocation_certificates.revocation = $1 ORDER BY order_number, sequence`, r.ID); err != nil {
			return nil, err
		}
		for _, n := range named {
			out[i].Certificates = append(out[i].Certificates, order.RevocationOfOne{
				Order: n.Order, Sequence: n.Sequence, Issuer: n.Issuer, Serial: n.Serial, RevokedAt: timeOf(n.RevokedAt), RevokedBy: n.Revocation.String,
			})
		}
	}
	return out, nil
}
