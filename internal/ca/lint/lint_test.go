package lint

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

const testPolicy = "2.999.1.1"

func begin() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func rules(t testing.TB, p policy.Profile) policy.Rules {
	t.Helper()
	book, ok := policy.Open(p)
	require.True(t, ok)
	return book.At(begin())
}

var testKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// name is a subject in the profile's order; a row of a test changes it.
func name(pairs ...string) pkix.Name {
	var n pkix.Name
	for i := 0; i < len(pairs); i += 2 {
		oid, _ := x509.ParseOID(pairs[i])
		var typ asn1.ObjectIdentifier
		for _, s := range strings.Split(oid.String(), ".") {
			v, _ := new(big.Int).SetString(s, 10)
			typ = append(typ, int(v.Int64()))
		}
		n.ExtraNames = append(n.ExtraNames, pkix.AttributeTypeAndValue{Type: typ, Value: pairs[i+1]})
	}
	return n
}

// good is a template that passes all lints of profile guide under testPolicy.
func good() *x509.Certificate {
	oid, _ := x509.ParseOID(testPolicy)
	return &x509.Certificate{
		SerialNumber:       new(big.Int).Lsh(big.NewInt(1), 126),
		Subject:            name(oidCountry, "JP", oidState, "Tokyo", oidLocality, "Chiyoda-ku", oidOrganization, "Sample Trading K.K.", oidCommonName, "info@example.co.jp"),
		NotBefore:          begin(),
		NotAfter:           begin().AddDate(1, 0, 0).Add(-time.Second),
		SignatureAlgorithm: x509.SHA256WithRSA,
		KeyUsage:           x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage:        []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		EmailAddresses:     []string{"info@example.co.jp"}, SubjectKeyId: []byte{1, 2, 3, 4},
		Policies: []x509.OID{oid}, CRLDistributionPoints: []string{"http://ca.example.jp/c.crl"},
		IssuingCertificateURL: []string{"http://ca.example.jp/c.crt"},
	}
}

// build signs the template by an issuer of the same key.
func build(t testing.TB, template *x509.Certificate, public crypto.PublicKey) []byte {
	t.Helper()
	return buildFor(t, template, public)
}

func buildFor(t require.TestingT, template *x509.Certificate, public crypto.PublicKey) []byte {
	k, err := testKey()
	require.NoError(t, err)
	if public == nil {
		public = k.Public()
	}
	issuer := &x509.Certificate{Subject: pkix.Name{Country: []string{"JP"}, CommonName: "Sample CA"}, SubjectKeyId: []byte{9, 9, 9, 9}}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, public, k)
	require.NoError(t, err)
	return der
}

// ownNames are the names of our own lints among the findings.
func ownNames(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		if strings.HasPrefix(f.Lint, "mailid_") {
			out = append(out, f.Lint)
		}
	}
	return out
}

