package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Domain proves control of the e-mail domain (G16 ①).
type Domain struct {
	Records     Records
	Prober      Prober
	Contacts    ContactFinder
	Policy      policy.Book
	Addresses   Addresses
	CNAMETarget string                                             // where the CNAME must point (G19)
	NewToken    func(order.DCVMethod) (string, error)              // random value, empty for e-mail
	Next        func(c dcv.Challenge, now time.Time) time.Duration // until polling looks again
	Clock       func() time.Time
}

// Why a challenge is opened.
const (
	OpenFirst         = "first"
	OpenAged          = "aged"           // its random value reached the age limit
	OpenMethodChanged = "method-changed" // the applicant chose another method
	OpenResent        = "resent"         // the applicant asked for the information again
)

// OpenInput asks for the order's challenge number Sequence. Repeated, it answers with the stored one. A change to the method that the current
// challenge has answers with that one and its own Sequence.
type OpenInput struct {
	Number   string          `json:"number"`
	Sequence int             `json:"sequence"`
	Method   order.DCVMethod `json:"method"`
	Why      string          `json:"why"`
	Actor    string          `json:"actor"`
}

// OpenResult is the part of a challenge that the workflow needs; the random value stays in the record.
type OpenResult struct {
	Challenge string          `json:"challenge"`
	Sequence  int             `json:"sequence"`
	Method    order.DCVMethod `json:"method"`
	ExpiresAt time.Time       `json:"expires_at"`
	Satisfied bool            `json:"satisfied,omitempty"`  // its value had been found before; only a lost answer shows this
	MailsHeld bool            `json:"mails_held,omitempty"` // e-mail: nobody was asked, since the domain has had too many approval mails
	Reused    *order.Reused   `json:"reused,omitempty"`     // the domain is known from an earlier order, and no challenge is needed; likewise
}

// OpenChallenge gives out a random value and announces it: to the technical contact for file and DNS (G15), to the domain's
// addresses for e-mail (G17). Where the domain has had too many approval mails lately the technical contact is told instead, who may choose another
// method or have them sent later; whoever asks for such mails then is refused (letter.too-often).
func (d *Domain) OpenChallenge(ctx context.Context, in OpenInput) (OpenResult, error) {
	st, err := d.Records.Order(ctx, in.Number)
	if err != nil {
		return OpenResult{}, err
	}
	if e := st.Reuse.Live(order.DomainEvidence); e != nil {
		return OpenResult{Method: in.Method, Satisfied: true, Reused: st.Reuse.Standing(st.State)}, nil
	}
	now := d.Clock()
	rules := d.Policy.At(now)
	if rules.Methods[in.Method] == policy.Forbidden {
		return OpenResult{}, fault.New(fault.Invalid, "dcv.method-forbidden",
			"このドメイン認証方式は現在ご利用いただけません。", "This domain validation method may no longer be used.")
	}
	if c := st.Challenge; in.Why == OpenMethodChanged && standsFor(c, in.Method, now) {
		return OpenResult{Challenge: c.ID, Sequence: c.Sequence, Method: c.Method, ExpiresAt: c.ExpiresAt, MailsHeld: !c.MailsAfter.IsZero()}, nil
	}
	c, err := d.newChallenge(ctx, in, st, rules, now)
	if err != nil {
		return OpenResult{}, err
	}
	letters, err := d.announce(ctx, in.Why, c, st, rules, now)
	if err != nil {
		return OpenResult{}, err
	}
	c, err = d.Records.OpenChallenge(ctx, c, letters, in.Actor)
	if err != nil {
		return OpenResult{}, err
	}
	return OpenResult{
		Challenge: c.ID, Sequence: c.Sequence, Method: c.Method, ExpiresAt: c.ExpiresAt, Satisfied: !c.SatisfiedAt.IsZero(),
		MailsHeld: !c.MailsAfter.IsZero(),
	}, nil
}

// standsFor reports whether the challenge is open by this method: changing to it changes nothing, and a button pressed twice voids no value that has
// just been mailed.
func standsFor(c *order.ChallengeView, m order.DCVMethod, now time.Time) bool {
	return c != nil && c.Method == m && c.EndedAt.IsZero() && c.SatisfiedAt.IsZero() && now.Before(c.ExpiresAt)
}

