package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// challengeRow is a challenge with what polling has seen.
type challengeRow struct {
	ID          string
	Order       string `db:"order_number"`
	Sequence    int
	Method      order.DCVMethod
	Domain      string
	Token       string
	Target      string
	OpenedAt    time.Time    `db:"opened_at"`
	ExpiresAt   time.Time    `db:"expires_at"`
	EndedAt     sql.NullTime `db:"ended_at"`
	SatisfiedAt sql.NullTime `db:"satisfied_at"`
	Checks      int
	LastCheckAt sql.NullTime          `db:"last_check_at"`
	LastFinding document[dcv.Finding] `db:"last_finding"`
	NextCheckAt sql.NullTime          `db:"next_check_at"`
	MailsAfter  sql.NullTime          `db:"mails_after"`
}

const challengeColumns = `id, order_number, sequence, method, domain, token, target, opened_at, expires_at, ended_at, satisfied_at, checks,
	last_check_at, last_finding, next_check_at, mails_after`

func (r challengeRow) challenge() dcv.Challenge {
	return dcv.Challenge{ID: r.ID, Order: r.Order, Sequence: r.Sequence, Method: r.Method, Domain: r.Domain, Token: r.Token, Target: r.Target,
		OpenedAt: r.OpenedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), SatisfiedAt: timeOf(r.SatisfiedAt),
		MailsAfter: timeOf(r.MailsAfter)}
}

// latest selects an order's challenge of the highest sequence.
const latest = `SELECT ` + challengeColumns + ` FROM challenges WHERE order_number = $1 ORDER BY sequence DESC LIMIT 1`

// OpenChallenge makes ch the order's current challenge, ends the one before and its unused links, moves the order to
// domain-validation if it is not there yet, and puts the letters with their links into the outbox. Approval mails that their domain has had
// too many of are left out, and the letter of kind LetterApprovalsHeld goes out in their place; without one nothing is opened: TooMany, code
// letter.too-often. A repeat with the same (order, sequence) returns the stored challenge; a sequence below the current one is a Conflict.
// Once the current challenge is satisfied no other is opened: it is returned as it is stored, with SatisfiedAt.
func (s *Store) OpenChallenge(ctx context.Context, ch dcv.Challenge, letters []order.Letter, actor string) (dcv.Challenge, error) {
	var opened dcv.Challenge
	err := s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, ch.Order)
		if err != nil {
			return err
		}
		if there, err := c.opened(ctx, ch); err != nil || there != nil {
			if there != nil {
				opened = *there
			}
			return err
		}
		if o.State != order.DomainValidation && o.State != order.Accepted { // nor in review: nothing is validated before it
			return wrongState(o.State)
		}
		opened = ch
		permitted, err := c.withhold(ctx, &opened, letters)
		if err != nil {
			return err
		}
		return c.open(ctx, o, opened, permitted, actor)
	})
	opened.OpenedAt, opened.ExpiresAt = stored(opened.OpenedAt), stored(opened.ExpiresAt)
	return opened, err
}

// opened returns the stored challenge that answers for ch: the one of its sequence, or the current one once that is satisfied. Without
// either it is nil, or a Conflict when a newer one is open.
func (c *change) opened(ctx context.Context, ch dcv.Challenge) (*dcv.Challenge, error) {
	var rows []challengeRow
	if err := c.SelectContext(ctx, &rows, `SELECT `+challengeColumns+` FROM challenges WHERE order_number = $1 ORDER BY sequence`, ch.Order); err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.Sequence == ch.Sequence || r.SatisfiedAt.Valid && !r.EndedAt.Valid {
			there := r.challenge()
			return &there, nil
		}
	}
	if len(rows) > 0 && rows[len(rows)-1].Sequence > ch.Sequence {
		return nil, replacedChallenge()
	}
	return nil, nil //nolint:nilnil // nil says that ch is to be opened
}

func (c *change) open(ctx context.Context, o standing, ch dcv.Challenge, letters []order.Letter, actor string) error {
	at := ch.OpenedAt
	if len(letters) > 0 { // a resent value keeps its age, so its opening is not now
		at = letters[0].CreatedAt
	}
	if err := c.endChallenge(ctx, o.Number, at); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO challenges (id, order_number, sequence, method, domain, token, target, opened_at, expires_at, mails_after)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		ch.ID, ch.Order, ch.Sequence, ch.Method, ch.Domain, ch.Token, ch.Target, stored(ch.OpenedAt), stored(ch.ExpiresAt), timeOrNull(ch.MailsAfter)); err != nil {
		return err
	}
	if _, err := c.post(ctx, o.Number, letters, at); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `
		UPDATE orders SET dcv_method = $2, reuse = CASE reuse WHEN 'asked' THEN 'settled' ELSE reuse END WHERE number = $1`,
		o.Number, ch.Method); err != nil {
		return err
	}
	if o.State != order.DomainValidation {
		if err := c.move(ctx, o, order.DomainValidation, at); err != nil {
			return err
		}
	}
	facts := map[string]any{"method": ch.Method, "sequence": ch.Sequence}
	if !ch.MailsAfter.IsZero() {
		facts["mails_after"] = stored(ch.MailsAfter)
	}
	return c.note(o.Number, actor, "challenge-opened", facts, at)
}

// endChallenge ends the order's current challenge and its unused approval links.
func (c *change) endChallenge(ctx context.Context, number string, at time.Time) error {
	_, err := c.ExecContext(ctx, `UPDATE challenges SET ended_at = $2, next_check_at = NULL WHERE order_number = $1 AND ended_at IS NULL`,
		number, stored(at))
	if err != nil {
		return err
	}
	return c.endApprovalLinks(ctx, number, at)
}

