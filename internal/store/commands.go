package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// RecordCommand stores a command as evidence and audit line, with what follows from it. The same call again is answered as the
// first time; a step that had been recorded before changes nothing, and Applied is false. A phone step of another content than the
// recorded one is never taken for a repeat: see step and verifyNumber. An order that is being issued or has ended takes no command
// any more, but for the rejection of one whose issuing is stuck: a Conflict of code order.state.
func (s *Store) RecordCommand(ctx context.Context, number string, cmd order.Command, at time.Time, letters []order.Letter) (order.Recorded, error) {
	content, err := json.Marshal(cmd)
	if err != nil {
		return order.Recorded{}, err
	}
	digest := sha256.Sum256(content)
	at = stored(at)
	var out order.Recorded
	err = s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, number)
		if err != nil {
			return err
		}
		out.Phone = o.phone()
		if out.Applied, err = c.recordedBefore(ctx, number, cmd.Name(), at, digest[:]); err != nil {
			return err
		}
		if out.Applied {
			return c.answered(ctx, o, cmd, &out)
		}
		detail, err := c.apply(ctx, o, cmd, at)
		if err != nil || detail == nil {
			return err
		}
		out.Applied, out.Phone = true, stepsAfter(out.Phone, cmd, at)
		if err := c.answered(ctx, o, cmd, &out); err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, `INSERT INTO commands (order_number, name, at, digest, actor, content) VALUES ($1, $2, $3, $4, $5, $6)`,
			number, cmd.Name(), at, digest[:], cmd.By(), string(content)); err != nil {
			return err
		}
		if _, err := c.post(ctx, number, letters, at); err != nil {
			return err
		}
		return c.note(number, cmd.By(), string(cmd.Name()), detail, at)
	})
	if err != nil {
		return order.Recorded{}, err
	}
	return out, nil
}

// stepsAfter is what an applied command makes of the phone steps.
func stepsAfter(p order.PhoneSteps, cmd order.Command, at time.Time) order.PhoneSteps {
	switch cmd.(type) {
	case order.PhoneNumberVerified:
		if !p.NumberVerifiedAt.IsZero() {
			p = order.PhoneSteps{}
		}
		p.NumberVerifiedAt = at
	case order.RepresentativeReached:
		p.ReachedAt = at
	case order.RepresentativeConfirmed:
		p.ConfirmedAt = at
	}
	return p
}

// answered adds to the answer what some orders need beside it.
func (c *change) answered(ctx context.Context, o standing, cmd order.Command, out *order.Recorded) error {
	if o.Reuse != "" {
		reused, err := reusedBy(ctx, c, o.Number)
		if err != nil {
			return err
		}
		out.Reused = &reused
	}
	return c.reviewed(ctx, o, cmd, out)
}

func (c *change) recordedBefore(ctx context.Context, number string, name order.CommandName, at time.Time, digest []byte) (before bool, err error) {
	err = c.GetContext(ctx, &before,
		`SELECT EXISTS (SELECT FROM commands WHERE order_number = $1 AND name = $2 AND at = $3 AND digest = $4)`, number, name, at, digest)
	return before, err
}

// detail is what the audit line of a command says: no personal data. A nil one says that the step had been recorded before.
type detail map[string]any

// apply does what follows from the command.
func (c *change) apply(ctx context.Context, o standing, cmd order.Command, at time.Time) (detail, error) {
	open := !o.State.Final() && o.State != order.Issuing
	switch cmd := cmd.(type) {
	case order.PhoneNumberVerified:
		return c.verifyNumber(ctx, o, open, cmd, at)
	case order.RepresentativeReached:
		return step(ctx, c, o, open, "reached_at", o.ReachedAt, cmd, at, detail{"how": cmd.How})
	case order.RepresentativeConfirmed:
		return step(ctx, c, o, open, "confirmed_at", o.ConfirmedAt, cmd, at, detail{})
	case order.OrderRejected:
		open = !o.State.Final() // also out of issuing, for one that is stuck there
	}
	if !open {
		return nil, wrongState(o.State)
	}
	switch cmd := cmd.(type) {
	case order.SubjectCorrected:
		return c.correct(ctx, o, cmd, at)
	case order.OrderRejected:
		return c.distrust(ctx, o, cmd, at)
	case order.InquiryOpened:
		return c.inquire(ctx, o, cmd, at)
	case order.InquiryAnswered:
		return c.answer(ctx, o, cmd, at)
	case order.ReviewDecided:
		return c.decideReview(ctx, o, cmd, at)
	case order.DomainMethodChanged:
		return detail{"method": cmd.Method}, nil
	default:
		return detail{}, nil
	}
}