// newChallenge makes the challenge asked for. The same value is sent again on a resend, and keeps its age (A8–A11).
func (d *Domain) newChallenge(ctx context.Context, in OpenInput, st order.Status, rules policy.Rules, now time.Time) (dcv.Challenge, error) {
	token, err := d.NewToken(in.Method)
	if err != nil {
		return dcv.Challenge{}, err
	}
	c := dcv.Challenge{
		ID: uuid.NewString(), Order: in.Number, Sequence: in.Sequence, Method: in.Method, Domain: st.Domain,
		Token: token, Target: d.CNAMETarget, OpenedAt: now, ExpiresAt: now.Add(rules.RandomValueMaxAge),
	}
	if in.Why != OpenResent || in.Method == order.DCVEmail {
		return c, nil
	}
	last, err := d.Records.Challenge(ctx, in.Number)
	if fault.KindOf(err) == fault.NotFound {
		return c, nil // asked for before anything was sent, while the representative has not answered (G16)
	}
	if err != nil {
		return c, err
	}
	if last.Method == in.Method && now.Before(last.ExpiresAt) {
		c.Token, c.OpenedAt, c.ExpiresAt = last.Token, last.OpenedAt, last.ExpiresAt
	}
	return c, nil
}

// announce writes the letters of a challenge, for e-mail with one approval link each: a value is unique per mail (A8).
// What the system opens by itself comes with a letter for when those mails cannot be sent; what was asked for is refused then.
func (d *Domain) announce(ctx context.Context, why string, c dcv.Challenge, st order.Status, rules policy.Rules, now time.Time) ([]order.Letter, error) {
	facts := order.Facts{Domain: c.Domain, Method: c.Method, ValueExpires: c.ExpiresAt, Deadline: st.DeadlineAt, News: newsOf(c, st.Challenge)}
	if c.Method != order.DCVEmail {
		i := c.Instruction()
		facts.RecordName, facts.RecordValue, facts.FileURL, facts.FileContent = i.RecordName, i.RecordValue, i.FileURL, i.FileContent
		l := letter(order.LetterChallenge, fmt.Sprint(c.Sequence), c.Order, st.Application, now, facts)
		return []order.Letter{d.Addresses.withStatus(l, now.Add(rules.StatusLinkLife))}, nil
	}
	recipients, err := d.approvers(ctx, c.Domain, rules)
	if err != nil {
		return nil, err
	}
	expires := now.Add(min(rules.ApprovalLinkLife, rules.RandomValueMaxAge))
	var letters []order.Letter
	for _, to := range recipients {
		link, address := d.Addresses.newLink(order.LinkApproval, c.Order, to, expires)
		link.Challenge = c.ID
		facts.Link, facts.LinkExpires = address, expires
		l := letter(order.LetterDomainApproval, fmt.Sprintf("%d/%s", c.Sequence, to), c.Order, st.Application, now, facts)
		l.Recipient, l.Facts.ContactName, l.Links = to, "", []order.Link{link}
		letters = append(letters, l)
	}
	if why == OpenFirst || why == OpenAged {
		facts.Link, facts.LinkExpires = "", time.Time{}
		l := letter(order.LetterApprovalsHeld, fmt.Sprint(c.Sequence), c.Order, st.Application, now, facts)
		letters = append(letters, d.Addresses.withStatus(l, now.Add(rules.StatusLinkLife)))
	}
	return letters, nil
}

// newsOf says what is new to somebody who knows the challenge before. It is read off the values, since one that is asked for again may have grown
// too old meanwhile, and one that is asked for first may be of a method that was changed before anything was sent.
func newsOf(c dcv.Challenge, before *order.ChallengeView) order.News {
	switch {
	case before == nil:
		return order.NewsFirst
	case before.Method != c.Method:
		return order.NewsMethod
	case before.Token == c.Token:
		return order.NewsResent
	default:
		return order.NewsReplaced
	}
}

// whoisAttempts is how often WHOIS is asked before the validation mails go to the constructed addresses alone.
const whoisAttempts = 4

// approvers are the addresses that may approve for the domain: the constructed ones (A8) and, where the policy has it, those
// that WHOIS publishes (G17).
func (d *Domain) approvers(ctx context.Context, domain string, rules policy.Rules) ([]string, error) {
	out := dcv.ConstructedAddresses(domain)
	if !rules.WHOISContacts {
		return out, nil
	}
	found, err := d.Contacts.Contacts(ctx, domain)
	if err != nil {
		if activity.GetInfo(ctx).Attempt < whoisAttempts {
			return nil, err
		}
		activity.GetLogger(ctx).Warn("WHOIS does not answer; only the constructed addresses are asked", "error", err)
	}
	for _, a := range found {
		if !slices.ContainsFunc(out, func(o string) bool { return strings.EqualFold(o, a) }) {
			out = append(out, a)
		}
	}
	return out, nil
}