// Challenge returns the order's current challenge, which is the last one opened, and when it was satisfied.
func (s *Store) Challenge(ctx context.Context, number string) (dcv.Challenge, error) {
	var r challengeRow
	if err := s.db.GetContext(ctx, &r, latest, number); err != nil {
		return dcv.Challenge{}, translate(ctx, orNotFound(err, unknownChallenge()))
	}
	return r.challenge(), nil
}

func challengeView(ctx context.Context, q queryer, number string) (*order.ChallengeView, error) {
	var rows []challengeRow // at most one
	if err := q.SelectContext(ctx, &rows, latest, number); err != nil || len(rows) == 0 {
		return nil, err
	}
	r := rows[0]
	return &order.ChallengeView{
		ID: r.ID, Sequence: r.Sequence, Method: r.Method, Token: r.Token, Instruction: r.challenge().Instruction(), OpenedAt: r.OpenedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(), Checks: r.Checks,
		LastCheckAt: timeOf(r.LastCheckAt), LastFinding: r.LastFinding.V.Text, NextCheckAt: timeOf(r.NextCheckAt), SatisfiedAt: timeOf(r.SatisfiedAt),
		EndedAt: timeOf(r.EndedAt), MailsAfter: timeOf(r.MailsAfter),
	}, nil
}

// RecordCheck notes a check that found nothing; next is when polling looks again, zero for never. Only the last finding and
// their number are kept. A check that is not later than the last one recorded is a repeat, and one of a challenge that has been
// replaced or satisfied is of no interest. Who asked for the check is named in an audit line; the system's own looks leave none.
func (s *Store) RecordCheck(ctx context.Context, challenge string, f dcv.Finding, actor string, at, next time.Time) error {
	if actor == system {
		_, err := recordCheck(ctx, s.db, challenge, f, at, next)
		return translate(ctx, err)
	}
	return s.change(ctx, func(c *change) error {
		number, err := recordCheck(ctx, c, challenge, f, at, next)
		if err != nil || number == "" {
			return err
		}
		return c.note(number, actor, string(order.CmdDomainCheckNow), map[string]any{"finding": f.Code}, at)
	})
}

// recordCheck returns the number of the order whose check it noted; empty if there was nothing to note.
func recordCheck(ctx context.Context, q queryer, challenge string, f dcv.Finding, at, next time.Time) (number string, err error) {
	err = q.GetContext(ctx, &number, `
		UPDATE challenges SET checks = checks + 1, last_check_at = $2, last_finding = $3, next_check_at = $4
		WHERE id = $1 AND ended_at IS NULL AND satisfied_at IS NULL AND (last_check_at IS NULL OR last_check_at < $2)
		RETURNING order_number`, challenge, stored(at), asJSON(f), timeOrNull(next))
	if !errors.Is(err, sql.ErrNoRows) {
		return number, err
	}
	var there bool
	err = q.GetContext(ctx, &there, `SELECT true FROM challenges WHERE id = $1`, challenge)
	return "", orNotFound(err, unknownChallenge())
}

// RecordDomainEvidence stores e, marks its challenge satisfied and moves the order to organization-validation. Evidence for a
// challenge that is no longer current, or that was seen after its random value's age limit (rules A8–A11), is a Conflict.
func (s *Store) RecordDomainEvidence(ctx context.Context, e dcv.Evidence) error {
	return s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, e.Order)
		if err != nil {
			return err
		}
		return c.satisfy(ctx, o, e)
	})
}

func (c *change) satisfy(ctx context.Context, o standing, e dcv.Evidence) error {
	var r challengeRow
	err := c.GetContext(ctx, &r, `SELECT `+challengeColumns+` FROM challenges WHERE id = $1 AND order_number = $2`, e.Challenge, o.Number)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return unknownChallenge()
	case err != nil:
		return err
	case r.SatisfiedAt.Valid:
		return nil // evidence for it has been recorded
	case r.EndedAt.Valid:
		return replacedChallenge()
	case o.State != order.DomainValidation:
		return wrongState(o.State)
	case stored(e.At).After(r.ExpiresAt):
		return fault.New(fault.Conflict, "dcv.expired", "この認証情報は有効期限を過ぎています。", "This challenge's random value has passed its age limit.")
	}
	if _, err := c.ExecContext(ctx, `
		INSERT INTO domain_evidence (id, order_number, challenge, domain, method, policy_version, finding, actor, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.ID, o.Number, e.Challenge, e.Domain, e.Method, e.PolicyVersion, asJSON(e.Finding), e.Actor, stored(e.At)); err != nil {
		return err
	}
	if _, err := c.ExecContext(ctx, `UPDATE challenges SET satisfied_at = $2, next_check_at = NULL WHERE id = $1`, e.Challenge, stored(e.At)); err != nil {
		return err
	}
	if err := c.endApprovalLinks(ctx, o.Number, e.At); err != nil {
		return err
	}
	if err := c.move(ctx, o, order.OrganizationValidation, e.At); err != nil {
		return err
	}
	return c.note(o.Number, e.Actor, "domain-validated",
		map[string]any{"method": e.Method, "sequence": r.Sequence, "policy": e.PolicyVersion}, e.At)
}

func unknownChallenge() *fault.Error {
	return fault.New(fault.NotFound, "dcv.unknown", "該当するドメイン認証がありません。", "There is no such domain challenge.")
}

func replacedChallenge() *fault.Error {
	return fault.New(fault.Conflict, "dcv.replaced", "この認証情報は新しいものに置き換えられました。", "This challenge has been replaced by a newer one.")
}