func TestEachLintSeesItsOwnFault(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 2056)
	require.NoError(t, err)
	withIdentifier := func(id string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, name(oidOrganizationID, id).ExtraNames...)
		}
	}
	without := func(oid string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			var kept []pkix.AttributeTypeAndValue
			for _, a := range c.Subject.ExtraNames {
				if a.Type.String() != oid {
					kept = append(kept, a)
				}
			}
			c.Subject.ExtraNames = kept
		}
	}
	add := func(oid, value string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.Subject.ExtraNames = append(c.Subject.ExtraNames, name(oid, value).ExtraNames...)
		}
	}
	set := func(oid, value string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { without(oid)(c); add(oid, value)(c) }
	}
	san := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.EmailAddresses = names }
	}
	mailbox := func(address string) func(*x509.Certificate) {
		return func(c *x509.Certificate) { set(oidCommonName, address)(c); san(address)(c) }
	}
	public := policy.PublicTrust
	for title, row := range map[string]struct {
		profile policy.Profile // empty: guide
		change  func(*x509.Certificate)
		key     crypto.PublicKey
		asked   Asked
		want    []string
	}{
		"a good certificate passes":              {change: func(*x509.Certificate) {}},
		"825 days, both ends included, pass":     {change: func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(825*24*time.Hour - time.Second) }},
		"a second more does not":                 {change: func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(825 * 24 * time.Hour) }, want: []string{"mailid_validity_period"}},
		"an end before the beginning":            {change: func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(-time.Hour) }, want: []string{"mailid_validity_period"}},
		"a short serial number":                  {change: func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }, want: []string{"mailid_serial_number"}},
		"SHA-384":                                {change: func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA384WithRSA }, want: []string{"mailid_signature_algorithm"}},
		"no organisation":                        {change: without(oidOrganization), want: []string{"mailid_organization_name"}},
		"two organisations":                      {change: add(oidOrganization, "Other K.K."), want: []string{"mailid_organization_name", "mailid_subject_attributes"}},
		"public trust wants an identifier":       {profile: public, change: func(*x509.Certificate) {}, want: []string{"mailid_organization_identifier"}},
		"trade register number":                  {profile: public, change: withIdentifier("NTRJP-000000000000")},
		"corporate number":                       {profile: public, change: withIdentifier("VATJP-9000000000000"), want: []string{"mailid_identifier_scheme"}},
		"a corporate number mistyped":            {profile: public, change: withIdentifier("VATJP-9000000000001"), want: []string{"mailid_identifier_scheme", "mailid_corporate_number"}},
		"public body":                            {profile: public, change: withIdentifier("GOVJP"), want: []string{"mailid_identifier_scheme"}},
		"legal entity identifier":                {profile: public, change: withIdentifier("LEIXG-000000000000000000" + "00"), want: []string{"mailid_identifier_scheme"}},
		"13 digits are no trade register number": {profile: public, change: withIdentifier("NTRJP-0000000000000"), want: []string{"mailid_organization_identifier"}},
		"12 digits are no corporate number":      {profile: public, change: withIdentifier("VATJP-000000000000"), want: []string{"mailid_organization_identifier", "mailid_identifier_scheme", "mailid_corporate_number"}},
		"an unknown scheme":                      {profile: public, change: withIdentifier("XYZJP-1"), want: []string{"mailid_organization_identifier", "mailid_identifier_scheme"}},
		"a register without its number":          {profile: public, change: withIdentifier("NTRJP-"), want: []string{"mailid_organization_identifier"}},
		"a public body with a number":            {profile: public, change: withIdentifier("GOVJP-1"), want: []string{"mailid_organization_identifier", "mailid_identifier_scheme"}},
		"an identifier of another country":       {profile: public, change: withIdentifier("NTRUS+CA-1"), want: []string{"mailid_organization_identifier", "mailid_identifier_scheme"}},
		"guide does not validate identifiers":    {change: withIdentifier("NTRJP-000000000000"), want: []string{"mailid_organization_identifier"}},
		"OU with the guide":                      {change: add(oidOrganizationalUnit, "Sales")},
		"no OU with public trust": {profile: public, change: func(c *x509.Certificate) {
			withIdentifier("NTRJP-000000000000")(c)
			add(oidOrganizationalUnit, "Sales")(c)
		}, want: []string{"mailid_subject_attributes"}},
		"a street":                             {change: add("2.5.4.9", "1-1"), want: []string{"mailid_subject_attributes"}},
		"a person's name":                      {change: add("2.5.4.42", "Shinsei"), want: []string{"mailid_subject_attributes"}},
		"64 characters of Japanese":            {change: set(oidOrganization, strings.Repeat("商", 64))},
		"65 characters":                        {change: set(oidOrganization, strings.Repeat("商", 65)), want: []string{"mailid_subject_bounds"}},
		"129 characters of city":               {change: set(oidLocality, strings.Repeat("a", 129)), want: []string{"mailid_subject_bounds"}},
		"a dash for nothing":                   {change: set(oidLocality, "-"), want: []string{"mailid_subject_placeholder"}},
		"a control character":                  {change: set(oidLocality, "Chiyoda\u0007ku"), want: []string{"mailid_subject_placeholder"}},
		"another country":                      {change: set(oidCountry, "US"), want: []string{"mailid_address"}},
		"an address without its country":       {change: without(oidCountry), want: []string{"mailid_address"}},
		"no city":                              {change: without(oidLocality), want: []string{"mailid_address"}},
		"the organisation as common name":      {change: set(oidCommonName, "Sample Trading K.K.")},
		"no common name":                       {change: without(oidCommonName)},
		"another mailbox as common name":       {change: set(oidCommonName, "sales@example.co.jp"), want: []string{"mailid_common_name"}},
		"a modulus that is no multiple of 8":   {change: func(*x509.Certificate) {}, key: &rsa.PublicKey{N: new(big.Int).Rsh(small.N, 3), E: 65537}, want: []string{"mailid_public_key"}},
		"an even exponent":                     {change: func(*x509.Certificate) {}, key: &rsa.PublicKey{N: small.N, E: 65538}, want: []string{"mailid_public_key"}},
		"primes that lie close together":       {change: func(*x509.Certificate) {}, key: &rsa.PublicKey{N: closeModulus(t), E: 65537}, want: []string{"mailid_close_primes"}},
		"an unknown extension":                 {change: extra(asn1.ObjectIdentifier{2, 999, 1}, false, []byte{5, 0}), want: []string{"mailid_extension_set"}},
		"no subject key identifier":            {change: func(c *x509.Certificate) { c.SubjectKeyId = nil }, want: []string{"mailid_extension_set", "mailid_key_identifiers"}},
		"the issuer by name and serial number": {change: extra(asn1.ObjectIdentifier{2, 5, 29, 35}, false, []byte{0x30, 0x07, 0x80, 0x02, 9, 9, 0x82, 0x01, 1}), want: []string{"mailid_key_identifiers"}},
		"an empty authority key identifier":    {change: extra(asn1.ObjectIdentifier{2, 5, 29, 35}, false, []byte{0x30, 0x00}), want: []string{"mailid_key_identifiers"}},
		"two mailboxes":                        {change: san("info@example.co.jp", "b@example.co.jp"), want: []string{"mailid_common_name", "mailid_one_mailbox"}},
		"a mailbox and a DNS name":             {change: func(c *x509.Certificate) { c.DNSNames = []string{"example.co.jp"} }, want: []string{"mailid_one_mailbox"}},
		"a mailbox without domain":             {change: func(c *x509.Certificate) { without(oidCommonName)(c); san("info")(c) }, want: []string{"mailid_one_mailbox"}},
		"a domain in capitals":                 {change: func(c *x509.Certificate) { without(oidCommonName)(c); san("info@Example.co.jp")(c) }, want: []string{"mailid_one_mailbox", "mailid_mailbox_domain"}},
		"an internationalised domain":          {change: mailbox("info@xn--r8jz45g.example.jp")},
		"an A-label of nothing":                {change: mailbox("info@xn--a.example.jp"), want: []string{"mailid_mailbox_domain"}},
		"an A-label of plain ASCII":            {change: mailbox("info@xn--abc-.example.jp"), want: []string{"mailid_mailbox_domain"}},
		"hyphens in third and fourth place":    {change: mailbox("info@ab--c.example.jp"), want: []string{"mailid_mailbox_domain"}},
		"an underscore":                        {change: mailbox("info@a_b.example.jp"), want: []string{"mailid_mailbox_domain"}},
		"a label that begins with a hyphen":    {change: mailbox("info@-a.example.jp"), want: []string{"mailid_mailbox_domain"}},
		"a label of 64 characters": {change: func(c *x509.Certificate) {
			without(oidCommonName)(c)
			san("info@" + strings.Repeat("a", 64) + ".example.jp")(c)
		}, want: []string{"mailid_mailbox_domain"}},
		"an IP address":                 {change: mailbox("info@192.0.2.1"), want: []string{"mailid_mailbox_domain"}},
		"a SmtpUTF8Mailbox":             {change: utf8Mailbox, want: []string{"mailid_one_mailbox"}},
		"the year ordered":              {change: func(*x509.Certificate) {}, asked: Asked{Years: 1}},
		"a second less than ordered":    {change: func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(-time.Second) }, asked: Asked{Years: 1}, want: []string{"mailid_validity_ordered"}},
		"a second more than ordered":    {change: func(c *x509.Certificate) { c.NotAfter = c.NotAfter.Add(time.Second) }, asked: Asked{Years: 1}, want: []string{"mailid_validity_ordered"}},
		"a year where two were ordered": {change: func(*x509.Certificate) {}, asked: Asked{Years: 2}, want: []string{"mailid_validity_ordered"}},
		"from a leap day": {change: func(c *x509.Certificate) {
			c.NotBefore = time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)
			c.NotAfter = time.Date(2029, 3, 1, 11, 59, 59, 0, time.UTC)
		}, asked: Asked{Years: 1}},
		"the end of the original":        {change: func(*x509.Certificate) {}, asked: Asked{Years: 2, NotAfter: begin().AddDate(1, 0, 0).Add(-time.Second)}},
		"another end":                    {change: func(*x509.Certificate) {}, asked: Asked{NotAfter: begin().AddDate(1, 0, 0)}, want: []string{"mailid_validity_ordered"}},
		"a zero-width joiner":            {change: set(oidOrganization, "Sample\u200dTrading"), want: []string{"mailid_subject_text"}},
		"a change of direction":          {change: set(oidLocality, "Chiyoda\u202eku"), want: []string{"mailid_subject_text"}},
		"a soft hyphen":                  {change: set(oidState, "To\u00adkyo"), want: []string{"mailid_subject_text"}},
		"a full-width blank at the end":  {change: set(oidLocality, "Chiyoda-ku\u3000"), want: []string{"mailid_subject_text"}},
		"a blank at the beginning":       {change: set(oidLocality, " Chiyoda-ku"), want: []string{"mailid_subject_text"}},
		"two blanks":                     {change: set(oidOrganization, "Sample  Trading"), want: []string{"mailid_subject_text"}},
		"two blanks of two widths":       {change: set(oidOrganization, "サンプル \u3000商事"), want: []string{"mailid_subject_text"}},
		"a mark that should be composed": {change: set(oidOrganization, "サンフ\u309aル商事"), want: []string{"mailid_subject_text"}},
		"a zero byte":                    {change: set(oidLocality, "Chiyoda\x00ku"), want: []string{"mailid_subject_placeholder"}},
		"a UTF-8 country":                {change: rawSubject(pkix.RDNSequence{{attribute(oidCountry, asn1.TagUTF8String, "JP")}}), want: []string{"mailid_subject_encoding"}},
		"a T61String":                    {change: rawSubject(pkix.RDNSequence{{attribute(oidLocality, asn1.TagT61String, "Chiyoda-ku")}}), want: []string{"mailid_subject_encoding"}},
		"two attributes in one part": {change: rawSubject(pkix.RDNSequence{{
			attribute(oidCountry, asn1.TagPrintableString, "JP"), attribute(oidLocality, asn1.TagPrintableString, "Chiyoda-ku"),
		}}), want: []string{"mailid_subject_encoding"}},
		"its issuer's key identifier":   {change: func(c *x509.Certificate) { c.SubjectKeyId = []byte{9, 9, 9, 9} }, want: []string{"mailid_key_identifiers"}},
		"a local part of 65 characters": {change: func(c *x509.Certificate) { without(oidCommonName)(c); san(strings.Repeat("a", 65) + "@example.jp")(c) }, want: []string{"mailid_one_mailbox"}},
		"nonRepudiation":                {change: func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageContentCommitment }, want: []string{"mailid_key_usage"}},
		"clientAuth":                    {change: func(c *x509.Certificate) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) }, want: []string{"mailid_extended_key_usage"}},
		"another policy":                {change: func(c *x509.Certificate) { c.Policies = policies("2.999.2") }, want: []string{"mailid_certificate_policy"}},
		"two policies":                  {change: func(c *x509.Certificate) { c.Policies = policies(testPolicy, "2.999.2") }, want: []string{"mailid_certificate_policy"}},
		"an https address":              {change: func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"https://ca.example.jp/c.crl"} }, want: []string{"mailid_http_locations"}},
		"a CRL by LDAP": {change: func(c *x509.Certificate) {
			c.CRLDistributionPoints = append(c.CRLDistributionPoints, "ldap://ca.example.jp/c")
		}, want: []string{"mailid_http_locations"}},
		"older than the rules: only RFC 5280 left": {change: func(c *x509.Certificate) { c.NotBefore, c.SerialNumber = begin().AddDate(-6, 0, 0), big.NewInt(7) }, want: []string{"mailid_serial_number"}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			profile := row.profile
			if profile == "" {
				profile = policy.Guide
			}
			template := good()
			row.change(template)
			l, err := New(testPolicy)
			require.NoError(t, err)
			findings, err := l.Certificate(build(t, template, row.key), rules(t, profile), row.asked)
			require.NoError(t, err)
			require.Equal(t, row.want, ownNames(findings))
			for _, f := range findings {
				require.NotEmpty(t, f.Citation)
				require.NotContains(t, f.Problem, "example.co.jp", "a finding repeats no value")
			}
		})
	}
}

