package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// contactOf is the address of the technical contact of an order o, in small letters; the index orders_contact is by it.
const contactOf = `lower(o.application -> 'technical_contact' ->> 'email')`

// mayName is the condition under which an application may name a technical contact at a time: fewer than most that named them in a day have ended
// without a certificate. What is under way does not count: it holds a voucher each.
func mayName(contact, at, most string) string {
	return `(SELECT count(*) FROM orders o WHERE ` + contactOf + ` = lower(` + contact + `) AND o.created_at > ` + at + ` - interval '1 day'
		AND o.state IN ('rejected', 'cancelled', 'expired')) < ` + most
}

// mayBeNamed returns why the application is not accepted for the sake of its technical contact, or nil.
func mayBeNamed(ctx context.Context, q queryer, a order.Acceptance) error {
	var may bool
	err := q.GetContext(ctx, &may, `SELECT `+mayName("$1::text", "$2::timestamptz", "$3::int"),
		a.Submission.Application.TechnicalContact.Email, stored(a.At), a.EndedOfContact)
	if err != nil || may {
		return err
	}
	return fault.New(fault.TooMany, "submission.too-many",
		"この技術担当者のメールアドレスでは、この24時間に多くのお申し込みが取り消されています。今回の内容は受け付けていません（バウチャー/クーポンは使われていません）。明日以降にもう一度お申し込みになるか、サポートにご連絡ください。",
		"Many applications that named this technical contact have been withdrawn within 24 hours. This one has not been accepted, and its voucher is not used. Please try again tomorrow, or contact our support.")
}

// questionsEvery is how often one representative is asked whether an application is theirs. Whoever knows an organisation's name could have them
// asked any number of times; the orders between are validated by phone.
const questionsEvery = 24 * time.Hour

// mayAskRepresentative reports whether they were not asked lately, about any order.
func (c *change) mayAskRepresentative(ctx context.Context, email string, at time.Time) (may bool, err error) {
	if err := c.oneAtATime(ctx, "questions to "+email); err != nil {
		return false, err
	}
	err = c.GetContext(ctx, &may, `
		SELECT NOT EXISTS (SELECT FROM letters WHERE kind = 'reuse-confirmation' AND lower(recipient) = lower($1) AND created_at > $2)`,
		email, stored(at.Add(-questionsEvery)))
	return may, err
}
