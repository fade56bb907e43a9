package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// RevocationRecords is what revoking needs of the record.
type RevocationRecords interface {
	// Revocation returns the request as it stands.
	Revocation(ctx context.Context, id string) (order.Revocation, error)
	// UnfinishedRevocations returns the requests older than the moment that still have something to come.
	UnfinishedRevocations(ctx context.Context, before time.Time) ([]order.Revocation, error)
	// EscalateRevocation records the nth warning of an unfinished request with its letters, once.
	EscalateRevocation(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter) error
	// RevocationNotified puts the letters about a revocation into the outbox, once.
	RevocationNotified(ctx context.Context, id string, at time.Time, letters []order.Letter) error
	// Order returns the order as it stands; its Status.Application is filled.
	Order(ctx context.Context, number string) (order.Status, error)
	// PendingLetters returns the order's undelivered letters.
	PendingLetters(ctx context.Context, number string) ([]order.Letter, error)
	// RequestRevocation keeps a request and revokes what it names; the same id again changes nothing.
	RequestRevocation(ctx context.Context, r order.RevocationRequest) (order.Revocation, error)
	// Original returns the certificate that a reissue is of.
	Original(ctx context.Context, number string) (order.Original, order.ReissueFacts, error)
}

// Revoking sees a recorded revocation through: its clock, its letters.
type Revoking struct {
	Records RevocationRecords
	Policy  policy.Book
	Support string // the operator's address, which hears of a clock that runs out; empty: nobody is mailed
	// TakeUp starts the workflow of a request unless it is under way.
	TakeUp func(ctx context.Context, id string) error
	Clock  func() time.Time
}

// RevocationInput names a request.
type RevocationInput struct {
	ID string `json:"id"`
}

// RevocationStanding is how far a request is. It holds nothing personal.
type RevocationStanding struct {
	Undecided bool        `json:"undecided,omitempty"`
	Declined  bool        `json:"declined,omitempty"`
	Published bool        `json:"published,omitempty"`
	Notified  bool        `json:"notified,omitempty"`
	Issuers   []string    `json:"issuers,omitempty"` // whose lists it changes
	DueAt     time.Time   `json:"due_at"`
	Warnings  []time.Time `json:"warnings,omitempty"` // when it is escalated unless it is published by then
}

// ReadRevocation returns how far the request is.
func (r *Revoking) ReadRevocation(ctx context.Context, in RevocationInput) (RevocationStanding, error) {
	rev, err := r.Records.Revocation(ctx, in.ID)
	if err != nil {
		return RevocationStanding{}, err
	}
	s := RevocationStanding{
		Undecided: rev.Undecided(), Declined: rev.Declined, Published: !rev.PublishedAt.IsZero(), Notified: !rev.NotifiedAt.IsZero(),
		Issuers: rev.Issuers(), DueAt: rev.DueAt,
	}
	for _, before := range r.Policy.At(rev.RequestedAt).RevocationWarnings {
		if at := rev.DueAt.Add(-before); at.After(rev.RequestedAt) {
			s.Warnings = append(s.Warnings, at)
		}
	}
	return s, nil
}

// EscalateInput names a warning of a request: the nth, from 1.
type EscalateInput struct {
	ID  string `json:"id"`
	Nth int    `json:"nth"`
}

// LettersResult names letters to be delivered.
type LettersResult struct {
	Letters []PostInput `json:"letters,omitempty"`
}

// EscalateRevocation tells the operator, in the audit trail and by mail, that the clock of a request runs out.
func (r *Revoking) EscalateRevocation(ctx context.Context, in EscalateInput) (LettersResult, error) {
	rev, err := r.Records.Revocation(ctx, in.ID)
	if err != nil {
		return LettersResult{}, err
	}
	var letters []order.Letter
	if r.Support != "" && len(rev.Certificates) > 0 {
		c := rev.Certificates[0]
		st, err := r.Records.Order(ctx, c.Order)
		if err != nil {
			return LettersResult{}, err
		}
		l := letter(order.LetterRevocationClock, fmt.Sprintf("%s/%d", in.ID, in.Nth), c.Order, st.Application, r.Clock(), order.Facts{
			Serial: c.Serial, Deadline: rev.DueAt, Request: rev.ID, RevocationReason: rev.Reason.String(),
		})
		l.Recipient, l.Facts.ContactName, l.Facts.CertificateEmail = r.Support, "", ""
		letters = append(letters, l)
	}
	if err := r.Records.EscalateRevocation(ctx, in.ID, in.Nth, r.Clock(), letters); err != nil {
		return LettersResult{}, err
	}
	return r.pending(ctx, rev, order.LetterRevocationClock)
}