// attribute is a value of a string type that no library would choose.
func attribute(oid string, tag int, value string) pkix.AttributeTypeAndValue {
	a := name(oid, "").ExtraNames[0]
	a.Value = asn1.RawValue{Class: asn1.ClassUniversal, Tag: tag, Bytes: []byte(value)}
	return a
}

// rawSubject puts the parts in the place of the attributes that they name.
func rawSubject(parts pkix.RDNSequence) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		sequence := slices.Clone(parts)
		named := func(a pkix.AttributeTypeAndValue) bool {
			return slices.ContainsFunc(slices.Concat(parts...), func(b pkix.AttributeTypeAndValue) bool { return a.Type.Equal(b.Type) })
		}
		for _, a := range c.Subject.ExtraNames {
			if !named(a) {
				sequence = append(sequence, []pkix.AttributeTypeAndValue{a})
			}
		}
		c.RawSubject, _ = asn1.Marshal(sequence)
	}
}

// utf8Mailbox is 担当@例え.example.jp as RFC 9598 writes it, in place of the rfc822Name.
func utf8Mailbox(c *x509.Certificate) {
	text, _ := asn1.Marshal(asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte("担当@例え.example.jp")})
	value, _ := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: text})
	other, _ := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: append(smtpUTF8Mailbox(), value...)})
	names, _ := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: other})
	c.EmailAddresses = nil
	c.Subject.ExtraNames = c.Subject.ExtraNames[:len(c.Subject.ExtraNames)-1] // without commonName
	extra(asn1.ObjectIdentifier{2, 5, 29, 17}, false, names)(c)
}

