package portal

import (
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// domainOwner is the actor of a decision on the approval page: whoever reads the mail that was sent to the domain (G17).
const domainOwner = "domain-owner"

// approvalView is the approval page: enough to judge the application by, and no address or telephone number.
type approvalView struct {
	Number         string
	Domain         string
	AddressDomain  string
	Organization   string // in the page's language, with the other form of the name
	Representative string
	Contact        string // company and department of the technical contact
	Renewal        bool
	Years          int
	AskedAt        time.Time
	Expires        time.Time
	FormToken      string
}

// showApproval shows what the domain owner is asked to approve (G17). It changes nothing, however often a person, a prefetcher
// or a mail scanner opens it.
func (p *portal) showApproval(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.open(w, r, order.LinkApproval)
	if err != nil {
		return err
	}
	if err := approvable(link, status, p.Clock()); err != nil {
		return err
	}
	v := approvalOf(status, p.language(r))
	v.Expires, v.FormToken = link.ExpiresAt, p.formToken(w, r)
	return p.render(w, r, http.StatusOK, "approve", v)
}

func approvalOf(s order.Status, l order.Language) approvalView {
	a := s.Application
	_, addressDomain, _ := strings.Cut(s.CertificateEmail, "@")
	v := approvalView{
		Number: s.Number, Domain: readable(s.Domain), AddressDomain: readable(addressDomain),
		Renewal: s.Type == order.Renewal, Years: s.ValidityYears, AskedAt: s.CreatedAt,
		Contact: a.TechnicalContact.Company + " " + a.TechnicalContact.Department,
	}
	person := a.Representative
	v.Organization = organizationIn(a.Organization, l)
	v.Representative = person.Department + " " + person.FamilyNameJA + " " + person.GivenNameJA
	if l == order.English {
		v.Representative = person.GivenName + " " + person.FamilyName + " (" + person.Department + ")"
	}
	return v
}

// readable shows an internationalised domain in both of its forms.
func readable(domain string) string {
	if u, err := idna.Display.ToUnicode(domain); err == nil && u != domain {
		return u + " (" + domain + ")"
	}
	return domain
}

// decidedView is the page after the decision.
type decidedView struct {
	Approved bool
	Number   string
	Domain   string
}

// decide takes the domain owner's decision to the order. If the order cannot be reached the link stays as it was.
func (p *portal) decide(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.open(w, r, order.LinkApproval)
	if err != nil {
		return err
	}
	if err := p.checkForm(r); err != nil {
		return err
	}
	if err := approvable(link, status, p.Clock()); err != nil {
		return err
	}
	approved, err := decisionOf(r)
	if err != nil {
		return err
	}
	outcome, err := p.Orders.Command(r.Context(), status.Number, order.DomainApproved{
		Actor: order.Actor{Actor: domainOwner}, Link: link.ID, Approved: &approved,
	})
	if err != nil {
		return err
	}
	if !outcome.Applied {
		return errLinkUsed // decided by an earlier request, perhaps otherwise
	}
	return p.render(w, r, http.StatusOK, "decided", decidedView{Approved: approved, Number: status.Number, Domain: readable(status.Domain)})
}

// decisionOf reads the button that was pressed.
func decisionOf(r *http.Request) (approved bool, err error) {
	switch r.PostFormValue("decision") {
	case "approve":
		return true, nil
	case "deny":
		return false, nil
	default:
		return false, fault.InvalidFields([]fault.Field{{
			Path: "decision", Code: "choice",
			Rule:   fault.Text{JA: "承認するかしないかを選ぶ必要があります。", EN: "A decision is required."},
			Remedy: fault.Text{JA: "「承認する」または「承認しない」を押してください。", EN: "Press “Approve” or “Do not approve”."},
		}})
	}
}
