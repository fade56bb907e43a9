package activities

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/fault"
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

// RevocationLinks are letters to the technical contact and to the certificate address with a link that revokes the certificate. Whoever
// reads one of the two may use it. A certificate that the order does not have is NotFound.
func (w Writer) RevocationLinks(st order.Status, sequence int) ([]order.Letter, error) {
	i := slices.IndexFunc(st.Certificates, func(c order.CertificateView) bool { return c.Sequence == sequence })
	if i < 0 {
		return nil, fault.New(fault.NotFound, "certificate.unknown", "該当する証明書がありません。", "There is no such certificate.")
	}
	now, c := w.Clock(), st.Certificates[i]
	expires := now.Add(w.Policy.At(now).RevocationLinkLife)
	facts := order.Facts{Domain: st.Domain, Serial: c.Serial, NotAfter: c.NotAfter}
	contact := letter(order.LetterRevocationLink, uuid.NewString(), st.Number, st.Application, now, facts)
	letters := []order.Letter{w.Addresses.withRevocation(contact, sequence, expires)}
	if st.CertificateEmail != contact.Recipient {
		user := letter(order.LetterRevocationLink, uuid.NewString(), st.Number, st.Application, now, facts)
		user.Recipient, user.Facts.ContactName = st.CertificateEmail, ""
		letters = append(letters, w.Addresses.withRevocation(user, sequence, expires))
	}
	return letters, nil
}

// Renew puts fresh links into a letter that has lost its own. A request to approve a domain is not renewed: its link belongs to a
// challenge, which is sent again as a whole (challenge-resent).
func (w Writer) Renew(l order.Letter) (order.Letter, bool) {
	now := w.Clock()
	rules := w.Policy.At(now)
	switch l.Kind {
	case order.LetterCorrected:
		if !strings.HasSuffix(l.Key, toContact) {
			return l, true // the representative has no page
		}
		return w.Addresses.withStatus(l, now.Add(rules.StatusLinkLife)), true
	case order.LetterDomainApproval, order.LetterRevocationLink, order.LetterReuse, order.LetterExpiryReminder:
		// The second is asked for anew on the status page; whom the third does not reach, the phone does; the fourth comes again by itself.
		return l, false
	case order.LetterStatusLink:
		l.Facts.LinkExpires = now.Add(rules.StatusLinkLife)
		return w.Addresses.withStatus(l, l.Facts.LinkExpires), true
	case order.LetterReceipt, order.LetterReissueReceipt, order.LetterChallenge, order.LetterApprovalsHeld, order.LetterInquiry, order.LetterReminder:
		return w.Addresses.withStatus(l, now.Add(rules.StatusLinkLife)), true
	case order.LetterIssuedCertificate, order.LetterIssuedContact:
		return w.Addresses.withDownload(l, now.Add(rules.DownloadLinkLife)), true
	default:
		return l, true // ends, revocations, and notices of a reissue, which also say whom to ask: no link
	}
}