func policies(oids ...string) (out []x509.OID) {
	for _, s := range oids {
		oid, _ := x509.ParseOID(s)
		out = append(out, oid)
	}
	return out
}

func extra(oid asn1.ObjectIdentifier, critical bool, value []byte) func(*x509.Certificate) {
	return func(c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oid, Critical: critical, Value: value})
	}
}

// closeModulus is the product of two primes that follow each other.
func closeModulus(t testing.TB) *big.Int {
	t.Helper()
	p, err := rand.Prime(rand.Reader, 1024)
	require.NoError(t, err)
	q := new(big.Int).Add(p, big.NewInt(2))
	for !q.ProbablyPrime(10) {
		q.Add(q, big.NewInt(2))
	}
	return new(big.Int).Mul(p, q)
}

func TestSerialNumbersThatNoLibraryWouldWrite(t *testing.T) {
	t.Parallel()
	for title, row := range map[string]struct {
		serial *big.Int
		fails  bool
	}{
		"zero":               {big.NewInt(0), true},
		"negative":           {new(big.Int).Lsh(big.NewInt(-1), 100), true},
		"2^159":              {new(big.Int).Lsh(big.NewInt(1), 159), true},
		"just below 2^159":   {new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 159), big.NewInt(1)), false},
		"63 bits":            {new(big.Int).Lsh(big.NewInt(1), 62), true},
		"64 bits are enough": {new(big.Int).Lsh(big.NewInt(1), 63), false},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			problem := serialNumber().check(input{cert: &x509.Certificate{SerialNumber: row.serial}})
			require.Equal(t, row.fails, problem != "")
		})
	}
}

