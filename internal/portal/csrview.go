package portal

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// csrView is a signing request decoded, and where the form wins over it (G6).
type csrView struct {
	Fault       *fault.Field // why it cannot be accepted; nil if it can
	Bits        int
	Fingerprint []string // SHA-256 of the public key, in pairs of digits
	Names       []carried
	Overrides   []csr.Override
	KeyOnly     bool // a reissue: what is certified stands in the original (G25)
}

// shownName bounds a name out of a request, in characters: a stranger has written it.
const shownName = 128

// previewCSR answers the script of the form with the request decoded, a fragment of a page. What the form does not say yet overrides
// nothing yet.
func (p *portal) previewCSR(w http.ResponseWriter, r *http.Request) error {
	f, err := p.readForm(r)
	if err != nil {
		return err
	}
	if strings.TrimSpace(f.text(csr.Path)) == "" {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	o := f.organization()
	v := p.decode(r, f.text(csr.Path), order.Application{
		CertificateEmail: strings.TrimSpace(f.text("certificate_email")),
		Organization: order.Organization{
			Name: order.CleanCertificateText(o.Name), Unit: order.CleanCertificateText(o.Unit),
			State: order.CleanCertificateText(o.State), City: order.CleanCertificateText(o.City),
		},
	})
	var said []csr.Override
	for _, d := range v.Overrides {
		if d.Form != "" {
			said = append(said, d)
		}
	}
	v.Overrides, v.KeyOnly = said, f.text("kind") == "reissue"
	return p.fragment(w, r, "enroll", "csr-facts", v)
}

// decode reads a request and compares it with the form.
func (p *portal) decode(r *http.Request, text string, a order.Application) csrView {
	request, err := p.Desk.CSR(r.Context(), text)
	if f, ok := errors.AsType[*fault.Error](err); ok && len(f.Fields) > 0 {
		return csrView{Fault: &f.Fields[0]}
	}
	s := request.Subject
	v := csrView{Bits: request.Bits, Fingerprint: pairs(request.Fingerprint[:])}
	add := func(path, value string) {
		if value != "" {
			v.Names = append(v.Names, carried{path, dcv.Shorten(value, shownName)})
		}
	}
	add("common_name", s.CommonName)
	for _, e := range request.Emails {
		add("certificate_email", e)
	}
	add("organization.name", s.Organization)
	add("organization.unit", s.Unit)
	add("organization.state", s.State)
	add("organization.city", s.City)
	add("organization.country", s.Country)
	for _, d := range request.Overrides(a.Certified()) {
		d.CSR = dcv.Shorten(d.CSR, shownName)
		v.Overrides = append(v.Overrides, d)
	}
	return v
}

// fragment answers with one part of a page, for a script of ours to put into it.
func (p *portal) fragment(w http.ResponseWriter, r *http.Request, page, part string, data any) error {
	l := p.language(r)
	var b bytes.Buffer
	if err := p.pages[l][page].ExecuteTemplate(&b, part, data); err != nil {
		return fmt.Errorf("render %s of %s: %w", part, page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(l))
	_, _ = b.WriteTo(w) // the visitor has gone away: nothing to do
	return nil
}
