package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// contactOf is the address of the technical contact of an order o, in small letters; the index orders_contact is by it.
const contactOf = `lower(o.application -> 'technical_contact' ->> 'email')`

// mayName is the condition under which an application may name a technical contact at a time: they have not been named most times in a day, or known
// times if one of their orders of the last year was issued. It sees what was committed before its statement: submissions at one and the same
// moment may exceed it by their number, each with a voucher of its own.
func mayName(contact, at, most, known string) string {
	return `(SELECT count(*) FROM orders o WHERE ` + contactOf + ` = lower(` + contact + `) AND o.created_at > ` + at + ` - interval '1 day')
		< CASE WHEN EXISTS (SELECT FROM orders o WHERE ` + contactOf + ` = lower(` + contact + `) AND o.created_at > ` + at + ` - interval '1 year' AND o.state = 'issued')
			THEN ` + known + ` ELSE ` + most + ` END`
}

// mayBeNamed returns why the application is not accepted for the sake of its technical contact, or nil.
func mayBeNamed(ctx context.Context, q queryer, a order.Acceptance) error {
	var may bool
	err := q.GetContext(ctx, &may, `SELECT `+mayName("$1::text", "$2::timestamptz", "$3::int", "$4::int"),
		a.Submission.Application.TechnicalContact.Email, stored(a.At), a.OfContact, a.OfKnownContact)
	if err != nil || may {
		return err
	}
	return fault.New(fault.TooMany, "submission.too-many",
		"この技術担当者のメールアドレスでのお申し込みが、この24時間の上限に達しました。今回の内容は受け付けていません（バウチャー/クーポンは使われていません）。明日以降にもう一度お申し込みになるか、サポートにご連絡ください。",
		"As many applications as are possible within 24 hours have named this technical contact. This one has not been accepted, and its voucher is not used. Please try again tomorrow, or contact our support.")
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
