package order

import (
	"regexp"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
)

// CertificateName is what somebody typed to identify a certificate. Several may be set: ten digits are an order number and could be a
// serial number, too. Certificates of ours have the address as their common name (SBR 7.1.4.2.2a), so one look-up serves both.
type CertificateName struct {
	Order   string // order number
	Serial  string // lower-case hex, no leading zeros
	Address string // in its normal form

	Organization string // in Japanese or English; names no certificate, but those among which staff choose
}

// NormalizedReissue is a request that keeps every rule, with what was read out of it.
type NormalizedReissue struct {
	Request   ReissueRequest // every field in its normal form; validating it again changes nothing
	Original  CertificateName
	ExpiresOn time.Time // the day's first moment in Japan
	CSR       csr.Request

	AfterCompromise bool // what the policy said of certificates revoked for the compromise of their key
}

// Until is the first moment after the day on which the certificate ends.
func (n NormalizedReissue) Until() time.Time { return n.ExpiresOn.AddDate(0, 0, 1) }

// DecodeReissue reads the JSON of a reissue form as strictly as DecodeApplication reads an application.
func DecodeReissue(data []byte) (ReissueRequest, error) {
	var r ReissueRequest
	if reason := strictJSON(data, maxApplication, &r); reason != nil {
		return ReissueRequest{}, reason.fault("reissue.malformed")
	}
	return r, nil
}

// ValidateReissue checks the whole form (G24, G25) and returns its normal form, as Validate does for an application. Whether there is such a
// certificate is for the record to say.
func ValidateReissue(r ReissueRequest, l Limits) (NormalizedReissue, error) {
	v := validation{limits: l, out: Normalized{Application: Application{
		Language: r.Language, CSR: r.CSR, Representative: r.Representative, TechnicalContact: r.TechnicalContact, TermsAccepted: r.TermsAccepted,
	}}}
	a := &v.out.Application
	v.language(a)
	n := NormalizedReissue{Request: r, AfterCompromise: l.ReissueAfterCompromise}
	n.Original = v.original(&n.Request.Original)
	n.ExpiresOn = v.expiresOn(&n.Request.ExpiresOn)
	v.reissueReason(&n.Request)
	v.signingRequest(a)
	v.representative(&a.Representative)
	v.technicalContact(&a.TechnicalContact)
	v.terms(a)
	if err := fault.InvalidFields(v.broken); err != nil {
		return NormalizedReissue{}, err
	}
	n.Request.Language, n.Request.CSR, n.Request.Representative, n.Request.TechnicalContact = a.Language, a.CSR, a.Representative, a.TechnicalContact
	n.CSR = v.out.Request
	return n, nil
}

func (v *validation) original(value *string) CertificateName {
	n, f := certificateName(*value)
	v.set(value, n.typed(), f)
	return n
}

// typed is the name in the form that is kept.
func (n CertificateName) typed() string {
	switch {
	case n.Address != "":
		return n.Address
	case n.Order != "":
		return n.Order
	case n.Organization != "":
		return n.Organization
	default:
		return n.Serial
	}
}

var (
	orderNumber  = regexp.MustCompile(`^[1-9][0-9]{9}$`)
	serialNumber = regexp.MustCompile(`^[0-9a-f]{1,40}$`) // at most 20 octets (RFC 5280 4.1.2.2)
)

