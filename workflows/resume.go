package workflows

import (
	"slices"
	"time"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

// Resume is the input with which the workflow of an accepted order goes on where the record has the order, after its last run was cut off
// or lost. Everything that the workflow does next is done once, because the record says so: a challenge is given out under its
// sequence, a certificate under its own.
func Resume(st order.Status, plan activities.Plan, at time.Time) OrderInput {
	c := &Carried{
		Plan: plan, State: st.State, Since: st.StateSince, Restarted: true,
		OpenInquiry: slices.ContainsFunc(st.Inquiries, func(i order.Inquiry) bool { return i.AnsweredAt.IsZero() }),
		Phone: PhoneDone{
			Number: !st.Phone.NumberVerifiedAt.IsZero(), Reached: !st.Phone.ReachedAt.IsZero(), Confirmed: !st.Phone.ConfirmedAt.IsZero(),
		},
	}
	if ch := st.Challenge; ch != nil {
		c.Challenge = activities.OpenResult{Challenge: ch.ID, Sequence: ch.Sequence, Method: ch.Method, ExpiresAt: ch.ExpiresAt, MailsHeld: !ch.MailsAfter.IsZero()}
	}
	if st.Reuse != nil {
		c.Reused, c.Answered = *st.Reuse.Standing(st.State), !st.Reuse.AnsweredAt.IsZero()
	}
	c.End, c.Compromised = decidedEnd(st), stillToRevoke(st)
	for _, reminder := range plan.Reminders {
		if !reminder.After(at) {
			c.Reminded++
		}
	}
	return OrderInput{Number: st.Number, Carried: c}
}

// decidedEnd is the end that somebody's word has brought about, if the run that recorded it was cut off before it closed the order: a
// denial must not be forgotten, or a thief would only have to wait for an accident.
func decidedEnd(st order.Status) *CarriedEnd {
	ends := map[string]order.State{
		"domain-denied": order.Rejected, "reuse-denied": order.Rejected,
		string(order.CmdOrderRejected): order.Rejected, string(order.CmdOrderCancelled): order.Cancelled,
	}
	if st.State == order.Review { // an approval would have moved it on
		ends[string(order.CmdReviewDecided)] = order.Rejected
	}
	for _, e := range slices.Backward(st.Timeline) {
		if state, ok := ends[e.Action]; ok {
			return &CarriedEnd{State: state, Actor: e.Actor, Reason: activities.ReasonDecided}
		}
	}
	return nil
}

// stillToRevoke names the original of a reissue that was approved for the compromise of its key and is not revoked yet; nil for any
// other order.
func stillToRevoke(st order.Status) *activities.OriginalInput {
	if r := st.Reissue; r == nil || r.Reason != order.KeyCompromise || r.Original == nil || !r.Original.RevokedAt.IsZero() || st.State == order.Review {
		return nil
	}
	for _, e := range slices.Backward(st.Timeline) {
		if e.Action == string(order.CmdReviewDecided) {
			return &activities.OriginalInput{Number: st.Number, Actor: e.Actor, At: e.At}
		}
	}
	return nil
}
