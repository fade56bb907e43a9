package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"securemailid.example/internal/order"
)

// lifeRoutes are the pages behind the links of a reminder that a certificate ends.
func (p *portal) lifeRoutes(mux *http.ServeMux) {
	mux.Handle("GET /renew/{token}", p.page(p.showRenewal))
	mux.Handle("GET /stop/{token}", p.page(p.showStop))
	mux.Handle("POST /stop/{token}", p.limited(p.Limits.Decisions, p.page(p.stop)))
}

// renewalView says above the application form what it was filled in from.
type renewalView struct {
	Email    string
	NotAfter time.Time
	Contact  bool // the technical contact's own link, which knows more
}

// showRenewal shows the application form with what is known from the order that is to be renewed (G3). Voucher, CSR and agreement to the
// terms are needed anew, and so are the applicant representative's names: they are a third person's, to whom the link was not sent.
// From here on it is the form of everybody.
func (p *portal) showRenewal(w http.ResponseWriter, r *http.Request) error {
	link, status, err := p.open(w, r, order.LinkRenewal)
	if err != nil {
		return err
	}
	if !p.Clock().Before(link.ExpiresAt) {
		return errRenewalExpired
	}
	v := &renewalView{Email: status.CertificateEmail, Contact: strings.EqualFold(link.Recipient, status.Application.TechnicalContact.Email)}
	if n := len(status.Certificates); n > 0 {
		v.NotAfter = status.Certificates[n-1].NotAfter
	}
	f := p.newForm(r)
	f.fillOrganization(status)
	if v.Contact {
		f.fillTechnicalContact(status.Application.TechnicalContact)
	}
	page := p.enrollPage(f, nil)
	page.Renewal = v
	return p.render(w, r, http.StatusOK, "enroll", page)
}

// fillOrganization puts the organisation, as it was certified, and the address into the form.
func (f *form) fillOrganization(s order.Status) {
	o := s.Application.Organization
	f.fill(map[string]string{
		"type": string(order.Renewal), "certificate_email": s.CertificateEmail, "dcv_method": string(s.Application.DCVMethod),
		"organization.name_ja": o.NameJA, "organization.name": s.Subject.Organization, "organization.unit": s.Subject.Unit,
		"organization.state": s.Subject.State, "organization.city": s.Subject.City, "organization.street": o.Street,
		"organization.postal_code": o.PostalCode, "organization.telephone": order.NationalPhone(o.Telephone), "organization.identifier": o.Identifier,
	})
	if slices.Contains([]int{1, 2}, s.ValidityYears) {
		f.set("validity_years", strconv.Itoa(s.ValidityYears))
	}
}

// fillTechnicalContact puts the technical contact into the form.
func (f *form) fillTechnicalContact(c order.TechnicalContact) {
	f.fill(map[string]string{
		"technical_contact.company": c.Company, "technical_contact.department": c.Department, "technical_contact.family_name": c.FamilyName,
		"technical_contact.given_name": c.GivenName, "technical_contact.telephone": order.NationalPhone(c.Telephone), "technical_contact.email": c.Email,
	})
}

func (f *form) fill(values map[string]string) {
	for path, value := range values {
		f.set(path, value)
	}
}