// verifyNumber records the number that was established (G20, step 1). Another one replaces it, so that a slip can be mended, and
// voids the calls, which were made to the one before; a call recorded before any number stays.
func (c *change) verifyNumber(ctx context.Context, o standing, open bool, cmd order.PhoneNumberVerified, at time.Time) (detail, error) {
	if !o.NumberVerifiedAt.Valid {
		return step(ctx, c, o, open, "number_verified_at", o.NumberVerifiedAt, cmd, at, detail{"source": cmd.Source})
	}
	last, err := lastCommand[order.PhoneNumberVerified](ctx, c, o.Number)
	switch {
	case err != nil:
		return nil, err
	case order.SamePhoneStep(last, cmd):
		return nil, nil //nolint:nilnil // nil says that it had been recorded before
	case !open:
		return nil, wrongState(o.State)
	}
	if _, err = c.ExecContext(ctx, `UPDATE orders SET number_verified_at = $2, reached_at = NULL, confirmed_at = NULL WHERE number = $1`,
		o.Number, at); err != nil {
		return nil, err
	}
	return detail{"source": cmd.Source, "replaced": true}, c.invalidatePhone(ctx, o.Number, order.EndNumber, at)
}

// step records a phone step once (G20). The column is one of ours, never of a message.
func step[C order.Command](ctx context.Context, c *change, o standing, open bool, column string, before sql.NullTime, cmd C, at time.Time, d detail) (detail, error) {
	if before.Valid {
		last, err := lastCommand[C](ctx, c, o.Number)
		if err == nil && !order.SamePhoneStep(last, cmd) {
			err = otherContent()
		}
		return nil, err // nil says that it had been recorded before
	}
	if !open {
		return nil, wrongState(o.State)
	}
	_, err := c.ExecContext(ctx, `UPDATE orders SET `+column+` = $2 WHERE number = $1`, o.Number, at)
	return d, err
}

// lastCommand returns the command of this kind that was recorded last; its zero value without any.
func lastCommand[C order.Command](ctx context.Context, q queryer, number string) (C, error) {
	var rows []document[C] // at most one
	var kind C
	err := q.SelectContext(ctx, &rows, `SELECT content FROM commands WHERE order_number = $1 AND name = $2 ORDER BY position DESC LIMIT 1`, number, kind.Name())
	if err != nil || len(rows) == 0 {
		return kind, err
	}
	return rows[0].V, nil
}

// otherContent says that a phone step is recorded with another number or note, and how to take it anew; neither is repeated.
func otherContent() *fault.Error {
	return fault.New(fault.Conflict, "phone.number-differs",
		"この確認は別の電話番号または内容で既に記録されています。今回の内容は記録していません。やり直す場合は、申請団体の電話番号の確認 (phone-number-verified) を新しい番号または参照先で記録してから、改めて記録してください。",
		"This step is recorded already with another telephone number or note; nothing has changed. To take it anew, first record the organisation's "+
			"number (phone-number-verified) with the new number or reference.")
}

// correct replaces the subject by what has been validated (G10) and tells which fields changed, not their values.
func (c *change) correct(ctx context.Context, o standing, cmd order.SubjectCorrected, at time.Time) (detail, error) {
	if o.Type == order.Reissue {
		return nil, sameName()
	}
	var subject document[order.Subject]
	if err := c.GetContext(ctx, &subject, `SELECT subject FROM orders WHERE number = $1`, o.Number); err != nil {
		return nil, err
	}
	before, after := subject.V, cmd.Apply(subject.V)
	if before == after {
		return nil, nil //nolint:nilnil // nil says that it had been recorded before
	}
	if _, err := c.ExecContext(ctx, `UPDATE orders SET subject = $2 WHERE number = $1`, o.Number, asJSON(after)); err != nil {
		return nil, err
	}
	if before.Organization != after.Organization || before.Identifier != after.Identifier { // what was reused is of another organisation
		if err := c.endEveryReuse(ctx, o, order.EndCorrected, cmd.By(), at); err != nil {
			return nil, err
		}
	}
	return detail{"fields": changedFields(before, after)}, nil
}

