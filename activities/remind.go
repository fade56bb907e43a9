package activities

import (
	"context"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// ExpiryRecords is what reminding needs of the record.
type ExpiryRecords interface {
	// ExpiringCertificates returns certificates of which somebody is to be reminded, in the order of their end.
	ExpiringCertificates(ctx context.Context, q order.ExpiryQuery) ([]order.Expiring, error)
	// RemindExpiry puts those of the letters into the outbox that their recipients have not had and still want, and returns their ids. It
	// decides under the order's lock: two runs at once write one letter.
	RemindExpiry(ctx context.Context, e order.Expiring, letters []order.Letter, at time.Time) ([]string, error)
}

// Poster starts the delivery of a letter that lies in the outbox. While it is on its way nothing more is started.
type Poster interface {
	Post(ctx context.Context, number, letter string) error
}

// Reminding tells people that their certificates end, at the milestones of the policy (ExpiryReminders).
type Reminding struct {
	Records   ExpiryRecords
	Poster    Poster
	Policy    policy.Book
	Addresses Addresses
	Clock     func() time.Time
}

// remindPage is how many certificates one activity takes: two letters each, which go out before the next page is looked at.
const remindPage = 50

// ExpiryInput says where the last page ended.
type ExpiryInput struct {
	After order.ExpiryMark `json:"after,omitzero"`
}

// ExpiryResult counts what a page came to.
type ExpiryResult struct {
	Certificates int `json:"certificates"`
	Letters      int `json:"letters"`
	Unposted     int `json:"unposted,omitempty"` // of the letters: their delivery could not be started, reconciliation will

	Next *order.ExpiryMark `json:"next,omitempty"` // nil: this was the last page
}

// RemindExpiry writes the letters of one page of certificates and starts their delivery. A repeat goes on where the last attempt was cut
// off.
func (r *Reminding) RemindExpiry(ctx context.Context, in ExpiryInput) (ExpiryResult, error) {
	now := r.Clock()
	q := order.ExpiryQuery{At: now, After: in.After, Limit: remindPage}
	for _, before := range r.Policy.At(now).ExpiryReminders {
		q.Milestones = append(q.Milestones, int(before/(24*time.Hour)))
	}
	due, err := r.Records.ExpiringCertificates(ctx, q)
	if err != nil {
		return ExpiryResult{}, err
	}
	out := ExpiryResult{Certificates: len(due)}
	for _, e := range due {
		posted, err := r.Records.RemindExpiry(ctx, e, r.letters(e, now), now)
		if err != nil {
			return out, err
		}
		out.Letters += len(posted)
		out.Unposted += postAll(ctx, r.Poster, e.Order, posted)
	}
	if len(due) == remindPage {
		last := due[len(due)-1].Mark()
		out.Next = &last
	}
	return out, nil
}

// letters writes to each recipient, with links of their own that live as long as the certificate can be renewed.
func (r *Reminding) letters(e order.Expiring, now time.Time) []order.Letter {
	expires := e.NotAfter.Add(r.Policy.At(now).RenewalAfter)
	var out []order.Letter
	for i, to := range e.Recipients() {
		l := letter(order.LetterExpiryReminder, fmt.Sprintf("%d/%d/%s", e.Sequence, e.Days, to), e.Order, e.Application, now, order.Facts{
			Domain: e.Domain, Serial: e.Serial, NotAfter: e.NotAfter, DaysLeft: e.DaysLeft(now),
		})
		if i > 0 { // whoever reads the certificate's address is not known by name
			l.Recipient, l.Facts.ContactName = to, ""
		}
		out = append(out, r.Addresses.withRenewal(l, expires))
	}
	return out
}

// postAll starts the delivery of letters and returns how many could not be started.
func postAll(ctx context.Context, p Poster, number string, letters []string) (unposted int) {
	for _, id := range letters {
		if err := p.Post(ctx, number, id); err != nil {
			activity.GetLogger(ctx).Warn("The delivery of a letter could not be started", "letter", id, "detail", fault.Detail(err))
			unposted++
		}
	}
	return unposted
}
