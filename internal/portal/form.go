package portal

import (
	"encoding/pem"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// form is an applicant's form between two requests: every value as it was typed, and the rules that it breaks. A field is named by
// its path in the order file's words, such as "organization.telephone", which is its name in HTML and in fault.Field as well.
//
// A page uses it so: on GET it shows an empty form{}; on POST it reads one by readForm, decodes it (application, representative,
// technicalContact, text), has it checked, hands a refusal to refuse, and shows the form again if that took it. In templates
// {{template "input" (.Form.Input "path")}} is a field with label, hint and error, "broken" the summary at the top, and "csr",
// "representative", "technical-contact" and "terms" are whole parts (templates/parts); labels and hints stand in texts/form.yaml under
// the field's path, what else a field is in inputs.go.
type form struct {
	typed  map[string]string
	broken []fault.Field
}

// csrFile is the file field beside the CSR's textarea. What it holds takes the place of what the textarea holds.
const csrFile = "csr_file"

// readForm reads a form that was sent as URL-encoded text or as multipart. A file with a CSR becomes the text of the field "csr".
func (p *portal) readForm(r *http.Request) (form, error) {
	if err := parseForm(r); err != nil {
		return form{}, err
	}
	f := form{typed: map[string]string{}}
	for path, values := range r.PostForm {
		f.typed[path] = values[0]
	}
	if r.MultipartForm == nil {
		return f, nil
	}
	for _, file := range r.MultipartForm.File[csrFile] {
		text, err := textOf(file)
		if err != nil {
			return form{}, errBadForm.Because(err)
		}
		if text != "" {
			f.typed[csr.Path] = text
		}
	}
	return f, nil
}

// parseForm reads the request's body in either encoding. A form that says a thing twice is refused: whoever reads the first value and
// whoever reads the last would understand different things.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		err = r.ParseMultipartForm(maxBody) //nolint:gosec // the body is bounded by limitBody; the whole of it fits into memory
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return err
	}
	if err != nil {
		return errBadForm.Because(err)
	}
	if twice(r.PostForm) || r.MultipartForm != nil && len(r.MultipartForm.File[csrFile]) > 1 {
		return errBadForm
	}
	return nil
}

func twice(values url.Values) bool {
	for _, v := range values {
		if len(v) != 1 {
			return true
		}
	}
	return false
}

// textOf returns an uploaded file as text. A binary file, which a CSR in DER is, becomes PEM, so that it can stand in the textarea.
func textOf(file *multipart.FileHeader) (string, error) {
	open, err := file.Open()
	if err != nil {
		return "", err
	}
	defer func() { _ = open.Close() }() // it is only read
	data, err := io.ReadAll(open)
	if err != nil || utf8.Valid(data) {
		return string(data), err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: data})), nil
}

// text returns what was typed into a field.
func (f form) text(path string) string { return f.typed[path] }

// set puts a value into a field.
func (f *form) set(path, value string) {
	if f.typed == nil {
		f.typed = map[string]string{}
	}
	f.typed[path] = value
}

// refuse takes the broken rules of an invalid-fields fault into the form, and reports whether err was one. Where nothing was chosen, it
// says that in a page's words instead of those of the order file. A private key that was entered in the place of a CSR is forgotten: it
// must not travel once more.
func (f *form) refuse(err error) bool {
	e, ok := errors.AsType[*fault.Error](err)
	if !ok || e.Kind != fault.Invalid || len(e.Fields) == 0 {
		return false
	}
	for _, b := range e.Fields {
		if chosen[b.Path] && f.text(b.Path) == "" {
			b.Code, b.Rule, b.Remedy = "required", fault.Text{JA: "選択されていません。", EN: "Nothing has been chosen."},
				fault.Text{JA: "いずれか1つを選択してください。", EN: "Choose one."}
		}
		if b.Code == "csr.private-key" {
			f.set(csr.Path, "")
		}
		f.broken = append(f.broken, b)
	}
	return true
}

// fault returns the first rule that the field breaks, nil if it breaks none.
func (f form) fault(path string) *fault.Field {
	for i, b := range f.broken {
		if b.Path == path {
			return &f.broken[i]
		}
	}
	return nil
}

// application decodes the form for a new certificate or a renewal (G2–G13). What is no number or choice becomes one that
// order.Validate refuses.
func (f form) application() order.Application {
	years, _ := strconv.Atoi(f.text("validity_years")) // 0 is refused with the choices there are
	return order.Application{
		Language: order.Language(f.text("language")), Voucher: f.text("voucher"), Type: order.Type(f.text("type")), ValidityYears: years,
		CSR: f.text(csr.Path), CertificateEmail: f.text("certificate_email"), DCVMethod: order.DCVMethod(f.text("dcv_method")),
		Organization: f.organization(), Representative: f.representative(), TechnicalContact: f.technicalContact(),
		TermsAccepted: f.termsAccepted(),
	}
}

// organization decodes the applying organisation (G9).
func (f form) organization() order.Organization {
	return order.Organization{
		NameJA: f.text("organization.name_ja"), Name: f.text("organization.name"), Unit: f.text("organization.unit"),
		State: f.text("organization.state"), City: f.text("organization.city"), Street: f.text("organization.street"),
		PostalCode: f.text("organization.postal_code"), Telephone: f.text("organization.telephone"), Identifier: f.text("organization.identifier"),
	}
}

// representative decodes the applicant representative (G11).
func (f form) representative() order.Representative {
	return order.Representative{
		Department: f.text("representative.department"), FamilyNameJA: f.text("representative.family_name_ja"),
		GivenNameJA: f.text("representative.given_name_ja"), FamilyName: f.text("representative.family_name"),
		GivenName: f.text("representative.given_name"), Email: f.text("representative.email"),
	}
}

// technicalContact decodes the technical contact (G12).
func (f form) technicalContact() order.TechnicalContact {
	return order.TechnicalContact{
		Company: f.text("technical_contact.company"), Department: f.text("technical_contact.department"),
		FamilyName: f.text("technical_contact.family_name"), GivenName: f.text("technical_contact.given_name"),
		Telephone: f.text("technical_contact.telephone"), Email: f.text("technical_contact.email"),
	}
}

// termsAccepted reports whether the box of the terms is ticked (G13).
func (f form) termsAccepted() bool { return f.Ticked("terms_accepted") }

// printable returns s as it may stand in a page: broken UTF-8 would spoil what comes after it.
func printable(s string) string { return strings.ToValidUTF8(s, "�") }
