package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// validateDomain proves control of the e-mail domain (G16 ①): it gives out random values, one after the other as they age or as
// the applicant changes the method, until one is found or approved.
func (o *run) validateDomain() error {
	for !o.domainProved() && !o.over() && !o.tired() {
		before := o.challenge.Challenge
		err := o.ensureChallenge()
		o.letters = true // the receipt and the challenge travel together
		if err == nil {
			err = o.watchChallenge()
		} else {
			// Policy may have forbidden the method meanwhile: the applicant chooses another.
			err = o.blockedBy(err, func() bool { return o.challenge.Challenge != before })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// domainProved reports whether the domain stage is behind us.
func (o *run) domainProved() bool {
	return o.state != order.Accepted && o.state != order.Review && o.state != order.DomainValidation
}

// ensureChallenge gives out a random value if there is none, or if the last one reached its age limit (A8–A11).
func (o *run) ensureChallenge() error {
	if err := o.lock.Lock(o.ctx); err != nil {
		return err
	}
	defer o.lock.Unlock()
	method, why := o.plan.Method, activities.OpenFirst
	if o.challenge.Challenge != "" {
		if o.challenge.Challenge != o.aged && workflow.Now(o.ctx).Before(o.challenge.ExpiresAt) {
			return nil
		}
		method, why = o.challenge.Method, activities.OpenAged
	}
	return o.openChallenge(o.ctx, method, why, "system")
}

// openChallenge gives out the next challenge. The caller holds the lock.
func (o *run) openChallenge(ctx workflow.Context, m order.DCVMethod, why, actor string) error {
	seq := o.challenge.Sequence + 1
	in := activities.OpenInput{Number: o.number, Sequence: seq, Method: m, Why: why, Actor: actor}
	c, err := call(ctx, lookOptions(fmt.Sprintf("challenge %d by %s, %s", seq, m, why)), domain.OpenChallenge, in)
	if err != nil {
		return err
	}
	o.challenge, o.letters = c, true
	o.follow(c.Reused)
	if c.Satisfied { // by an attempt whose answer was lost
		o.enter(order.OrganizationValidation)
	} else {
		o.enter(order.DomainValidation)
	}
	return nil
}

// watchChallenge waits for the current challenge to be satisfied, replaced or aged. Polling is one activity that the server
// retries for days at no cost in events; an e-mail challenge is satisfied by a command.
func (o *run) watchChallenge() error {
	current := o.challenge
	ctx, cancel := workflow.WithCancel(o.ctx)
	defer cancel()
	var poll *pending[activities.CheckResult]
	if current.Method != order.DCVEmail {
		in := activities.CheckInput{Number: o.number, Challenge: current.Challenge, Actor: "system"}
		p := start(ctx, pollOptions("poll "+string(current.Method)), domain.PollDomain, in)
		poll = &p
	}
	err := o.await(func() bool {
		return poll != nil && poll.ready() || o.aged == current.Challenge || o.domainProved() || o.challenge.Challenge != current.Challenge
	})
	if err != nil || poll == nil || !poll.ready() || o.domainProved() {
		return err
	}
	if _, err := poll.get(ctx); err != nil {
		return o.pollFailed(current, err)
	}
	o.enter(order.OrganizationValidation)
	return nil
}

// pollFailed handles a poll that ended for good without finding the value: the challenge was replaced while it looked, or the
// record refused the evidence. In the second case staff see why, and polling starts anew after a while.
func (o *run) pollFailed(c activities.OpenResult, err error) error {
	if o.challenge.Challenge != c.Challenge || o.over() {
		return nil
	}
	return o.blockedBy(err, func() bool { return o.challenge.Challenge != c.Challenge || o.aged == c.Challenge || o.domainProved() })
}

// permitsDomain says whether a command of the domain stage fits.
func (o *run) permitsDomain(ctx workflow.Context, cmd order.Command) error {
	if o.domainProved() {
		return fault.New(fault.Conflict, "dcv.done", "ドメインの認証は完了しています。", "The domain has been validated already.")
	}
	if err := o.permitsReview(cmd); err != nil {
		return err
	}
	if _, ok := cmd.(order.DomainCheckNow); !ok {
		return nil
	}
	switch {
	case o.challenge.Challenge == "":
		return fault.New(fault.Conflict, "dcv.none", "認証情報の準備中です。", "The validation information is still being prepared.")
	case o.challenge.Method == order.DCVEmail:
		return fault.New(fault.Conflict, "dcv.email", "メール認証は、届いたメールから承認してください。", "E-mail validation is completed from the mail; there is nothing to check.")
	case workflow.Now(ctx).Sub(o.checkedAt) < checkInterval:
		return fault.New(fault.TooMany, "dcv.too-often", "確認の間隔が短すぎます。少し待ってからお試しください。", "It was checked a moment ago; wait a little and try again.")
	}
	return nil
}

// checkNow looks for the value at once and says what it saw.
func (o *run) checkNow(ctx workflow.Context, c order.DomainCheckNow) (order.Outcome, error) {
	o.checkedAt = workflow.Now(ctx)
	in := activities.CheckInput{Number: o.number, Challenge: o.challenge.Challenge, Actor: c.By()}
	res, err := call(ctx, askedOptions("check now"), domain.CheckDomain, in)
	if err != nil {
		return order.Outcome{}, err
	}
	if res.Found {
		o.enter(order.OrganizationValidation)
	}
	return order.Outcome{Applied: true, Found: res.Found, Text: res.Text}, nil
}

// changeMethod replaces the challenge by one of another method.
func (o *run) changeMethod(ctx workflow.Context, c order.DomainMethodChanged) (order.Outcome, error) {
	before := o.challenge.Challenge
	if err := o.openChallenge(ctx, c.Method, activities.OpenMethodChanged, c.By()); err != nil {
		return order.Outcome{}, err
	}
	if before != "" && o.challenge.Challenge == before {
		return order.Outcome{Text: fault.Text{JA: "すでにこの認証方式です。変更はありません。", EN: "This is the method already; nothing changed."}}, nil
	}
	return order.Outcome{Applied: true, Text: fault.Text{JA: "認証方式を変更し、新しい認証情報を送付しました。", EN: "The method is changed and new validation information is on its way."}}, nil
}

// resend sends the validation information again.
func (o *run) resend(ctx workflow.Context, c order.ChallengeResent) (order.Outcome, error) {
	method := o.challenge.Method
	if method == "" {
		method = o.plan.Method
	}
	if err := o.openChallenge(ctx, method, activities.OpenResent, c.By()); err != nil {
		return order.Outcome{}, err
	}
	return order.Outcome{Applied: true, Text: fault.Text{JA: "認証情報を再送しました。", EN: "The validation information is sent again."}}, nil
}

// decideApproval records the domain owner's decision (G17). A denial ends the order: the owner does not want this certificate.
func (o *run) decideApproval(ctx workflow.Context, c order.DomainApproved) (order.Outcome, error) {
	in := activities.ApprovalInput{Number: o.number, Link: c.Link, Approved: *c.Approved, Actor: c.By()}
	if _, err := call(ctx, recordOptions("domain owner's decision"), domain.DecideApproval, in); err != nil {
		return order.Outcome{}, err
	}
	if !*c.Approved {
		o.stop(order.Rejected, c.By(), activities.ReasonDenied)
		return order.Outcome{Applied: true, Text: fault.Text{JA: "承認しないことを記録しました。", EN: "Your refusal is recorded; no certificate will be issued."}}, nil
	}
	o.enter(order.OrganizationValidation)
	return order.Outcome{Applied: true, Text: fault.Text{JA: "承認を記録しました。", EN: "Your approval is recorded."}}, nil
}