func TestBaselineLintsRunOnlyForBaselinePolicies(t *testing.T) {
	t.Parallel()
	der := build(t, good(), nil) // asserts a private policy, which zlint's S/MIME lints refuse
	private, err := New(testPolicy)
	require.NoError(t, err)
	findings, err := private.Certificate(der, rules(t, policy.Guide), Asked{})
	require.NoError(t, err)
	require.Empty(t, findings)
	baseline, err := New(OIDStrict)
	require.NoError(t, err)
	findings, err = baseline.Certificate(der, rules(t, policy.Guide), Asked{})
	require.NoError(t, err)
	require.Greater(t, len(findings), len(ownNames(findings)), "zlint must have found something of its own: %v", findings)
}

func TestBlockingByLevel(t *testing.T) {
	t.Parallel()
	all := []Finding{{Lint: "n", Level: Notice}, {Lint: "w", Level: Warning}, {Lint: "e", Level: Error}}
	require.Equal(t, all, Blocking(all, true))
	require.Equal(t, all[1:], Blocking(all, false))
	require.Empty(t, Blocking(nil, true))
}

func TestLintRefusesWhatIsNoCertificate(t *testing.T) {
	t.Parallel()
	l, err := New(testPolicy)
	require.NoError(t, err)
	_, err = l.Certificate([]byte{0x30, 0}, rules(t, policy.Guide), Asked{})
	require.Error(t, err)
	_, err = l.CACertificate(nil)
	require.Error(t, err)
	_, err = l.CRL([]byte{0x30, 0})
	require.Error(t, err)
}