// CheckInput names the challenge to look for. A challenge that is no longer the order's current one is a Conflict.
type CheckInput struct {
	Number    string `json:"number"`
	Challenge string `json:"challenge"`
	Actor     string `json:"actor"`
}

// CheckResult is what one look found; Text is for the person who asked.
type CheckResult struct {
	Found bool       `json:"found"`
	Text  fault.Text `json:"text"`
}

// notYet is the type of the benign error by which polling goes on.
const notYet = "not-yet"

// PollDomain looks for the challenge's value once. Not finding it is a benign failure: the server tries again after the time
// that the cadence asks for, at no cost in events. The cadence counts from the opening of the challenge, never from the attempt,
// because an operator's reset starts attempts at one again.
func (d *Domain) PollDomain(ctx context.Context, in CheckInput) (CheckResult, error) {
	c, f, err := d.look(ctx, in)
	if err != nil {
		return CheckResult{}, err
	}
	if f.Found {
		return CheckResult{Found: true, Text: f.Text}, nil
	}
	return CheckResult{}, temporal.NewApplicationErrorWithOptions(string(c.Method)+": "+f.Code, notYet, temporal.ApplicationErrorOptions{
		Category:       temporal.ApplicationErrorCategoryBenign,
		NextRetryDelay: d.Next(c, d.Clock()),
	})
}

// CheckDomain looks once and says what it saw (domain-check-now).
func (d *Domain) CheckDomain(ctx context.Context, in CheckInput) (CheckResult, error) {
	_, f, err := d.look(ctx, in)
	return CheckResult{Found: f.Found, Text: f.Text}, err
}

// look probes and records: evidence when the value is there, otherwise what was seen and when polling looks again.
func (d *Domain) look(ctx context.Context, in CheckInput) (dcv.Challenge, dcv.Finding, error) {
	c, err := d.Records.Challenge(ctx, in.Number)
	if err != nil {
		return c, dcv.Finding{}, err
	}
	if c.ID != in.Challenge {
		return c, dcv.Finding{}, fault.New(fault.Conflict, "dcv.replaced", "この認証情報は新しいものに置き換えられました。", "This challenge has been replaced by a newer one.")
	}
	if !c.SatisfiedAt.IsZero() { // by an attempt whose answer was lost; what was published may be gone by now
		return c, dcv.Finding{Found: true, Code: "match", Text: fault.Text{JA: "ドメインの認証は完了しています。", EN: "The domain has been validated already."}}, nil
	}
	f, err := d.Prober.Probe(ctx, c)
	if err != nil {
		return c, f, err
	}
	now := d.Clock()
	if !f.Found {
		return c, f, d.Records.RecordCheck(ctx, c.ID, f, in.Actor, now, now.Add(d.Next(c, now)))
	}
	return c, f, d.Records.RecordDomainEvidence(ctx, d.evidence(c, f, in.Actor, now))
}

func (d *Domain) evidence(c dcv.Challenge, f dcv.Finding, actor string, now time.Time) dcv.Evidence {
	return dcv.Evidence{
		ID: uuid.NewString(), Order: c.Order, Challenge: c.ID, Domain: c.Domain, Method: c.Method,
		PolicyVersion: d.Policy.At(now).Version, Finding: f, Actor: actor, At: now,
	}
}

// ApprovalInput is the domain owner's decision, made with a single-use link.
type ApprovalInput struct {
	Number   string `json:"number"`
	Link     string `json:"link"` // id, not the token
	Approved bool   `json:"approved"`
	Actor    string `json:"actor"`
}

// ApprovalResult is empty; the approving address stays in the record.
type ApprovalResult struct{}

// DecideApproval uses up the approval link and, when the owner approves, records the proof of control (G17).
func (d *Domain) DecideApproval(ctx context.Context, in ApprovalInput) (ApprovalResult, error) {
	c, err := d.Records.Challenge(ctx, in.Number)
	if err != nil {
		return ApprovalResult{}, err
	}
	f := dcv.Finding{Found: in.Approved, Code: "approved", Text: fault.Text{JA: "ドメインの管理者が承認しました。", EN: "The domain's administrator approved."}}
	if !in.Approved {
		f.Code, f.Text = "denied", fault.Text{JA: "ドメインの管理者が承認しませんでした。", EN: "The domain's administrator did not approve."}
	}
	_, err = d.Records.DecideApproval(ctx, in.Link, in.Approved, d.evidence(c, f, in.Actor, d.Clock()))
	return ApprovalResult{}, err
}