// certificateName reads what identifies a certificate (G24).
func certificateName(s string) (CertificateName, *fault.Field) {
	const path = "original"
	if len(s) > maxRaw {
		return CertificateName{}, tooLong(path, maxEmail)
	}
	s = strings.TrimSpace(width.Fold.String(s))
	switch {
	case s == "":
		return CertificateName{}, required(path)
	case strings.Contains(s, "@"):
		m, f := mailbox(path, s)
		return CertificateName{Address: m.String()}, f
	}
	var n CertificateName
	if digits := compactDigits(s); orderNumber.MatchString(digits) {
		n.Order = digits
	}
	n.Serial = serial(s)
	if n.Serial == "" || !strings.ContainsFunc(s, unicode.IsDigit) { // a short name can be hex, too
		n.Organization = organizationName(path, s)
	}
	if n == (CertificateName{}) {
		f := field(path, "original", "オーダー番号 (10桁)、シリアル番号 (16進数)、証明書のメールアドレス、または申請団体名で指定します。",
			"An order number of 10 digits, a serial number in hex, the certificate's e-mail address, or the organisation's name.",
			"証明書の発行のお知らせメール、または証明書の内容を確認してください。", "Look at the mail that announced the certificate, or at the certificate.")
		return n, &f
	}
	return n, nil
}

// organizationName returns s as a name is entered in the form, or "".
func organizationName(path, s string) string {
	name, f := textRule{max: maxStreet}.clean(path, s)
	if f != nil || !strings.ContainsFunc(name, unicode.IsLetter) {
		return ""
	}
	return name
}

// serial returns the serial number as the record keeps it, or "": hex digits, alone or in pairs with colons or blanks between, as
// programs show them.
func serial(s string) string {
	s = strings.TrimPrefix(strings.NewReplacer(":", "", " ", "").Replace(strings.ToLower(s)), "0x")
	if !serialNumber.MatchString(s) {
		return ""
	}
	return strings.TrimLeft(s, "0")
}

// japan is the civil time of Japan, which has had no other since 1951.
func japan() *time.Location { return time.FixedZone("JST", 9*60*60) }

// dayShape is a date as people in Japan write it: 2027-11-21, 2027/11/21, 2027.11.21, 2027年11月21日, 20271121.
var dayShape = regexp.MustCompile(`^([0-9]{4})(?:[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))$`)

// expiresOn reads the last day of the certificate, as it is printed in Japan.
func (v *validation) expiresOn(value *string) time.Time {
	day, f := civilDay(*value)
	v.set(value, day.Format(time.DateOnly), f)
	return day
}

func civilDay(s string) (time.Time, *fault.Field) {
	const path = "expires_on"
	wrong := field(path, "date", "証明書の有効期限の日付 (日本時間) です。", "The date on which the certificate ends, in Japan time.",
		"例) 2027-11-21", "Enter it as in 2027-11-21.")
	if len(s) > maxRaw {
		return time.Time{}, &wrong
	}
	s = strings.TrimSpace(width.Fold.String(s))
	if s == "" {
		return time.Time{}, required(path)
	}
	m := dayShape.FindStringSubmatch(s)
	if m == nil {
		return time.Time{}, &wrong
	}
	day, err := time.ParseInLocation("2006-1-2", m[1]+"-"+strings.TrimPrefix(m[2]+m[4], "0")+"-"+strings.TrimPrefix(m[3]+m[5], "0"), japan())
	if err != nil || day.Year() < 2000 {
		return time.Time{}, &wrong
	}
	return day, nil
}

// reissueReason checks why; a wish to change what is certified is answered with how to get it (G25).
func (v *validation) reissueReason(r *ReissueRequest) {
	if r.Reason == DetailsChanged {
		v.add(field("reason", "reissue.details", "再発行では、団体名やメールアドレスなどの記載内容は変更できません。",
			"A reissue cannot change what the certificate says, such as the organisation's name or the e-mail address.",
			"新しい内容で新規にお申し込みください (有償)。", "Apply for a new certificate with the new details; it needs a voucher."))
		return
	}
	if f := oneOf("reason", r.Reason, ReissueReasons); f != nil {
		v.add(*f)
	}
	if strings.TrimSpace(r.ReasonText) == "" { // a line break alone is what a text area sends of an answer taken back
		r.ReasonText = ""
	}
	if f := multiline("reason_text", r.ReasonText, maxProse, r.Reason != OtherReason); f != nil {
		v.add(*f)
		return
	}
	r.ReasonText = strings.TrimSpace(strings.ReplaceAll(r.ReasonText, "\r\n", "\n"))
}