func changedFields(before, after order.Subject) (fields []string) {
	for _, f := range after.CorrectedFrom(before) {
		fields = append(fields, f.Field)
	}
	return fields
}

// inquiryRow is a question with its answer.
type inquiryRow struct {
	Sequence   int
	OpenedAt   time.Time `db:"opened_at"`
	Question   string
	AnsweredAt sql.NullTime `db:"answered_at"`
	Answer     sql.NullString
}

const selectInquiries = `SELECT sequence, opened_at, question, answered_at, answer FROM inquiries WHERE order_number = $1 `

// lastInquiry returns the order's last question; its sequence is 0 without one.
func (c *change) lastInquiry(ctx context.Context, number string) (r inquiryRow, err error) {
	err = c.GetContext(ctx, &r, selectInquiries+`ORDER BY sequence DESC LIMIT 1`, number)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return r, err
}

func (c *change) inquire(ctx context.Context, o standing, cmd order.InquiryOpened, at time.Time) (detail, error) {
	last, err := c.lastInquiry(ctx, o.Number)
	switch {
	case err != nil:
		return nil, err
	case o.OpenInquiry && last.Question == cmd.Question:
		return nil, nil //nolint:nilnil // nil says that it had been recorded before
	case o.OpenInquiry:
		return nil, fault.New(fault.Conflict, "inquiry.open", "回答待ちのお問い合わせがあります。", "Another question still waits for its answer.")
	}
	sequence := last.Sequence + 1
	if _, err := c.ExecContext(ctx, `INSERT INTO inquiries (order_number, sequence, opened_at, question) VALUES ($1, $2, $3, $4)`,
		o.Number, sequence, at, cmd.Question); err != nil {
		return nil, err
	}
	_, err = c.ExecContext(ctx, `UPDATE orders SET open_inquiry = true WHERE number = $1`, o.Number)
	return detail{"inquiry": sequence}, err
}

func (c *change) answer(ctx context.Context, o standing, cmd order.InquiryAnswered, at time.Time) (detail, error) {
	last, err := c.lastInquiry(ctx, o.Number)
	switch {
	case err != nil:
		return nil, err
	case !o.OpenInquiry && last.Answer.Valid && last.Answer.String == cmd.Answer:
		return nil, nil //nolint:nilnil // nil says that it had been recorded before
	case !o.OpenInquiry:
		return nil, fault.New(fault.Conflict, "inquiry.none", "回答待ちのお問い合わせはありません。", "No question waits for an answer.")
	}
	if _, err := c.ExecContext(ctx, `UPDATE inquiries SET answered_at = $3, answer = $4 WHERE order_number = $1 AND sequence = $2`,
		o.Number, last.Sequence, at, cmd.Answer); err != nil {
		return nil, err
	}
	_, err = c.ExecContext(ctx, `UPDATE orders SET open_inquiry = false WHERE number = $1`, o.Number)
	return detail{"inquiry": last.Sequence}, err
}

func inquiries(ctx context.Context, q queryer, number string) ([]order.Inquiry, error) {
	var rows []inquiryRow
	err := q.SelectContext(ctx, &rows, selectInquiries+`ORDER BY sequence`, number)
	out := make([]order.Inquiry, len(rows))
	for i, r := range rows {
		out[i] = order.Inquiry{OpenedAt: r.OpenedAt.UTC(), Question: r.Question, AnsweredAt: timeOf(r.AnsweredAt), Answer: r.Answer.String}
	}
	return out, err
}

// RecordRefusal keeps that a message could not be applied, and why; reason holds no value of the message. Who sent it is not
// known: the message could not be read, or was not believed.
func (s *Store) RecordRefusal(ctx context.Context, number, command, reason string, at time.Time) error {
	command, reason, at = shorten(command), shorten(reason), stored(at)
	return s.change(ctx, func(c *change) error {
		if _, err := c.lockOrder(ctx, number); err != nil {
			return err
		}
		n, err := affected(c.ExecContext(ctx, `
			INSERT INTO refusals (order_number, command, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, number, command, reason, at))
		if err != nil || n == 0 {
			return err
		}
		if _, err := c.ExecContext(ctx, `UPDATE orders SET refusals = refusals + 1 WHERE number = $1`, number); err != nil {
			return err
		}
		return c.note(number, "unknown", "message-refused", map[string]any{"command": command, "reason": reason}, at)
	})
}
