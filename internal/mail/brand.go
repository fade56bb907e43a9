package mail

import (
	"net/mail"
	"net/url"
	"reflect"
	"regexp"
	"strings"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Words is one setting in both languages.
type Words struct {
	JA string `env:"JA"`
	EN string `env:"EN"`
}

// In returns the words in a language, Japanese unless it is English.
func (w Words) In(lang order.Language) string {
	return fault.Text{JA: w.JA, EN: w.EN}.In(string(lang))
}

// Brand is every string of a mail that names a company. Nothing of it has a default: nobody sends mail in another company's
// name by accident. Validate names what is missing. The tags are the settings' names below the prefix that the program
// chooses; path "from.order" is FROM_ORDER.
type Brand struct {
	Product Words `envPrefix:"PRODUCT_"` // the product's name in running text
	Company Words `envPrefix:"COMPANY_"` // who signs

	Support Support `envPrefix:"SUPPORT_"`
	From    Senders `envPrefix:"FROM_"`
	ReplyTo string  `env:"REPLY_TO"` // optional; not used for validation requests, which nobody should answer

	TermsURL string `env:"TERMS_URL"` // the terms of service, to which an applicant agrees (G13)

	MessageIDDomain string   `env:"MESSAGE_ID_DOMAIN"` // right part of every Message-ID
	Subjects        Subjects `envPrefix:"SUBJECTS_"`
}

// Support is where a reader gets help; at least one of URL and Email is needed.
type Support struct {
	URL      string `env:"URL"`
	Email    string `env:"EMAIL"`
	PhoneURL string `env:"PHONE_URL"` // optional: a page that explains the validation call (G20)
}

// Senders are the From addresses, each "Name <address>" or an address alone.
type Senders struct {
	Validation string `env:"VALIDATION"` // requests to approve a domain (G17)
	Issue      string `env:"ISSUE"`      // issue notices (G21)
	Order      string `env:"ORDER"`      // the receipt and everything else about an order (G14)
}

// Subjects are the subject lines that the guide fixes; the others follow from the product's name. {domain}, {number},
// {product} and {company} stand for the letter's.
type Subjects struct {
	DomainApproval    string `env:"DOMAIN_APPROVAL"`           // G17, the same for every reader
	Receipt           Words  `envPrefix:"RECEIPT_"`            // G14
	IssuedCertificate Words  `envPrefix:"ISSUED_CERTIFICATE_"` // G21, to the certificate address
	IssuedContact     Words  `envPrefix:"ISSUED_CONTACT_"`     // G21, to the technical contact
}

// Validate returns a fault that names every setting that is missing or unusable, nil if there is none.
func (b Brand) Validate() error {
	var broken []fault.Field
	walk("brand", reflect.ValueOf(b), func(path, value string) {
		if f, ok := b.check(path, value); !ok {
			broken = append(broken, f)
		}
	})
	return fault.InvalidFields(broken)
}

// walk visits every string of a setting under its dotted name.
func walk(path string, v reflect.Value, visit func(path, value string)) {
	if v.Kind() == reflect.String {
		visit(path, v.String())
		return
	}
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name := strings.ToLower(tag.Get("env") + strings.TrimSuffix(tag.Get("envPrefix"), "_"))
		walk(path+"."+name, v.Field(i), visit)
	}
}

// check judges one setting by its name.
func (b Brand) check(path, value string) (fault.Field, bool) {
	name := strings.TrimPrefix(path, "brand.")
	switch {
	case value == "":
		if b.optional(name) {
			return fault.Field{}, true
		}
		return setting(path, "required", "設定されていません。", "is not set.", "値を設定してください。", "Set it."), false
	case value != line(value, maxLine):
		return setting(path, "characters", "使えない文字が含まれています。", "holds characters that no header can.", "改行や制御文字を除いてください。", "Remove line breaks and control characters."), false
	}
	return checkForm(path, name, value)
}

// optional reports whether a setting may be empty.
func (b Brand) optional(name string) bool {
	switch name {
	case "reply_to", "support.phone_url":
		return true
	case "support.url":
		return b.Support.Email != ""
	case "support.email":
		return b.Support.URL != ""
	default:
		return false
	}
}

// checkForm judges the form of addresses, subjects and the domain.
func checkForm(path, name, value string) (fault.Field, bool) {
	ok, remedyJA, remedyEN := true, "", ""
	switch {
	case strings.HasPrefix(name, "from."), name == "reply_to", name == "support.email":
		_, err := mail.ParseAddress(value)
		ok, remedyJA, remedyEN = err == nil, "「名前 <アドレス>」またはアドレスの形にしてください。", "Write Name <address>, or an address."
	case strings.HasSuffix(name, "url"):
		ok, remedyJA, remedyEN = webAddress(value), "http または https の URL にしてください。", "Write an http or https URL."
	case name == "message_id_domain":
		ok, remedyJA, remedyEN = domainName(value), "ドメイン名を指定してください。", "Write a domain name."
	case strings.HasPrefix(name, "subjects."):
		ok = !strings.ContainsAny(placeholders("", "", "", "").Replace(value), "{}")
		remedyJA, remedyEN = "{domain}、{number}、{product}、{company} だけが使えます。", "Only {domain}, {number}, {product} and {company} stand for something."
	}
	return setting(path, "form", "形式が正しくありません。", "is not well formed.", remedyJA, remedyEN), ok
}

// sender returns the From address of a kind of letter.
func (b Brand) sender(kind order.LetterKind) string {
	switch kind {
	case order.LetterDomainApproval:
		return b.From.Validation
	case order.LetterIssuedCertificate, order.LetterIssuedContact:
		return b.From.Issue
	default:
		return b.From.Order
	}
}

// subject returns the configured subject line of a kind, empty if its template has one.
func (b Brand) subject(kind order.LetterKind, lang order.Language) string {
	switch kind {
	case order.LetterDomainApproval:
		return b.Subjects.DomainApproval
	case order.LetterReceipt:
		return b.Subjects.Receipt.In(lang)
	case order.LetterIssuedCertificate:
		return b.Subjects.IssuedCertificate.In(lang)
	case order.LetterIssuedContact:
		return b.Subjects.IssuedContact.In(lang)
	default:
		return ""
	}
}

// placeholders fills in a subject line.
func placeholders(domain, number, product, company string) *strings.Replacer {
	return strings.NewReplacer("{domain}", domain, "{number}", number, "{product}", product, "{company}", company)
}

// webAddress reports whether s is an address that a browser opens.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

var hostname = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)

// domainName reports whether s can be the right part of a Message-ID.
func domainName(s string) bool {
	return hostname.MatchString(s)
}

// setting is one unusable setting.
func setting(path, code, ruleJA, ruleEN, remedyJA, remedyEN string) fault.Field {
	return fault.Field{
		Path: path, Code: code,
		Rule:   fault.Text{JA: ruleJA, EN: "The setting " + ruleEN},
		Remedy: fault.Text{JA: remedyJA, EN: remedyEN},
	}
}
