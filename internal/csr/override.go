package csr

import (
	"slices"
	"strings"
)

// Form is what the application form says about the names that a request may carry as well.
type Form struct {
	Email, Organization, Unit, State, City, Country string
}

// Override is one difference in which the form wins (G6).
type Override struct {
	Path string `json:"path"` // in the order file's words
	CSR  string `json:"csr"`
	Form string `json:"form"`
}

// Overrides lists, in form order, what the request says otherwise than the form. What it does not say at all is no difference.
func (r Request) Overrides(f Form) []Override {
	var out []Override
	add := func(path, found, form string) {
		if found != "" && found != form {
			out = append(out, Override{Path: path, CSR: found, Form: form})
		}
	}
	for _, e := range r.addresses() {
		if !strings.EqualFold(e, f.Email) {
			add("certificate_email", e, f.Email)
		}
	}
	add("organization.name", r.Subject.Organization, f.Organization)
	add("organization.unit", r.Subject.Unit, f.Unit)
	add("organization.state", r.Subject.State, f.State)
	add("organization.city", r.Subject.City, f.City)
	add("organization.country", r.Subject.Country, f.Country)
	return out
}

// addresses are those of the certificate that the request asks for: the common name may hold one, as in the certificates that we issue.
func (r Request) addresses() []string {
	if cn := r.Subject.CommonName; strings.Contains(cn, "@") && !slices.Contains(r.Emails, cn) {
		return append(slices.Clone(r.Emails), cn)
	}
	return r.Emails
}
