package activities

import (
	"context"
	"time"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// offerReuse asks the applicant representative whether the application is theirs, if an earlier order of theirs has proved what this one needs
// (G16): by a mail to the address that is stored with the evidence, not to what was typed now. It returns where the order stands, or nil if
// nothing can be reused. Without evidence of the organisation there is no address that was verified; what is known of the domain then waits for
// the phone.
func offerReuse(ctx context.Context, records Records, addresses Addresses, st order.Status, rules policy.Rules, now time.Time) (*order.Reused, error) {
	found, err := records.ReusableFor(ctx, st.Number, rules.Reuse(), now)
	if err != nil || found.Organization == nil && (found.Domain == nil || !st.Phone.Done()) {
		return nil, err
	}
	offer := order.ReuseOffer{Order: st.Number, Reusable: found, AskedAt: now, Until: now.Add(rules.ReuseWait)}
	if found.Organization != nil {
		offer.Letter = addresses.withReuse(st, found.Representative, offer.Until, now, now.Add(rules.ApprovalLinkLife))
	}
	reused, err := records.OfferReuse(ctx, offer, rules.Reuse())
	return &reused, err
}

// withReuse is the letter that asks the representative, with its link.
func (a Addresses) withReuse(st order.Status, r order.Representative, until, now, expires time.Time) order.Letter {
	link, address := a.newLink(order.LinkReuse, st.Number, r.Email, expires)
	l := letter(order.LetterReuse, "", st.Number, st.Application, now, order.Facts{
		Domain: st.Domain, Link: address, LinkExpires: expires, Deadline: until,
	})
	l.Recipient, l.Links = r.Email, []order.Link{link}
	l.Facts = greeting(l.Facts, l.Language, r)
	return l
}

// reuse is what a command does to what the order reuses: the third phone step confirms the application, and the approval of a reissue settles what it
// is about.
func (c *Commands) reuse(ctx context.Context, cmd order.Command, number string, rec order.Recorded, now time.Time) (*order.Reused, error) {
	rules := c.Policy.At(now)
	switch cmd.(type) {
	case order.PhoneNumberVerified, order.RepresentativeReached, order.RepresentativeConfirmed:
		if rec.Phone.Done() {
			return c.Records.PhoneValidated(ctx, number, cmd.By(), rules.Reuse(), now)
		}
	case order.ReviewDecided:
		if rec.Reissue != nil {
			st, err := c.Records.Order(ctx, number)
			if err != nil {
				return nil, err
			}
			return offerReuse(ctx, c.Records, c.Addresses, st, rules, now)
		}
	}
	return rec.Reused, nil
}

// ReuseInput is the representative's answer, given with a single-use link.
type ReuseInput struct {
	Number    string `json:"number"`
	Link      string `json:"link"` // id, not the token
	Confirmed bool   `json:"confirmed"`
	Actor     string `json:"actor"`
}

// ReuseResult says where the order stands afterwards.
type ReuseResult struct {
	Reused order.Reused `json:"reused"`
}

// DecideReuse uses up the link and, where the representative confirms the application, lets the order reuse what still fits (G16).
func (c *Commands) DecideReuse(ctx context.Context, in ReuseInput) (ReuseResult, error) {
	now := c.Clock()
	reused, err := c.Records.DecideReuse(ctx, order.ReuseAnswer{
		Order: in.Number, Link: in.Link, Confirmed: in.Confirmed, Actor: in.Actor, At: now,
	}, c.Policy.At(now).Reuse())
	return ReuseResult{Reused: reused}, err
}
