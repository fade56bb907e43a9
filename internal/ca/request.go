package ca

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"

	"golang.org/x/net/idna"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// asciiMailbox returns the address as an rfc822Name holds it: ASCII, the domain as lower-case A-labels (RFC 9598 4). A local part
// beyond ASCII would need a SmtpUTF8Mailbox, which few mail clients read.
func asciiMailbox(email string) (string, *fault.Field) {
	local, domain, ok := strings.Cut(email, "@")
	if ok && local != "" && isASCII(local) {
		if labels, err := idna.Lookup.ToASCII(domain); err == nil && labels != "" {
			return local + "@" + strings.ToLower(labels), nil
		}
	}
	return "", &fault.Field{
		Path: "certificate_email", Code: "certificate.mailbox",
		Rule:   fault.Text{JA: "証明書に記載できるメールアドレスではありません。", EN: "This e-mail address cannot stand in a certificate."},
		Remedy: fault.Text{JA: "@ の左側は半角英数字、右側は正しいドメイン名にしてください。", EN: "Use ASCII left of the @ and a valid domain right of it."},
	}
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < 0x21 || r > 0x7e })
}

// rsaKey reads a SubjectPublicKeyInfo (G5, G6). It is encoded anew for the certificate, so that odd encodings do not get in.
func rsaKey(spki []byte) (*rsa.PublicKey, *fault.Field) {
	if parsed, err := x509.ParsePKIXPublicKey(spki); err == nil {
		if key, ok := parsed.(*rsa.PublicKey); ok {
			return key, nil
		}
	}
	return nil, &fault.Field{
		Path: "csr", Code: "certificate.key",
		Rule:   fault.Text{JA: "公開鍵は RSA でなければなりません。", EN: "The public key must be RSA."},
		Remedy: fault.Text{JA: "RSA 2048 ビット以上の鍵で CSR を作り直してください。", EN: "Make a new CSR with an RSA key of at least 2048 bits."},
	}
}

// checkYears holds G4, unless the end is given (G25).
func checkYears(r order.CertificateRequest) *fault.Field {
	if !r.NotAfter.IsZero() || r.ValidityYears == 1 || r.ValidityYears == 2 {
		return nil
	}
	return &fault.Field{
		Path: "validity_years", Code: "certificate.years",
		Rule:   fault.Text{JA: "有効期間は 1 年または 2 年です。", EN: "The validity is 1 or 2 years."},
		Remedy: fault.Text{JA: "1 または 2 を指定してください。", EN: "Choose 1 or 2."},
	}
}

func invalid(fields ...*fault.Field) error {
	var broken []fault.Field
	for _, f := range fields {
		if f != nil {
			broken = append(broken, *f)
		}
	}
	return fault.InvalidFields(broken)
}

// checkName holds that a distinguished name is one and names no mailbox but this one (SBR 7.1.4.2.2: every mailbox of the subject is in the
// subjectAltName).
func checkName(der []byte, mailbox string) error {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 || len(name) == 0 {
		return errWrongName()
	}
	for _, set := range name {
		for _, a := range set {
			holdsMailbox := a.Type.Equal(commonName) || a.Type.Equal(emailAddress)
			if text, isText := a.Value.(string); holdsMailbox && isText && strings.Contains(text, "@") && text != mailbox {
				return errWrongName()
			}
		}
	}
	return nil
}

// Attributes that may hold a mailbox.
var (
	commonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	emailAddress = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
)

func errWrongName() error {
	return fault.New(fault.Conflict, "certificate.name", "元の証明書の識別名をそのまま記載できないため、再発行できません。新規にお申し込みください。",
		"The original's distinguished name cannot be certified again. Please apply for a new certificate.")
}

func errOriginalEnded() error {
	return fault.New(fault.Conflict, "certificate.ended",
		"元の証明書の有効期間が終了しているため再発行できません。新規または更新でお申し込みください。",
		"The original certificate has ended, so it cannot be reissued. Please apply for a new one or a renewal.")
}

func errIssuerEnds() error {
	return fault.New(fault.Conflict, "ca.ends-before",
		"発行 CA の有効期間が証明書の有効期間より先に終わるため発行できません。CA の更新が必要です。",
		"The issuing CA ends before the certificate would. The CA must be renewed first.")
}
