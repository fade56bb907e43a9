package activities

import (
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// Writer writes the letters that somebody asks for, outside an order's workflow.
type Writer struct {
	Addresses Addresses
	Policy    policy.Book
	Clock     func() time.Time
}

// StatusLink is a letter to the technical contact with a fresh status link.
func (w Writer) StatusLink(st order.Status) order.Letter {
	now := w.Clock()
	expires := now.Add(w.Policy.At(now).StatusLinkLife)
	l := letter(order.LetterStatusLink, uuid.NewString(), st.Number, st.Application, now, order.Facts{Domain: st.Domain, LinkExpires: expires})
	return w.Addresses.withStatus(l, expires)
}

// IssuedAgain is the notice of G21 to the technical contact once more, with a fresh download link; false without a certificate.
func (w Writer) IssuedAgain(st order.Status) (order.Letter, bool) {
	if len(st.Certificates) == 0 {
		return order.Letter{}, false
	}
	now := w.Clock()
	c := st.Certificates[len(st.Certificates)-1]
	l := letter(order.LetterIssuedContact, uuid.NewString(), st.Number, st.Application, now,
		order.Facts{Domain: st.Domain, Serial: c.Serial, NotAfter: c.NotAfter})
	return w.Addresses.withDownload(l, now.Add(w.Policy.At(now).DownloadLinkLife)), true
}

// Renew puts fresh links into a letter that has lost its own. A request to approve a domain is not renewed: its link belongs to a
// challenge, which is sent again as a whole (challenge-resent).
func (w Writer) Renew(l order.Letter) (order.Letter, bool) {
	now := w.Clock()
	rules := w.Policy.At(now)
	switch l.Kind {
	case order.LetterDomainApproval:
		return l, false
	case order.LetterStatusLink:
		l.Facts.LinkExpires = now.Add(rules.StatusLinkLife)
		return w.Addresses.withStatus(l, l.Facts.LinkExpires), true
	case order.LetterReceipt, order.LetterChallenge, order.LetterInquiry, order.LetterReminder:
		return w.Addresses.withStatus(l, now.Add(rules.StatusLinkLife)), true
	case order.LetterIssuedCertificate, order.LetterIssuedContact:
		return w.Addresses.withDownload(l, now.Add(rules.DownloadLinkLife)), true
	default:
		return l, true // rejected, cancelled, expired: no link
	}
}
