package order

import (
	"errors"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/voucher"
)

// Normalized is an application that keeps every rule, with what was read out of it.
type Normalized struct {
	Application Application // every field in its normal form; validating it again changes nothing
	Voucher     voucher.Code
	Request     csr.Request
	Overrides   []csr.Override // where the form wins over the CSR (G6); to be shown, no error
	Domain      string         // of the certificate address, A-labels: what DCV has to prove (G8)
}

// Validate checks the whole form (G2–G13) against the rules and the policy's limits and returns its normal form. It is deterministic.
// The error is an invalid-fields fault that lists every broken rule in form order, one per field; it repeats nothing that was entered.
func Validate(a Application, l Limits) (Normalized, error) {
	v := validation{limits: l, out: Normalized{Application: a}}
	v.request()
	v.organization(&v.out.Application.Organization)
	v.representative(&v.out.Application.Representative)
	v.technicalContact(&v.out.Application.TechnicalContact)
	v.terms(&a)
	if err := fault.InvalidFields(v.broken); err != nil {
		return Normalized{}, err
	}
	v.out.Overrides = v.out.Request.Overrides(v.out.Application.Certified())
	return v.out, nil
}

// CheckSubject checks what is to be certified, after a correction as well (G10). The values must be in their normal form; see
// CleanCertificateText.
func CheckSubject(s Subject, l Limits) []fault.Field {
	fields := subjectFields(s.Organization, s.Unit, s.State, s.City, false)
	if s.Unit != "" && !l.Unit {
		fields = append(fields, unitRefused("unit"))
	}
	switch {
	case l.Identifier && s.Identifier == "":
		fields = append(fields, *required("identifier"))
	case s.Identifier == "":
	case !l.Identifier:
		fields = append(fields, field("identifier", "identifier", "このポリシーでは識別番号を証明書に記載しません。",
			"Under this policy no identifier is certified.", "空欄にしてください。", "Leave it empty."))
	default:
		if normal, f := identifier("identifier", s.Identifier, l); f != nil {
			fields = append(fields, *f)
		} else if normal != s.Identifier {
			fields = append(fields, *wrongIdentifier("identifier"))
		}
	}
	return fields
}

// subjectFields checks the ★ texts in their normal form. In a correction, which is partial, each may be left out.
func subjectFields(organization, unit, state, city string, partial bool) []fault.Field {
	var fields []fault.Field
	for _, t := range []struct {
		name, value string
		max         int
	}{{"organization", organization, maxOrganization}, {"unit", unit, maxUnit}, {"state", state, maxState}, {"city", city, maxCity}} {
		place := t.name == "state" || t.name == "city"
		rule := textRule{max: t.max, alphabet: certificate, optional: partial || t.name == "unit", place: place}
		switch {
		case partial:
			rule.links = unjudged
		case place:
			rule.links = unlinked
		}
		normal, f := rule.clean(t.name, t.value)
		if f == nil && normal != t.value {
			f = notNormal(t.name)
		}
		if f != nil {
			fields = append(fields, *f)
		}
	}
	return fields
}

// WithoutVoucher returns the application as it is stored: the voucher code is a secret (G2).
func (a Application) WithoutVoucher() Application {
	a.Voucher = ""
	return a
}

// Certified is what the form says about the names that a CSR may carry (G6).
func (a Application) Certified() csr.Form {
	o := a.Organization
	return csr.Form{Email: a.CertificateEmail, Organization: o.Name, Unit: o.Unit, State: o.State, City: o.City, Country: Country}
}

// validation collects the broken rules of one form.
type validation struct {
	limits Limits
	out    Normalized
	broken []fault.Field
}

func (v *validation) add(fields ...fault.Field) { v.broken = append(v.broken, fields...) }

// set stores a normal form, or collects the rule that is broken.
func (v *validation) set(dst *string, normal string, f *fault.Field) {
	if f != nil {
		v.add(*f)
		return
	}
	*dst = normal
}

// merge collects the fields of a fault from another room.
func (v *validation) merge(err error) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		v.add(f.Fields...)
	}
}

func (v *validation) text(path string, value *string, r textRule) {
	normal, f := r.clean(path, *value)
	v.set(value, normal, f)
}

func (v *validation) phone(path string, value *string) {
	normal, f := japanesePhone(path, *value)
	v.set(value, normal, f)
}

func (v *validation) email(path string, value *string) Mailbox {
	m, f := mailbox(path, *value)
	v.set(value, m.String(), f)
	return m
}

// request is the first section of the form: voucher to DCV method (G2–G8).
func (v *validation) request() {
	a := &v.out.Application
	v.language(a)
	code, err := voucher.Normalize(a.Voucher)
	v.merge(err)
	a.Voucher, v.out.Voucher = code.Reveal(), code
	v.applicationType(a.Type)
	if a.ValidityYears != 1 && a.ValidityYears != 2 {
		v.add(field("validity_years", "validity", "有効期間は1年または2年です。", "The validity is 1 or 2 years.", "1または2を選択してください。", "Choose 1 or 2."))
	}
	v.signingRequest(a)
	v.out.Domain = v.email("certificate_email", &a.CertificateEmail).Domain
	v.method(a.DCVMethod)
}

