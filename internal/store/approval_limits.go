package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// How many sets of approval mails may go out in a day. Each is a mail to half a dozen mailboxes, whose owners may never have heard of the
// application, and a voucher comes back with every cancelled order. What one voucher and one technical contact may cause leaves room for others:
// nobody uses up a domain's day with a single coupon, nor under a single name.
const (
	setsOfDomain  = 10
	setsOfContact = 5
	setsOfVoucher = 3
)

// approvalSet is the approval mails of one challenge, which were written at one time.
type approvalSet struct {
	At      time.Time
	Voucher bool // of the same voucher, or of the same order where that is a reissue
	Contact bool // under the same technical contact
}

// mailedAgain returns when the next set may go out if these are those of the last day, the newest first; zero if it may now.
func mailedAgain(sets []approvalSet) (at time.Time) {
	var domain, contact, voucher int
	for _, s := range sets {
		domain++
		full := domain == setsOfDomain
		if s.Contact {
			contact++
			full = full || contact == setsOfContact
		}
		if s.Voucher {
			voucher++
			full = full || voucher == setsOfVoucher
		}
		if again := s.At.Add(24 * time.Hour); full && again.After(at) {
			at = again
		}
	}
	return at
}

// approvalSets returns what has gone out to the order's domain since the time, the newest first. Whoever asks for the same domain waits for the
// end of this transaction.
func (c *change) approvalSets(ctx context.Context, number, domain string, since time.Time) (sets []approvalSet, err error) {
	if err := c.oneAtATime(ctx, "approval mails to "+domain); err != nil {
		return nil, err
	}
	err = c.SelectContext(ctx, &sets, `
		SELECT l.created_at AS at,
			coalesce(o.voucher_hash = me.voucher_hash, o.number = me.number) AS voucher,
			`+contactOf+` = lower(me.application -> 'technical_contact' ->> 'email') AS contact
		FROM orders me, orders o JOIN letters l ON l.order_number = o.number
		WHERE me.number = $1 AND o.domain = $2 AND l.kind = 'domain-approval' AND l.created_at > $3
		GROUP BY o.number, me.number, l.created_at
		ORDER BY l.created_at DESC`, number, domain, stored(since))
	return sets, err
}

// oneAtATime lets the transactions that name the same wait for each other.
func (c *change) oneAtATime(ctx context.Context, what string) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, strings.ToLower(what))
	return err
}

// withhold returns those of the letters that may go out, and puts into the challenge until when its approval mails may not. Then the letter
// that says so goes out in their place; without one the challenge is refused.
func (c *change) withhold(ctx context.Context, ch *dcv.Challenge, letters []order.Letter) ([]order.Letter, error) {
	var approvals, instead []order.Letter
	for _, l := range letters {
		if l.Kind == order.LetterApprovalsHeld {
			instead = append(instead, l)
		} else {
			approvals = append(approvals, l)
		}
	}
	if ch.Method != order.DCVEmail || len(approvals) == 0 {
		return letters, nil
	}
	at := approvals[0].CreatedAt
	if at.IsZero() {
		at = ch.OpenedAt
	}
	sets, err := c.approvalSets(ctx, ch.Order, ch.Domain, at.Add(-24*time.Hour))
	if err != nil {
		return nil, err
	}
	ch.MailsAfter = mailedAgain(sets)
	switch {
	case ch.MailsAfter.IsZero():
		return approvals, nil
	case len(instead) == 0:
		return nil, domainMailedTooOften()
	}
	instead = slices.Clone(instead)
	for i := range instead {
		instead[i].Facts.MailsAfter = ch.MailsAfter
	}
	return instead, nil
}

func domainMailedTooOften() error {
	return fault.New(fault.TooMany, "letter.too-often", "このドメインには、この24時間にすでに多くの承認依頼メールをお送りしています。明日以降にお試しいただくか、ほかの認証方式をお選びください。",
		"Many approval mails have been sent to this domain within 24 hours. Try again tomorrow, or choose another method.")
}
