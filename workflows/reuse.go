package workflows

import (
	"fmt"
	"strings"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// confirmReuse waits until the representative has said whether an application is theirs for which earlier validations could be reused (G16): they
// were asked at the address that was verified then. After a while, or once they are reached by phone, the order goes on without their
// answer; it still counts when it comes. Most orders have nothing to reuse and pass by.
func (o *run) confirmReuse() error {
	if !o.waitsForRepresentative() {
		return nil
	}
	o.letters = true // the receipt and the question travel together
	o.show()
	return o.await(func() bool { return !o.waitsForRepresentative() })
}

// waitsForRepresentative reports whether nothing else is done before they answer. Whoever asks for validation information meanwhile gets it.
func (o *run) waitsForRepresentative() bool {
	asked := !o.reused.AskedUntil.IsZero() && !o.answered && !o.waited
	return asked && !o.phone.all() && !o.domainProved() && o.challenge.Challenge == ""
}

// follow takes note of what the record says that the order stands on. A domain that is known needs no challenge; one that is not known any more needs a
// new one.
func (o *run) follow(r *order.Reused) {
	if r == nil {
		return
	}
	before := o.reused
	o.reused = *r
	switch {
	case r.Domain != "" && !o.domainProved():
		o.enter(order.OrganizationValidation)
	case r.Domain == "" && before.Domain != "":
		o.aged = o.challenge.Challenge
		o.enter(order.DomainValidation)
	default:
		o.show()
	}
}

// decideReuse records the representative's answer. A denial ends the order: somebody has applied in their name.
func (o *run) decideReuse(ctx workflow.Context, c order.ReuseConfirmed) (order.Outcome, error) {
	in := activities.ReuseInput{Number: o.number, Link: c.Link, Confirmed: *c.Approved, Actor: c.By()}
	res, err := call(ctx, recordOptions("representative's answer"), commands.DecideReuse, in)
	if err != nil {
		return order.Outcome{}, err
	}
	o.answered = true
	if !*c.Approved {
		o.stop(order.Rejected, c.By(), "the applicant representative says that the application is not theirs / 責任者の方から、ご本人によるお申し込みではないとの回答がありました")
		return order.Outcome{Applied: true, Text: fault.Text{JA: "ご本人によるお申し込みではないことを記録しました。", EN: "It is recorded that the application is not yours; no certificate will be issued."}}, nil
	}
	o.follow(&res.Reused)
	return order.Outcome{Applied: true, Text: fault.Text{JA: "確認を記録しました。", EN: "Your confirmation is recorded."}}, nil
}

// reuseLines says in the current details what is reused, and from which orders.
func (o *run) reuseLines() string {
	var b strings.Builder
	for _, r := range []struct{ what, from string }{{"domain", o.reused.Domain}, {"organisation", o.reused.Organization}} {
		if r.from != "" {
			fmt.Fprintf(&b, "- %s validated by order %s, reused\n", r.what, r.from)
		}
	}
	return b.String()
}
