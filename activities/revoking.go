package activities

import (
	"context"
	"fmt"
	"slices"
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
	// EscalateAnswer is EscalateRevocation for the preliminary answer to a problem report.
	EscalateAnswer(ctx context.Context, id string, nth int, at time.Time, letters []order.Letter) error
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
	// Wake does so, too, and has one that is under way look into the record again.
	Wake  func(ctx context.Context, id string) error
	Clock func() time.Time
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

	Answered       bool        `json:"answered,omitempty"`
	AnswerDueAt    time.Time   `json:"answer_due_at,omitzero"`    // of a problem report
	AnswerWarnings []time.Time `json:"answer_warnings,omitempty"` // as Warnings, unless it is answered by then
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
	s.Answered, s.AnswerDueAt = !rev.AnsweredAt.IsZero(), rev.AnswerDueAt
	for _, before := range r.Policy.At(rev.RequestedAt).RevocationWarnings {
		if at := rev.DueAt.Add(-before); at.After(rev.RequestedAt) {
			s.Warnings = append(s.Warnings, at)
		}
		if at := rev.AnswerDueAt.Add(-before); at.After(rev.RequestedAt) && rev.AnswerDueAt.Before(rev.DueAt) {
			s.AnswerWarnings = append(s.AnswerWarnings, at) // else the clock of the revocation speaks for both
		}
	}
	return s, nil
}

// EscalateInput names a warning of a request: the nth, from 1.
type EscalateInput struct {
	ID     string `json:"id"`
	Nth    int    `json:"nth"`
	Answer bool   `json:"answer,omitempty"` // of the clock of the preliminary answer
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
		key, due := fmt.Sprintf("%s/%d", in.ID, in.Nth), rev.DueAt
		if in.Answer {
			key, due = fmt.Sprintf("%s/answer/%d", in.ID, in.Nth), rev.AnswerDueAt
		}
		l := letter(order.LetterRevocationClock, key, c.Order, st.Application, r.Clock(), order.Facts{
			Serial: c.Serial, Deadline: due, Request: rev.ID, RevocationReason: rev.Reason.String(), Preliminary: in.Answer,
		})
		l.Recipient, l.Facts.ContactName, l.Facts.CertificateEmail = r.Support, "", ""
		letters = append(letters, l)
	}
	record := r.Records.EscalateRevocation
	if in.Answer {
		record = r.Records.EscalateAnswer
	}
	if err := record(ctx, in.ID, in.Nth, r.Clock(), letters); err != nil {
		return LettersResult{}, err
	}
	return r.pending(ctx, rev, order.LetterRevocationClock)
}

// NotifyRevocation writes to the certificate address and to the technical contact that the certificate is revoked, unless another request
// has done it, which tells them; and to whoever reported it.
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
		if c.RevokedBy == rev.ID {
			letters = append(letters, revoked(st, c, rev, r.Clock())...)
		}
		if rev.Reporter != "" && c == rev.Certificates[0] {
			letters = append(letters, reporterAnswer(st, rev, r.Clock(), "", "revoked"))
		}
	}
	if err := r.Records.RevocationNotified(ctx, in.ID, r.Clock(), letters); err != nil {
		return LettersResult{}, err
	}
	return r.pending(ctx, rev, order.LetterRevoked, order.LetterReportAnswer)
}

// ReportAnswer are the letters that say to whoever reported a problem with a certificate, and to its technical contact, what was found.
func ReportAnswer(st order.Status, rev order.Revocation, now time.Time, words, outcome string) []order.Letter {
	contact := reporterAnswer(st, rev, now, words, outcome)
	contact.Key += "/contact"
	own := letter(order.LetterReportAnswer, "", st.Number, st.Application, now, contact.Facts)
	contact.Recipient, contact.Facts.ContactName, contact.Facts.Other.ContactName = own.Recipient, own.Facts.ContactName, own.Facts.Other.ContactName
	letters := []order.Letter{contact}
	if rev.Reporter != "" {
		letters = append(letters, reporterAnswer(st, rev, now, words, outcome))
	}
	return letters
}

// reporterAnswer names the certificate by its serial number and says nothing else of the order to a stranger.
func reporterAnswer(st order.Status, rev order.Revocation, now time.Time, words, outcome string) order.Letter {
	l := letter(order.LetterReportAnswer, rev.ID+"/"+outcome, st.Number, st.Application, now, order.Facts{
		Serial: rev.Certificates[0].Serial, Request: rev.ID, Reason: words, Outcome: outcome,
	})
	l.Recipient, l.Facts.ContactName, l.Facts.CertificateEmail, l.Facts.Organization, l.Facts.Other = rev.Reporter, "", "", "", order.Names{}
	return l
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

// pending names the undelivered letters of the kinds that the request's orders have. A repeat finds those that an attempt before it wrote.
func (r *Revoking) pending(ctx context.Context, rev order.Revocation, kinds ...order.LetterKind) (LettersResult, error) {
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
			if slices.Contains(kinds, l.Kind) {
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

// wakeFor is how long after a decision a workflow is told to look: one that did not hear of it does, and its history stays short.
const wakeFor = time.Hour

// TakeUpRevocations starts the workflow of every request that still has something to come. So none is lost whose door could not
// reach Temporal, or whose workflow was ended by hand. One under way is left alone, however often this is done, unless something has been
// decided lately: by staff, or by another request that revoked the certificate of a report.
func (r *Revoking) TakeUpRevocations(ctx context.Context, _ TakeUpInput) (TakeUpResult, error) {
	unfinished, err := r.Records.UnfinishedRevocations(ctx, r.Clock().Add(-takeUpAfter))
	if err != nil {
		return TakeUpResult{}, err
	}
	for _, rev := range unfinished {
		begin := r.TakeUp
		if !rev.Undecided() && rev.DecidedAt.After(rev.RequestedAt) && r.Clock().Sub(rev.DecidedAt) < wakeFor {
			begin = r.Wake
		}
		if err := begin(ctx, rev.ID); err != nil {
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