// NotifyRevocation writes to the certificate address and to the technical contact that the certificate is revoked.
func (r *Revoking) NotifyRevocation(ctx context.Context, in RevocationInput) (LettersResult, error) {
	rev, err := r.Records.Revocation(ctx, in.ID)
	if err != nil {
		return LettersResult{}, err
	}
	var letters []order.Letter
	for _, c := range rev.Certificates {
		st, err := r.Records.Order(ctx, c.Order)
		if err != nil {
			return LettersResult{}, err
		}
		letters = append(letters, revoked(st, c, rev, r.Clock())...)
	}
	if err := r.Records.RevocationNotified(ctx, in.ID, r.Clock(), letters); err != nil {
		return LettersResult{}, err
	}
	return r.pending(ctx, rev, order.LetterRevoked)
}

// revoked are the letters about one certificate.
func revoked(st order.Status, c order.RevocationOfOne, rev order.Revocation, now time.Time) []order.Letter {
	facts := order.Facts{Domain: st.Domain, Serial: c.Serial, RevokedAt: c.RevokedAt, RevocationReason: rev.Reason.String()}
	key := fmt.Sprintf("%s/%d/", rev.ID, c.Sequence)
	contact := letter(order.LetterRevoked, key+"contact", c.Order, st.Application, now, facts)
	user := letter(order.LetterRevoked, key+"certificate", c.Order, st.Application, now, facts)
	user.Recipient, user.Facts.ContactName = st.CertificateEmail, ""
	if user.Recipient == contact.Recipient {
		return []order.Letter{contact}
	}
	return []order.Letter{user, contact}
}

// pending names the undelivered letters of the kind that the request's orders have. A repeat finds those that an attempt before it wrote.
func (r *Revoking) pending(ctx context.Context, rev order.Revocation, kind order.LetterKind) (LettersResult, error) {
	var out LettersResult
	seen := map[string]bool{}
	for _, c := range rev.Certificates {
		if seen[c.Order] {
			continue
		}
		seen[c.Order] = true
		letters, err := r.Records.PendingLetters(ctx, c.Order)
		if err != nil {
			return out, err
		}
		for _, l := range letters {
			if l.Kind == kind {
				out.Letters = append(out.Letters, PostInput{Number: l.Order, Letter: l.ID})
			}
		}
	}
	return out, nil
}

// takeUpAfter is how old a request is before it is looked after from here: its door starts its workflow within seconds.
const takeUpAfter = 5 * time.Minute

// TakeUpInput is empty.
type TakeUpInput struct{}

// TakeUpResult counts the requests that were taken up.
type TakeUpResult struct {
	Requests int `json:"requests"`
}

// TakeUpRevocations starts the workflow of every request that still has something to come. So none is lost whose door could not
// reach Temporal, or whose workflow was ended by hand.
func (r *Revoking) TakeUpRevocations(ctx context.Context, _ TakeUpInput) (TakeUpResult, error) {
	unfinished, err := r.Records.UnfinishedRevocations(ctx, r.Clock().Add(-takeUpAfter))
	if err != nil {
		return TakeUpResult{}, err
	}
	for _, rev := range unfinished {
		if err := r.TakeUp(ctx, rev.ID); err != nil {
			return TakeUpResult{}, err
		}
	}
	return TakeUpResult{Requests: len(unfinished)}, nil
}

// OriginalInput names a reissue for the compromise of its original's key, and the member of staff who approved it.
type OriginalInput struct {
	Number string    `json:"number"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"` // of the approval: the clock runs from it
}

// RevokeOriginal revokes the original of a reissue whose key is compromised, with every other certificate that has the key (SBR 4.9.1.1:
// within 24 hours), and sets the request on its way. Repeated, it finds the request. One that is revoked for that already stays so.
func (r *Revoking) RevokeOriginal(ctx context.Context, in OriginalInput) (RevocationInput, error) {
	original, _, err := r.Records.Original(ctx, in.Number)
	if err != nil {
		return RevocationInput{}, err
	}
	clock := r.Policy.At(in.At).RevocationClock(order.RevocationByStaff, order.ReasonKeyCompromise)
	rev, err := r.Records.RequestRevocation(ctx, order.RevocationRequest{
		ID: uuid.NewSHA1(uuid.NameSpaceOID, []byte("revocation for reissue "+in.Number)).String(), Origin: order.RevocationByStaff, Actor: in.Actor,
		Reason: order.ReasonKeyCompromise, Issuer: original.Issuer, Serial: original.Serial, Note: "reissue " + in.Number,
		At: in.At, DueAt: in.At.Add(clock),
	})
	if err != nil {
		return RevocationInput{}, err
	}
	if err := r.TakeUp(ctx, rev.ID); err != nil {
		activity.GetLogger(ctx).Warn("A revocation is recorded and will be taken up later", "request", rev.ID, "error", err)
	}
	return RevocationInput{ID: rev.ID}, nil
}
