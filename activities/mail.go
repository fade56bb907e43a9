package activities

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Mailing delivers the outbox.
type Mailing struct {
	Records   Records
	Mailer    Mailer
	Policy    policy.Book
	Addresses Addresses
	Clock     func() time.Time
}

// DeliverInput names the order whose letters are delivered.
type DeliverInput struct{ Number string }

// DeliverResult counts what became of the letters of this attempt.
type DeliverResult struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"` // refused for good; the status shows them to staff
}

// DeliverLetters sends the order's pending letters. A letter that is refused for good is set aside; while one meets a passing
// failure the activity fails and is retried with what is left. A repeat carries the same Message-ID.
func (m *Mailing) DeliverLetters(ctx context.Context, in DeliverInput) (DeliverResult, error) {
	letters, err := m.Records.PendingLetters(ctx, in.Number)
	if err != nil {
		return DeliverResult{}, err
	}
	return m.deliverAll(ctx, letters)
}

// PostInput names one letter of an order.
type PostInput struct {
	Number string `json:"number"`
	Letter string `json:"letter"`
}

// DeliverLetter sends one pending letter of the order, as DeliverLetters does all. One that has been sent or refused is nothing to do.
func (m *Mailing) DeliverLetter(ctx context.Context, in PostInput) (DeliverResult, error) {
	letters, err := m.Records.PendingLetters(ctx, in.Number)
	if err != nil {
		return DeliverResult{}, err
	}
	return m.deliverAll(ctx, slices.DeleteFunc(letters, func(l order.Letter) bool { return l.ID != in.Letter }))
}

// deliverAll sends the letters, whatever becomes of each.
func (m *Mailing) deliverAll(ctx context.Context, letters []order.Letter) (DeliverResult, error) {
	var out DeliverResult
	var deferred error
	for _, l := range letters {
		state, err := m.deliver(ctx, l)
		switch {
		case err != nil:
			deferred = cmp.Or(deferred, err)
		case state == order.LetterSent:
			out.Sent++
		default:
			out.Failed++
		}
	}
	return out, deferred
}

// deliver sends one letter and records its fate; the error says that it is to be tried again.
func (m *Mailing) deliver(ctx context.Context, l order.Letter) (order.LetterState, error) {
	state := order.LetterSent
	reply, sendErr := m.Mailer.Send(ctx, l)
	if sendErr != nil {
		state = order.LetterPending
		if f := fault.Public(sendErr); f.Kind == fault.Invalid {
			state, sendErr = order.LetterFailed, nil
			reply = f.Text.EN
		} else if reply == "" {
			reply = f.Text.EN
		}
	}
	if err := m.Records.LetterDone(ctx, l.ID, state, reply, m.Clock()); err != nil {
		return state, err
	}
	return state, sendErr
}

// RemindInput names the order and how many reminders it has had.
type RemindInput struct {
	Number string `json:"number"`
	Nth    int    `json:"nth"`
}

// RemindResult is empty.
type RemindResult struct{}

// RemindContact puts a reminder into the outbox if something is awaited from the applicant's side.
func (m *Mailing) RemindContact(ctx context.Context, in RemindInput) (RemindResult, error) {
	st, err := m.Records.Order(ctx, in.Number)
	if err != nil {
		return RemindResult{}, err
	}
	var awaited []order.Awaited
	for _, a := range st.Awaited {
		if a.Party == order.PartyTechnicalContact || a.Party == order.PartyDomainOwner {
			awaited = append(awaited, a)
		}
	}
	if st.State.Final() || len(awaited) == 0 {
		return RemindResult{}, nil
	}
	now := m.Clock()
	l := letter(order.LetterReminder, fmt.Sprint(in.Nth), in.Number, st.Application, now, order.Facts{
		Domain: st.Domain, Deadline: st.DeadlineAt, Awaited: awaited,
	})
	l = m.Addresses.withStatus(l, now.Add(m.Policy.At(now).StatusLinkLife))
	if st.Challenge != nil {
		l.Facts.Method = st.Challenge.Method
	}
	return RemindResult{}, m.Records.RemindLetters(ctx, []order.Letter{l})
}