// The quick Fermat search answers as the plain one does.
func TestFermatFindsWhatThePlainSearchFinds(t *testing.T) {
	t.Parallel()
	plain := func(n *big.Int, rounds int) bool {
		a := new(big.Int).Sqrt(n)
		for i := 0; i <= rounds; i++ {
			rest := new(big.Int).Mul(a, a)
			if rest.Sub(rest, n); rest.Sign() >= 0 {
				if root := new(big.Int).Sqrt(rest); root.Mul(root, root).Cmp(rest) == 0 {
					return true
				}
			}
			a.Add(a, big.NewInt(1))
		}
		return false
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Int64Range(1<<20, 1<<30).Draw(t, "p") | 1
		q := p + 2*rapid.Int64Range(0, 1<<18).Draw(t, "apart")
		n := new(big.Int).Mul(big.NewInt(p), big.NewInt(q))
		if perfect := new(big.Int).Sqrt(n); new(big.Int).Mul(perfect, perfect).Cmp(n) == 0 {
			require.True(t, fermatFactors(n, 100), "a square")
			return
		}
		require.Equal(t, plain(n, 100), fermatFactors(n, 100))
	})
}

// What the application form lets through, the lints do not stop: an applicant is told before the order, not after.
func TestWhatTheFormTakesPassesTheLints(t *testing.T) {
	t.Parallel()
	l, err := New(testPolicy)
	require.NoError(t, err)
	r := rules(t, policy.Guide)
	text := rapid.Map(rapid.SliceOfN(rapid.SampledFrom([]string{
		"a", "Z", "é", "0", "９", " ", "\u3000", "-", ".", ",", "'", "&", "&amp;", ";", "?", "*", "#", "@", "(", "）", "ー", "・", "〜", "株式会社", "サンプル",
		"ﾌﾟ", "㈱", "プ", "か\u3099", "\u200b", "\u00ad", "\x00", "髙", "𠮷", "Ⅲ", "©", "€", "N/A", "none", "+", "=", "\\", "\"", "%", "$", "!",
	}), 1, 12), func(parts []string) string { return strings.Join(parts, "") })
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		s := order.Subject{
			Organization: order.CleanCertificateText(text.Draw(t, "organization")), State: order.CleanCertificateText(text.Draw(t, "state")),
			City: "Chiyoda-ku",
		}
		if len(order.CheckSubject(s, r.Limits())) > 0 {
			return
		}
		taken++
		c := good()
		c.Subject = name(oidCountry, "JP", oidState, s.State, oidLocality, s.City, oidOrganization, s.Organization)
		findings, err := l.Certificate(buildFor(t, c, nil), r, Asked{Years: 1})
		require.NoError(t, err)
		require.Empty(t, findings, "%+q %+q", s.Organization, s.State)
	})
	t.Logf("%d texts were taken", taken)
	require.Positive(t, taken, "some texts must have been taken")
}

func FuzzCertificate(f *testing.F) {
	f.Add(build(f, good(), nil))
	f.Add([]byte{0x30, 0x03, 0x02, 0x01, 0x01})
	l, err := New(OIDStrict)
	require.NoError(f, err)
	r := rules(f, policy.PublicTrust)
	f.Fuzz(func(t *testing.T, der []byte) {
		findings, err := l.Certificate(der, r, Asked{})
		if err != nil {
			require.Empty(t, findings)
		}
	})
}