func (v *validation) signingRequest(a *Application) {
	request, err := csr.Parse(a.CSR, v.limits.Blocklist)
	v.merge(err)
	if err == nil {
		a.CSR, v.out.Request = request.PEM(), request
	}
}

// terms must be agreed to (G13).
func (v *validation) terms(a *Application) {
	if !a.TermsAccepted {
		v.add(field("terms_accepted", "terms", "利用規約への同意が必要です。", "The terms must be accepted.",
			"利用規約を確認し、同意のうえ申請してください。", "Read the terms and accept them."))
	}
}

func (v *validation) language(a *Application) {
	switch a.Language {
	case "":
		a.Language = Japanese
	case Japanese, English:
	default:
		v.add(field("language", "language", "言語はjaまたはenです。", "The language is ja or en.", "jaまたはenを指定してください。", "Choose ja or en."))
	}
}

func (v *validation) applicationType(t Type) {
	switch t {
	case New, Renewal:
	case Reissue:
		v.add(field("type", "type", "再発行はこのフォームでは申請できません。", "A reissue has a form of its own.",
			"再発行申請フォームをご利用ください。", "Use the reissue form; it needs no voucher.")) // G24
	default:
		v.add(field("type", "type", "申請区分は新規 (new) または更新 (renewal) です。", "The application type is new or renewal.",
			"newまたはrenewalを選択してください。", "Choose new or renewal."))
	}
}

func (v *validation) method(m DCVMethod) {
	if f := knownMethod("dcv_method", m); f != nil {
		v.add(*f)
	} else if !v.limits.allows(m) {
		v.add(field("dcv_method", "dcv-method.refused", "この認証方式は現在ご利用いただけません。", "This validation method is not permitted at present.",
			"別の認証方式を選択してください。", "Choose another method."))
	}
}

// organization is the second section (G9).
func (v *validation) organization(o *Organization) {
	v.text("organization.name_ja", &o.NameJA, textRule{max: maxStreet, alphabet: japanese})
	v.text("organization.name", &o.Name, textRule{max: maxOrganization, alphabet: certificate})
	v.text("organization.unit", &o.Unit, textRule{max: maxUnit, alphabet: certificate, optional: true})
	if o.Unit != "" && !v.limits.Unit {
		v.add(unitRefused("organization.unit"))
	}
	v.text("organization.state", &o.State, textRule{max: maxState, alphabet: certificate, place: true, links: unlinked})
	v.text("organization.city", &o.City, textRule{max: maxCity, alphabet: certificate, place: true, links: unlinked})
	v.text("organization.street", &o.Street, textRule{max: maxStreet})
	postal, f := postalCode("organization.postal_code", o.PostalCode)
	v.set(&o.PostalCode, postal, f)
	v.phone("organization.telephone", &o.Telephone)
	id, f := identifier("organization.identifier", o.Identifier, v.limits)
	v.set(&o.Identifier, id, f)
}

// representative is the third section (G11).
func (v *validation) representative(r *Representative) {
	v.text("representative.department", &r.Department, textRule{max: maxName, links: unlinked})
	v.text("representative.family_name_ja", &r.FamilyNameJA, textRule{max: maxName, alphabet: japanese, links: unlinked})
	v.text("representative.given_name_ja", &r.GivenNameJA, textRule{max: maxName, alphabet: japanese, links: unlinked})
	v.text("representative.family_name", &r.FamilyName, textRule{max: maxName, alphabet: latinName, links: unlinked})
	v.text("representative.given_name", &r.GivenName, textRule{max: maxName, alphabet: latinName, links: unlinked})
	v.email("representative.email", &r.Email)
}

// technicalContact is the fourth section (G12).
func (v *validation) technicalContact(t *TechnicalContact) {
	v.text("technical_contact.company", &t.Company, textRule{max: maxStreet})
	v.text("technical_contact.department", &t.Department, textRule{max: maxName, links: unlinked})
	v.text("technical_contact.family_name", &t.FamilyName, textRule{max: maxName, alphabet: latinName, links: unlinked})
	v.text("technical_contact.given_name", &t.GivenName, textRule{max: maxName, alphabet: latinName, links: unlinked})
	v.phone("technical_contact.telephone", &t.Telephone)
	v.email("technical_contact.email", &t.Email)
}

func knownMethod(path string, m DCVMethod) *fault.Field {
	for _, known := range DCVMethods {
		if m == known {
			return nil
		}
	}
	f := field(path, "dcv-method", "認証方式は email、file、dns-txt、dns-cname のいずれかです。", "The validation method is email, file, dns-txt or dns-cname.",
		"いずれか1つを選択してください。", "Choose one of them.")
	return &f
}

func unitRefused(path string) fault.Field {
	return field(path, "unit.refused", "部門名 (Organization Unit) は証明書に記載できません。", "An organization unit cannot be certified under this policy.",
		"空欄にしてください。", "Leave it empty.")
}

func notNormal(path string) *fault.Field {
	f := field(path, "normal-form", "余分な空白や全角英数字を含まない表記です。", "The value must have no extra blanks or full-width letters.",
		"表示したい通りに入力し直してください。", "Enter it exactly as it is to appear.")
	return &f
}
