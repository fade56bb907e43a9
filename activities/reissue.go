package activities

import (
	"slices"
	"strings"
	"time"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// maxContacts bounds the technical contacts that hear of one request: an address whose certificates more of them ordered has changed hands.
const maxContacts = 5

// holder is somebody who has a certificate, and is told when somebody asks for its reissue.
type holder struct {
	address  string
	original order.Original
	contact  bool // the technical contact of the original's order; otherwise whoever reads the certificate's address
}

// holdersOf returns who has the certificates, which are in the order of their issue: by their own orders, not by what was typed now. The
// contact of the request is left out, since the receipt says the same. Certificates of several addresses have no holder before staff have
// chosen one: most of their readers would be told of what is none of their business.
func holdersOf(certificates []order.Original, asking order.TechnicalContact) []holder {
	if len(certificates) == 0 || !sameAddress(certificates) {
		return nil
	}
	var out []holder
	add := func(h holder) {
		known := slices.ContainsFunc(out, func(o holder) bool { return strings.EqualFold(o.address, h.address) })
		if !known && !strings.EqualFold(h.address, asking.Email) {
			out = append(out, h)
		}
	}
	newest := certificates[len(certificates)-1]
	for _, o := range slices.Backward(certificates) {
		if len(out) < maxContacts {
			add(holder{o.Application.TechnicalContact.Email, o, true})
		}
	}
	add(holder{newest.Application.CertificateEmail, newest, false})
	return out
}

func sameAddress(certificates []order.Original) bool {
	return !slices.ContainsFunc(certificates, func(o order.Original) bool {
		return !strings.EqualFold(o.Application.CertificateEmail, certificates[0].Application.CertificateEmail)
	})
}

// reissueNotices tell the holders of certificates that somebody asks for a reissue (G24). They say nothing of who does. Each reader has one
// such letter of an order, so that the choice of staff tells only those who do not know yet.
func (a Addresses) reissueNotices(number string, certificates []order.Original, asking order.TechnicalContact, why order.ReissueReason,
	rules policy.Rules, now time.Time) []order.Letter {
	holders := holdersOf(certificates, asking)
	letters := make([]order.Letter, 0, len(holders))
	for _, h := range holders {
		l := letter(order.LetterReissueNotice, strings.ToLower(h.address), number, h.original.Application, now, order.Facts{ReissueReason: why})
		l.Recipient = h.address
		if !h.contact { // whoever reads the certificate's address is not known by name
			l.Facts.ContactName = ""
		}
		if len(certificates) == 1 {
			l = a.withOriginal(l, h, rules, now)
		}
		letters = append(letters, l)
	}
	return letters
}

// withOriginal names the certificate and gives the letter a link of its own to the original's order: its page for the technical contact, the
// certificate's revocation for its user.
func (a Addresses) withOriginal(l order.Letter, h holder, rules policy.Rules, now time.Time) order.Letter {
	o, number := h.original, l.Order
	l.Facts.Original, l.Facts.Serial, l.Facts.NotAfter = o.Order, o.Serial, o.NotAfter
	l.Order = o.Order
	switch {
	case h.contact:
		l = a.withStatus(l, now.Add(rules.StatusLinkLife))
	case o.RevokedAt.IsZero():
		l = a.withRevocation(l, o.Sequence, now.Add(rules.RevocationLinkLife))
	}
	l.Order = number
	return l
}
