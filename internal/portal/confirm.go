package portal

import (
	"net/http"
	"strconv"

	"securemailid.example/internal/order"
	"securemailid.example/internal/voucher"
)

// confirmView is the page on which an application is reviewed, printed and saved before it is handed in (G13).
type confirmView struct {
	Kind      string // of the form: its path without the slash, and the last part of its text keys
	Notice    *noticeView
	Carried   []carried
	FormToken string
	Parts     []reviewPart
	CSR       csrView
	TermsURL  string
	Language  order.Language // of the mails
}

// reviewPart is a part of the form as it was understood.
type reviewPart struct {
	Title   string // text key
	Rows    []reviewRow
	Product bool // with product, algorithm, key length and language, which are the same for all (G5)
	Country bool // with the country, which is fixed (G9)
}

// reviewRow is one field in its normal form.
type reviewRow struct {
	Path      string
	Value     string
	Choice    string // text key of the value, where it was chosen
	Typed     string // what was typed, where the normal form differs from it
	Certified bool
}

// confirm checks the form and shows the confirm page, or the form again with what is wrong with it.
func (p *portal) confirm(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
	a, err := p.Desk.Check(r.Context(), f.application())
	if f.refuse(err) {
		return p.renderForm(w, r, max(status, http.StatusUnprocessableEntity), f, n)
	}
	if err != nil {
		return p.again(w, r, f, err, p.renderForm)
	}
	request := p.decode(r, a.CSR, a)
	if request.Fault != nil { // the record knows more of keys than the rules do
		f.broken = append(f.broken, *request.Fault)
		return p.renderForm(w, r, max(status, http.StatusUnprocessableEntity), f, n)
	}
	return p.render(w, r, status, "confirm", confirmView{
		Kind: "enroll", Notice: n, Carried: f.Carried(enrollFields), FormToken: p.formTokenFor(w, r, submitPath),
		Parts: f.review(a), CSR: request, TermsURL: p.Brand.TermsURL, Language: a.Language,
	})
}

// review sets the application as it was understood beside what was typed.
func (f form) review(a order.Application) []reviewPart {
	o := a.Organization
	return append([]reviewPart{
		{Title: "enroll.part.certificate", Product: true, Rows: []reviewRow{
			{Path: "voucher", Value: grouped(a.Voucher)}, f.chosen("type", string(a.Type)), f.chosen("validity_years", strconv.Itoa(a.ValidityYears)),
			f.row("certificate_email", a.CertificateEmail), f.chosen("dcv_method", string(a.DCVMethod)),
		}},
		{Title: "enroll.part.organization", Country: true, Rows: rows(
			f.row("organization.name_ja", o.NameJA), f.row("organization.name", o.Name), f.row("organization.unit", o.Unit),
			f.row("organization.identifier", o.Identifier), f.row("organization.state", o.State), f.row("organization.city", o.City),
			f.row("organization.street", o.Street), f.row("organization.postal_code", o.PostalCode), f.row("organization.telephone", order.NationalPhone(o.Telephone)),
		)},
	}, f.reviewPeople(a.Representative, a.TechnicalContact)...)
}

// grouped writes a voucher in fours, as it is printed for people: in one piece 32 characters are hard to compare, and break badly on a phone.
func grouped(code string) string {
	c, err := voucher.Normalize(code)
	if err != nil {
		return code
	}
	return c.Grouped()
}

// reviewPeople sets the two persons of a form as they were understood beside what was typed (G11, G12).
func (f form) reviewPeople(person order.Representative, contact order.TechnicalContact) []reviewPart {
	return []reviewPart{
		{Title: "group.representative", Rows: []reviewRow{
			f.row("representative.department", person.Department),
			f.row("representative.family_name_ja", person.FamilyNameJA), f.row("representative.given_name_ja", person.GivenNameJA),
			f.row("representative.family_name", person.FamilyName), f.row("representative.given_name", person.GivenName),
			f.row("representative.email", person.Email),
		}},
		{Title: "group.technical_contact", Rows: []reviewRow{
			f.row("technical_contact.company", contact.Company), f.row("technical_contact.department", contact.Department),
			f.row("technical_contact.family_name", contact.FamilyName), f.row("technical_contact.given_name", contact.GivenName),
			f.row("technical_contact.telephone", order.NationalPhone(contact.Telephone)), f.row("technical_contact.email", contact.Email),
		}},
	}
}

// row is a field that was typed.
func (f form) row(path, value string) reviewRow {
	row := reviewRow{Path: path, Value: value, Certified: inputs[path].Certified}
	if typed := printable(f.text(path)); typed != value {
		row.Typed = typed
	}
	return row
}

// chosen is a field whose value was chosen.
func (f form) chosen(path, value string) reviewRow {
	return reviewRow{Path: path, Choice: "field." + path + "." + value}
}

// rows leaves out what was left empty.
func rows(all ...reviewRow) []reviewRow {
	var out []reviewRow
	for _, r := range all {
		if r.Value != "" || r.Choice != "" {
			out = append(out, r)
		}
	}
	return out
}
