package portal

import (
	"net/http"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// representative is the actor of an answer on the confirmation page: whoever reads the mail that was sent to the representative's address as
// it was verified for an earlier order (G16).
const representative = "representative"

// Why a confirmation link does not work any more, where that is not what the approval page would say.
var (
	errReuseExpired = fault.New(fault.Conflict, "link.expired",
		"このリンクの有効期限が過ぎました。この申請には通常の認証を行います。ご自身の申請でない場合は、サポートにご連絡ください。",
		"This link has expired. The application is validated as usual. If it is not yours, please tell our support.")
	errReuseSettled = fault.New(fault.Conflict, "reuse.settled",
		"この申請の認証はすでに完了しています。ご自身の申請でない場合は、至急サポートにご連絡ください。",
		"The validation of this application is complete. If it is not yours, please tell our support at once.")
)

// reuseView is the confirmation page. Its reader speaks for the organisation, so it shows the application as it is.
type reuseView struct {
	Number         string
	Organization   string
	Representative string
	Contact        string // the technical contact, who gets the certificate
	Address        string
	Type           order.Type
	Years          int
	AskedAt        time.Time
	Reused         []reusedView
	Expires        time.Time
	FormToken      string
}

// reusedView is a validation that would be used again.
type reusedView struct {
	Organization bool // otherwise of the domain
	Domain       string
	At           time.Time
	Number       string // of the order for which it was made
}

// showReuse shows what the representative is asked to confirm. It changes nothing, whoever opens it.
func (p *portal) showReuse(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.openReuse(w, r)
	if err != nil {
		return err
	}
	v := reuseOf(status, p.language(r))
	v.Expires, v.FormToken = link.ExpiresAt, p.formToken(w, r)
	return p.render(w, r, http.StatusOK, "reuse", v)
}

func (p *portal) openReuse(w http.ResponseWriter, r *http.Request) (order.Link, order.Status, error) {
	link, status, err := p.open(w, r, order.LinkReuse)
	if err == nil {
		err = confirmable(link, status, p.Clock())
	}
	return link, status, err
}

// confirmable returns nil if the link can still answer for the order at now, otherwise the reason, the most helpful first.
func confirmable(l order.Link, s order.Status, now time.Time) error {
	switch {
	case !l.UsedAt.IsZero():
		return errLinkUsed
	case s.State == order.Issuing, s.State == order.Issued:
		return errReuseSettled
	case s.State.Final():
		return errLinkClosed
	case !now.Before(l.ExpiresAt):
		return errReuseExpired
	default:
		return nil
	}
}

func reuseOf(s order.Status, l order.Language) reuseView {
	shown, c := approvalOf(s, l), s.Application.TechnicalContact
	v := reuseView{
		Number: s.Number, Organization: shown.Organization, Representative: shown.Representative, Address: s.CertificateEmail, Type: s.Type,
		Years: s.ValidityYears, AskedAt: s.CreatedAt, Contact: c.Company + " " + c.Department + " " + c.GivenName + " " + c.FamilyName,
	}
	if s.Reuse == nil {
		return v
	}
	for _, e := range s.Reuse.Offered {
		v.Reused = append(v.Reused, reusedView{
			Organization: e.Kind == order.OrganizationEvidence, Domain: readable(s.Domain), At: e.At, Number: e.Order,
		})
	}
	return v
}

// reusedBy lists the earlier validations that count for the order at present.
func reusedBy(s order.Status) (out []reusedView) {
	for _, kind := range []order.EvidenceKind{order.DomainEvidence, order.OrganizationEvidence} {
		if e := s.Reuse.Live(kind); e != nil {
			out = append(out, reusedView{Organization: kind == order.OrganizationEvidence, Domain: readable(s.Domain), At: e.At, Number: e.Order})
		}
	}
	return out
}

// reusedDecision is the page after the answer.
type reusedDecision struct {
	Confirmed bool
	Number    string
}

// answerReuse takes the representative's answer to the order. If the order cannot be reached the link stays as it was.
func (p *portal) answerReuse(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.openReuse(w, r)
	if err != nil {
		return err
	}
	if err := p.checkForm(r); err != nil {
		return err
	}
	confirmed, err := decisionOf(r)
	if err != nil {
		return err
	}
	if _, err := p.Orders.Command(r.Context(), status.Number, order.ReuseConfirmed{
		Actor: order.Actor{Actor: representative}, Link: link.ID, Approved: &confirmed,
	}); err != nil {
		return err
	}
	return p.render(w, r, http.StatusOK, "reused", reusedDecision{Confirmed: confirmed, Number: status.Number})
}
