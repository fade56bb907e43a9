package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"securemailid.example/internal/audit"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// queryer is a transaction or the pool.
type queryer interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// standing is the part of an order that decides what may be done to it.
type standing struct {
	Number           string
	Type             order.Type
	State            order.State
	Method           order.DCVMethod `db:"dcv_method"`
	OpenInquiry      bool            `db:"open_inquiry"`
	NumberVerifiedAt sql.NullTime    `db:"number_verified_at"`
	ReachedAt        sql.NullTime    `db:"reached_at"`
	ConfirmedAt      sql.NullTime    `db:"confirmed_at"`
	BlockedAt        sql.NullTime    `db:"blocked_at"`
	Reuse            string          // empty, asked or settled
	PhoneReusedAt    sql.NullTime    `db:"organization_reused_at"`
	MailsAfter       sql.NullTime    `db:"mails_after"` // of the current challenge
}

const standingColumns = `number, type, state, dcv_method, open_inquiry, number_verified_at, reached_at, confirmed_at, blocked_at, reuse,
	organization_reused_at, (SELECT c.mails_after FROM challenges c WHERE c.order_number = number AND c.ended_at IS NULL) AS mails_after`

func (s standing) phone() order.PhoneSteps {
	return order.PhoneSteps{NumberVerifiedAt: timeOf(s.NumberVerifiedAt), ReachedAt: timeOf(s.ReachedAt), ConfirmedAt: timeOf(s.ConfirmedAt)}
}

// awaited never is nil: a list of nothing is shown as such.
func (s standing) awaited() []order.Awaited {
	p := order.Progress{State: s.State, Method: s.Method, Phone: s.phone(), OpenInquiry: s.OpenInquiry, Blocked: s.BlockedAt.Valid,
		ReuseAsked: s.Reuse == reuseAsked, PhoneReused: s.PhoneReusedAt.Valid, MailsHeld: s.MailsAfter.Valid}
	a := p.Awaited()
	if a == nil {
		a = []order.Awaited{}
	}
	return a
}

// lockOrder takes the order for this transaction: whatever changes an order begins with it.
func (c *change) lockOrder(ctx context.Context, number string) (o standing, err error) {
	err = c.GetContext(ctx, &o, `SELECT `+standingColumns+` FROM orders WHERE number = $1 FOR UPDATE`, number)
	return o, orNotFound(err, unknownOrder())
}

// onward is what every move to another state brings: what had blocked the issuance before is over.
const onward = `left_state = state, blocked = NULL, blocked_at = NULL`

// move takes the order from the state in which it was locked to the next; PostgreSQL refuses what order.State.CanBecome does not
// allow.
func (c *change) move(ctx context.Context, o standing, next order.State, at time.Time) error {
	n, err := affected(c.ExecContext(ctx, `UPDATE orders SET state = $3, state_since = $4, `+onward+` WHERE number = $1 AND state = $2`,
		o.Number, o.State, next, stored(at)))
	if err == nil && n == 0 {
		err = wrongState(o.State)
	}
	return err
}

// Close ends an order without a certificate: state is rejected, cancelled or expired. Its voucher becomes unused again, and
// its challenge and approval links end. One whose issuing is stuck for good can be rejected, but never one with a certificate: its
// voucher has been spent.
func (s *Store) Close(ctx context.Context, number string, state order.State, actor, reason string, at time.Time, letters []order.Letter) error {
	return s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, number)
		if err != nil || o.State == state && state.Final() && state != order.Issued {
			return err
		}
		if state == order.Issued || !state.Final() || !o.State.CanBecome(state) {
			return wrongState(o.State)
		}
		if certs, err := certificates(ctx, c, number); err != nil {
			return err
		} else if len(certs) > 0 {
			return wrongState(order.Issued)
		}
		if err := c.move(ctx, o, state, at); err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, `UPDATE orders SET reason = $2 WHERE number = $1`, number, reason); err != nil {
			return err
		}
		if err := c.endChallenge(ctx, number, at); err != nil {
			return err
		}
		if err := c.releaseVoucher(ctx, number); err != nil {
			return err
		}
		if _, err := c.post(ctx, number, letters, at); err != nil {
			return err
		}
		return c.note(number, actor, "order-"+string(state), nil, at)
	})
}

// orderRow is an order with everything that its own row holds.
type orderRow struct {
	standing
	StateSince    time.Time `db:"state_since"`
	Language      order.Language
	Domain        string
	Email         string `db:"certificate_email"`
	ValidityYears int    `db:"validity_years"`
	Application   document[order.Application]
	Subject       document[order.Subject]
	CreatedAt     time.Time `db:"created_at"`
	DeadlineAt    time.Time `db:"deadline_at"`
	Reason        string
	Refusals      int
	LeftState     order.State `db:"left_state"`
	Blocked       document[fault.Text]
	Renews        sql.NullString `db:"renews_order"`
}

const orderColumns = standingColumns + `, state_since, language, domain, certificate_email, validity_years, application, subject,
	created_at, deadline_at, reason, refusals, left_state, blocked, renews_order`

