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
		c.Challenge = activities.OpenResult{Challenge: ch.ID, Sequence: ch.Sequence, Method: ch.Method, ExpiresAt: ch.ExpiresAt}
	}
	if st.Reuse != nil {
		c.Reused, c.Answered = *st.Reuse.Standing(st.State), !st.Reuse.AnsweredAt.IsZero()
	}
	for _, reminder := range plan.Reminders {
		if !reminder.After(at) {
			c.Reminded++
		}
	}
	return OrderInput{Number: st.Number, Carried: c}
}
