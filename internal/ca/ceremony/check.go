package ceremony

import (
	"crypto/x509"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

// Check returns a fault of kind Invalid that names every setting that breaks a rule, or nil. Outside development all names, URLs and the policy
// OID must be the operator's own.
func (s Spec) Check() error {
	c := checker{development: s.Development}
	if _, ok := policy.Open(s.Profile); !ok {
		c.add("profile", "ceremony.profile", "guide または public-trust です。", "It is guide or public-trust.")
	}
	c.text("operator", s.Operator, 128)
	for _, w := range s.Witnesses {
		c.text("witnesses", w, 128)
	}
	if !s.Development && !slices.ContainsFunc(s.Witnesses, func(w string) bool { return w != s.Operator }) {
		c.add("witnesses", "ceremony.witness",
			"本番の鍵生成には実施者以外の立会人が必要です (SBR 5.2.2)。", "Outside development somebody else than the operator must witness (SBR 5.2.2).")
	}
	c.policyOID(s.PolicyOID, s.Profile)
	c.subject("root.subject", s.Root.Subject)
	c.subject("issuing.subject", s.Issuing.Subject)
	if s.Root.Subject == s.Issuing.Subject {
		c.add("issuing.subject", "ceremony.same-subject", "ルート CA と異なる名称が必要です。", "It must differ from the root's.")
	}
	c.between("root.validity_years", s.Root.ValidityYears, 1, 25)
	c.between("root.crl_validity_days", s.Root.CRLValidityDays, 1, 365)
	c.between("issuing.validity_years", s.Issuing.ValidityYears, 3, min(25, s.Root.ValidityYears))
	c.hsm("root.hsm", s.Root.HSM)
	c.hsm("issuing.hsm", s.Issuing.HSM)
	if s.Root.HSM != "" && s.Root.HSM == s.Issuing.HSM {
		c.add("issuing.hsm", "ceremony.same-key", "ルート CA と異なる鍵 (object) が必要です。", "It must name another key (object) than the root's.")
	}
	c.url("root.certificate_url", s.Root.CertificateURL)
	c.url("root.crl_url", s.Root.CRLURL)
	return fault.InvalidFields(c.fields)
}

// checker gathers broken rules.
type checker struct {
	development bool
	fields      []fault.Field
}

func (c *checker) add(path, code, ja, en string) {
	c.fields = append(c.fields, fault.Field{
		Path: path, Code: code, Rule: fault.Text{JA: ja, EN: en},
		Remedy: fault.Text{JA: "設定ファイルを修正し、もう一度確認してください。", EN: "Correct the file and have it reviewed again."},
	})
}

func (c *checker) between(path string, n, least, most int) {
	if n < least || n > most {
		c.add(path, "ceremony.range", "値が許される範囲にありません。", "The value is outside its range.")
	}
}

// text is a printable line of at most that many characters.
func (c *checker) text(path, s string, most int) {
	if strings.TrimSpace(s) != s || s == "" || utf8.RuneCountInString(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		c.add(path, "ceremony.text", "空でない 1 行の文字列が必要です (前後の空白なし、長さの上限内)。",
			"A line of text within its length is needed, without blanks around it.")
	}
}

func (c *checker) subject(path string, s Subject) {
	if !regexp.MustCompile(`^[A-Z]{2}$`).MatchString(s.Country) {
		c.add(path+".country", "ceremony.country", "ISO 3166-1 の国コード 2 文字です。", "It is a two-letter country code of ISO 3166-1.")
	}
	c.text(path+".organization", s.Organization, 64) // upper bounds of RFC 5280 A.1
	c.text(path+".common_name", s.CommonName, 64)
	for field, v := range map[string]string{".organization": s.Organization, ".common_name": s.CommonName} {
		if lower := strings.ToLower(v); strings.Contains(lower, "sample trading") || strings.Contains(lower, "example") {
			c.reserved(path + field)
		}
	}
}

func (c *checker) policyOID(oid string, profile policy.Profile) {
	switch _, err := x509.ParseOID(oid); {
	case err != nil:
		c.add("policy_oid", "ceremony.oid", "ドット区切りの OID が必要です。", "A dotted OID is needed.")
	case profile == policy.PublicTrust && !lint.IsBaselinePolicy(oid):
		c.add("policy_oid", "ceremony.oid", "public-trust では Strict または Multipurpose の OID です。", "With public-trust it is the OID of Strict or Multipurpose.")
	case strings.HasPrefix(oid, "2.999."):
		c.reserved("policy_oid") // the example arc of X.660
	}
}

func (c *checker) url(path, address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		c.add(path, "ceremony.url", "http の URL が必要です (https は不可)。", "A plain http URL is needed, not https.")
		return
	}
	if reservedHost(u.Hostname()) {
		c.reserved(path)
	}
}

// hsm is the URI of a key that is still to be made: its token and how that is reached, and the key's label.
func (c *checker) hsm(path, uri string) {
	if uri == "" {
		return
	}
	u, err := hsm.ParseURI(uri)
	switch {
	case err != nil:
		f := fault.Public(err)
		c.add(path, "ceremony.hsm", f.Text.JA, f.Text.EN)
	case (u.Token == "") == (u.Serial == "") || u.Object == "" || u.ID != "" || u.ModulePath == "" || u.PINSource == "":
		c.add(path, "ceremony.hsm", "token (または serial)、object、module-path、pin-source が必要です。id は自動で決まります。",
			"token (or serial), object, module-path and pin-source are needed; the id is drawn.")
	}
}

// reserved refuses what only development may use.
func (c *checker) reserved(path string) {
	if !c.development {
		c.add(path, "ceremony.reserved", "開発用の例示値のままです。自組織の値を設定してください。", "This is still a value for development. Set your own.")
	}
}

// reservedHost reports names that nobody owns (RFC 2606, RFC 6761, JPRS's example names), bare labels and addresses.
func reservedHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if net.ParseIP(host) != nil || !strings.Contains(host, ".") {
		return true
	}
	labels := strings.Split(host, ".")
	if slices.Contains([]string{"test", "example", "invalid", "localhost", "local", "internal"}, labels[len(labels)-1]) {
		return true
	}
	return slices.Contains(labels, "example")
}