// Order returns the order as it stands, with all that happened to it.
func (s *Store) Order(ctx context.Context, number string) (order.Status, error) {
	var st order.Status
	err := s.read(ctx, func(tx *sqlx.Tx) (err error) {
		var r orderRow
		if err := tx.GetContext(ctx, &r, `SELECT `+orderColumns+` FROM orders WHERE number = $1`, number); err != nil {
			return orNotFound(err, unknownOrder())
		}
		st = r.status()
		if err := verifiedNumber(ctx, tx, &st); err != nil {
			return err
		}
		if st.Challenge, err = challengeView(ctx, tx, number); err != nil {
			return err
		}
		if st.Reissue, err = reissueView(ctx, tx, r.standing); err != nil {
			return err
		}
		if st.Reuse, err = reuseView(ctx, tx, r.standing); err != nil {
			return err
		}
		if st.Renews, err = renewed(ctx, tx, r); err != nil {
			return err
		}
		if st.Inquiries, err = inquiries(ctx, tx, number); err != nil {
			return err
		}
		if st.Letters, err = letterViews(ctx, tx, number); err != nil {
			return err
		}
		if st.Certificates, err = certificateViews(ctx, tx, number); err != nil {
			return err
		}
		if st.Reissues, err = reissuesOf(ctx, tx, number); err != nil {
			return err
		}
		if st.Revocations, err = revocationsOf(ctx, tx, number); err != nil {
			return err
		}
		st.Timeline, err = timeline(ctx, tx, number)
		return err
	})
	return st, err
}

func (r orderRow) status() order.Status {
	return order.Status{
		Number: r.Number, Type: r.Type, State: r.State, StateSince: r.StateSince.UTC(), Language: r.Language, Domain: r.Domain,
		CertificateEmail: r.Email, ValidityYears: r.ValidityYears, Application: r.Application.V, Subject: r.Subject.V,
		CreatedAt: r.CreatedAt.UTC(), DeadlineAt: r.DeadlineAt.UTC(), Reason: r.Reason, Awaited: r.awaited(), Phone: r.phone(), Refusals: r.Refusals,
		Reached: r.reached(), Blocked: r.Blocked.V, BlockedAt: timeOf(r.BlockedAt),
	}
}

func (r orderRow) reached() order.State {
	if r.State.Final() {
		return r.LeftState
	}
	return r.State
}

// verifiedNumber fills in the number that staff have established.
func verifiedNumber(ctx context.Context, q queryer, st *order.Status) error {
	if st.Phone.NumberVerifiedAt.IsZero() {
		return nil
	}
	cmd, err := lastCommand[order.PhoneNumberVerified](ctx, q, st.Number)
	st.PhoneNumber, st.PhoneSource, st.PhoneReference = cmd.Number, cmd.Source, cmd.Reference
	return err
}

// timeline returns the order's audit lines, oldest first. The wish to end an order and its end are two changes with a line of
// the same action each; the end stands for both.
func timeline(ctx context.Context, q queryer, number string) ([]order.Event, error) {
	var lines []audit.Entry
	err := q.SelectContext(ctx, &lines, `SELECT actor, action, detail, at FROM audit WHERE order_number = $1 ORDER BY seq`, number)
	out := make([]order.Event, 0, len(lines))
	for i, l := range lines {
		again := func(later audit.Entry) bool { return later.Action == l.Action }
		if isEnd(l.Action) && slices.ContainsFunc(lines[i+1:], again) {
			continue
		}
		out = append(out, order.Event{At: l.At.UTC(), Actor: l.Actor, Action: l.Action, Detail: l.Summary()})
	}
	return out, err
}

// isEnd reports whether the action is that of a command which Close completes.
func isEnd(action string) bool {
	return action == string(order.CmdOrderRejected) || action == string(order.CmdOrderCancelled)
}

// Orders lists orders, newest first.
func (s *Store) Orders(ctx context.Context, f order.Filter) ([]order.Summary, error) {
	var rows []struct {
		standing
		StateSince time.Time `db:"state_since"`
		Domain     string
		DeadlineAt time.Time `db:"deadline_at"`
		NeedsStaff bool      `db:"needs_staff"`
	}
	err := s.db.SelectContext(ctx, &rows, `
		SELECT `+standingColumns+`, state_since, domain, deadline_at, needs_staff FROM orders
		WHERE ($1::text = '' OR state = $1) AND (NOT $2 OR needs_staff) AND ($3::text = '' OR domain = $3)
			AND ($4::text = '' OR (created_at, number) < (SELECT created_at, number FROM orders WHERE number = $4))
		ORDER BY created_at DESC, number DESC LIMIT $5`, f.State, f.NeedsStaff, f.Domain, f.Before, pageSize(f.Limit))
	if err != nil {
		return nil, translate(ctx, err)
	}
	out := make([]order.Summary, len(rows))
	for i, r := range rows {
		out[i] = order.Summary{Number: r.Number, Type: r.Type, State: r.State, StateSince: r.StateSince.UTC(), Domain: r.Domain,
			DeadlineAt: r.DeadlineAt.UTC(), Awaited: r.awaited(), NeedsStaff: r.NeedsStaff}
	}
	return out, nil
}
