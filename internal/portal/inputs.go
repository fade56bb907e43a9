package portal

import (
	"strings"

	"securemailid.example/internal/fault"
)

// input is what a field is, beside its label and hint.
type input struct {
	Kind         string // of the element: text unless set
	Mode         string // inputmode
	Autocomplete string // the purpose of the field (WCAG 1.3.5); off would keep the back button from restoring it
	List         string // the id of a list of suggestions
	Certified    bool   // ★: goes into the certificate (G9)
	Optional     bool
	Code         bool // written letter by letter
	Short        bool // a field as narrow as what it takes
}

// inputs holds every single-line field of the forms by its path.
var inputs = map[string]input{
	"voucher":           {Autocomplete: "off", Code: true},
	"certificate_email": {Kind: "email", Certified: true},

	"order_number":  {Mode: "numeric", Autocomplete: "off", Short: true},
	"contact_email": {Kind: "email", Autocomplete: "email"},

	"original":    {},
	"expires_on":  {},
	"reason_text": {Optional: true},

	"organization.name_ja":     {Autocomplete: "section-organization organization"},
	"organization.name":        {Certified: true},
	"organization.unit":        {Certified: true, Optional: true},
	"organization.state":       {Certified: true, List: "prefectures", Short: true},
	"organization.city":        {Certified: true, Short: true},
	"organization.street":      {},
	"organization.postal_code": {Mode: "numeric", Autocomplete: "section-organization postal-code", Short: true},
	"organization.telephone":   {Kind: "tel", Autocomplete: "section-organization tel", Short: true},
	"organization.identifier":  {Mode: "numeric", Certified: true, Short: true},

	"representative.department":     {},
	"representative.family_name_ja": {Autocomplete: "section-representative family-name", Short: true},
	"representative.given_name_ja":  {Autocomplete: "section-representative given-name", Short: true},
	"representative.family_name":    {Short: true},
	"representative.given_name":     {Short: true},
	"representative.email":          {Kind: "email", Autocomplete: "section-representative email"},

	"technical_contact.company":     {Autocomplete: "section-technical organization"},
	"technical_contact.department":  {},
	"technical_contact.family_name": {Short: true},
	"technical_contact.given_name":  {Short: true},
	"technical_contact.telephone":   {Kind: "tel", Autocomplete: "section-technical tel", Short: true},
	"technical_contact.email":       {Kind: "email", Autocomplete: "section-technical email"},
}

// chosen are the fields with a value out of a few.
var chosen = map[string]bool{"type": true, "validity_years": true, "dcv_method": true, "reason": true}

// inputView is a field as the template "input" shows it.
type inputView struct {
	input
	Path  string
	ID    string
	Value string
	Fault *fault.Field
}

// Input returns a single-line field, or the textarea of the CSR.
func (f form) Input(path string) inputView {
	in := inputs[path]
	if in.Kind == "" {
		in.Kind = "text"
	}
	return inputView{input: in, Path: path, ID: idOfField(path), Value: printable(f.text(path)), Fault: f.fault(path)}
}

// idOfField is the id of the element in which a field is entered.
func idOfField(path string) string { return strings.ReplaceAll(path, ".", "-") }

// choicesView is a field with a value out of a few, as the template "choices" shows it.
type choicesView struct {
	Path     string
	ID       string // of the first button, to which the summary of errors leads
	Fault    *fault.Field
	Items    []choiceView
	Explains bool // each value has a text of its own
}

// choiceView is one button of a choice.
type choiceView struct {
	Path, Value, ID string
	Checked         bool
	Discouraged     bool // works, with a warning
}

// Choices returns a field that is chosen.
func (f form) Choices(path string, values ...string) choicesView {
	c := choicesView{Path: path, ID: idOfField(path), Fault: f.fault(path)}
	for i, v := range values {
		item := choiceView{Path: path, Value: v, ID: c.ID, Checked: f.text(path) == v}
		if i > 0 {
			item.ID += "-" + v
		}
		c.Items = append(c.Items, item)
	}
	return c
}

// Ticked reports whether a box is ticked.
func (f form) Ticked(path string) bool { return f.text(path) == "yes" }

// Fault returns the first rule that the field breaks, nil if it breaks none.
func (f form) Fault(path string) *fault.Field { return f.fault(path) }

// brokenView is one line of the summary of errors.
type brokenView struct {
	fault.Field
	ID    string
	Group string // text key of the part of the form, for fields that have the same label in several
}

// Broken lists every broken rule in the order of the form.
func (f form) Broken() []brokenView {
	out := make([]brokenView, len(f.broken))
	for i, b := range f.broken {
		out[i] = brokenView{Field: b, ID: idOfField(b.Path)}
		if group, _, within := strings.Cut(b.Path, "."); within {
			out[i].Group = "group." + group
		}
	}
	return out
}

// carried is a value that a page takes along in a hidden field.
type carried struct{ Path, Value string }

// Carried returns what was typed into the fields, for a page on which they are not to be seen.
func (f form) Carried(paths []string) []carried {
	out := make([]carried, 0, len(paths))
	for _, path := range paths {
		if v := f.text(path); v != "" {
			out = append(out, carried{path, printable(v)})
		}
	}
	return out
}
