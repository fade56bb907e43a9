package order

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/voucher"
)

func TestValidateReturnsWhatTheFormSays(t *testing.T) {
	t.Parallel()
	n, err := Validate(form(), guide())
	require.NoError(t, err)
	require.Equal(t, "example.jp", n.Domain)
	require.Equal(t, voucher.Coupon, n.Voucher.Kind())
	require.Equal(t, form().Voucher, n.Voucher.Reveal())
	require.NotEmpty(t, n.Request.PublicKey)
	require.Equal(t, []csr.Override{{Path: "organization.name", CSR: "Sample", Form: "Sample Trading K.K."}}, n.Overrides, "G6: the form wins")
	require.Equal(t, Subject{Organization: "Sample Trading K.K.", Unit: "Sales", State: "Tokyo", City: "Chuo-ku"}, n.Application.Subject())

	stored := n.Application.WithoutVoucher()
	require.Empty(t, stored.Voucher, "a voucher code is never stored")
	require.Equal(t, n.Application.Organization, stored.Organization)
}

func TestValidateNormalizes(t *testing.T) {
	t.Parallel()
	a := form()
	a.Language = ""
	a.Voucher = "１２３４ー５６７８ー９０１２ー３４５０"
	a.CSR = "\r\n" + strings.ReplaceAll(a.CSR, "\n", "\r\n")
	a.CertificateEmail = " Info＠EXAMPLE．ＪＰ "
	a.Organization.NameJA = "　サンプル商事　　株式会社\n"
	a.Organization.Name = " Ｓａｍｐｌｅ  Trading\u00a0K.K. "
	a.Organization.City = "Cafe\u0301-ku"
	a.Organization.PostalCode = "〒１０１－００６６"
	a.Organization.Telephone = "０３（４５６０）３９００"
	a.Organization.Identifier = "4-0110-0109-8993"
	a.Representative.FamilyName = "Shinsei "
	a.TechnicalContact.Telephone = "+81 (0)3-1234-5678"
	a.TechnicalContact.Email = "gijutsu@日本語.example.jp"
	n, err := Validate(a, guide())
	require.NoError(t, err)

	want := form()
	want.CertificateEmail = "Info@example.jp"
	want.Organization.NameJA = "サンプル商事 株式会社"
	want.Organization.City = "Café-ku"
	want.Organization.Identifier = "4011001098993"
	want.TechnicalContact.Email = "gijutsu@xn--wgv71a119e.example.jp"
	require.Equal(t, want, n.Application)
	require.Empty(t, n.Application.Subject().Identifier, "profile guide certifies no identifier")
}

// listed is a blocklist of one key.
type listed [32]byte

func (l listed) Compromised(fingerprint [32]byte) bool { return fingerprint == l }

// A key on the policy's blocklist is refused, and only that one (SBR 6.1.1.3).
func TestValidateRefusesACompromisedKey(t *testing.T) {
	t.Parallel()
	limits := guide()
	limits.Blocklist = csr.Fingerprints{}
	n, err := Validate(form(), limits)
	require.NoError(t, err, "the list holds other keys")

	limits.Blocklist = listed(sha256.Sum256(n.Request.PublicKey))
	_, err = Validate(form(), limits)
	require.Equal(t, []string{"csr csr.compromised"}, brokenBy(t, err))

	list, err := csr.ReadBlocklist(strings.NewReader("# revoked for key compromise\n" + n.Request.FingerprintHex() + "\n"))
	require.NoError(t, err)
	limits.Blocklist = list
	_, err = Validate(form(), limits)
	require.Equal(t, []string{"csr csr.compromised"}, brokenBy(t, err), "as the operator's file lists it")
}

// TestValidateRefuses breaks one rule of the form at a time.
func TestValidateRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*Application)
		want   string
	}{
		"an unknown language":                    {func(a *Application) { a.Language = "fr" }, "language language"},
		"no voucher (G2)":                        {func(a *Application) { a.Voucher = "" }, "voucher required"},
		"a mistyped voucher (G2)":                {func(a *Application) { a.Voucher = "1234567890123451" }, "voucher voucher.check"},
		"no type (G3)":                           {func(a *Application) { a.Type = "" }, "type type"},
		"a reissue, which has its own form":      {func(a *Application) { a.Type = Reissue }, "type type"},
		"no validity (G4)":                       {func(a *Application) { a.ValidityYears = 0 }, "validity_years validity"},
		"3 years (G4)":                           {func(a *Application) { a.ValidityYears = 3 }, "validity_years validity"},
		"no CSR (G6)":                            {func(a *Application) { a.CSR = "" }, "csr required"},
		"a private key for a CSR (G6)":           {func(a *Application) { a.CSR = "-----BEGIN PRIVATE KEY-----" }, "csr csr.private-key"},
		"no certificate address (G7)":            {func(a *Application) { a.CertificateEmail = " " }, "certificate_email required"},
		"no method (G8)":                         {func(a *Application) { a.DCVMethod = "" }, "dcv_method dcv-method"},
		"an unknown method (G8)":                 {func(a *Application) { a.DCVMethod = "DNS-TXT" }, "dcv_method dcv-method"},
		"no Japanese name (G9)":                  {func(a *Application) { a.Organization.NameJA = "" }, "organization.name_ja required"},
		"a Japanese name in English (G9)":        {func(a *Application) { a.Organization.NameJA = "Sample" }, "organization.name_ja japanese"},
		"a link for a department (G17 shows it)": {func(a *Application) { a.TechnicalContact.Department = "https://example.com/" }, "technical_contact.department markup"},
		"markup for a company":                   {func(a *Application) { a.TechnicalContact.Company = "<b>Sample</b>" }, "technical_contact.company markup"},
		"a link for the organisation":            {func(a *Application) { a.Organization.Name = "see https://example.com" }, "organization.name markup"},
		"no organisation (G9)":                   {func(a *Application) { a.Organization.Name = "" }, "organization.name required"},
		"an organisation that is a dash (E)":     {func(a *Application) { a.Organization.Name = "-" }, "organization.name placeholder"},
		"65 characters of organisation":          {func(a *Application) { a.Organization.Name = strings.Repeat("商", 65) }, "organization.name length"},
		"65 characters of unit":                  {func(a *Application) { a.Organization.Unit = strings.Repeat("a", 65) }, "organization.unit length"},
		"no state (G9)":                          {func(a *Application) { a.Organization.State = "" }, "organization.state required"},
		"a state that is absent in words (E)":    {func(a *Application) { a.Organization.State = "Ｎ／Ａ" }, "organization.state placeholder"},
		"129 characters of state":                {func(a *Application) { a.Organization.State = strings.Repeat("a", 129) }, "organization.state length"},
		"a state with its country":               {func(a *Application) { a.Organization.State = "Tokyo, Japan" }, "organization.state place"},
		"a city in full-width brackets":          {func(a *Application) { a.Organization.City = "千代田区（外神田）" }, "organization.city place"},
		"a page's ampersand":                     {func(a *Application) { a.Organization.Name = "Sample &amp; Trading" }, "organization.name markup"},
		"no city (G9)":                           {func(a *Application) { a.Organization.City = "" }, "organization.city required"},
		"129 characters of city":                 {func(a *Application) { a.Organization.City = strings.Repeat("a", 129) }, "organization.city length"},
		"no street (G9)":                         {func(a *Application) { a.Organization.Street = "" }, "organization.street required"},
		"no postal code (G9)":                    {func(a *Application) { a.Organization.PostalCode = "" }, "organization.postal_code required"},
		"a foreign postal code":                  {func(a *Application) { a.Organization.PostalCode = "90210" }, "organization.postal_code postal-code"},
		"a postal code that cannot be":           {func(a *Application) { a.Organization.PostalCode = "000-0000" }, "organization.postal_code postal-code"},
		"no telephone (G9)":                      {func(a *Application) { a.Organization.Telephone = "" }, "organization.telephone required"},
		"a foreign telephone":                    {func(a *Application) { a.Organization.Telephone = "+1 212 555 0123" }, "organization.telephone telephone"},
		"a corporate number with a wrong check digit": {
			func(a *Application) { a.Organization.Identifier = "5011001098993" }, "organization.identifier identifier",
		},
		"no department (G11)":               {func(a *Application) { a.Representative.Department = "" }, "representative.department required"},
		"no Japanese family name (G11)":     {func(a *Application) { a.Representative.FamilyNameJA = "" }, "representative.family_name_ja required"},
		"a Japanese given name in English":  {func(a *Application) { a.Representative.GivenNameJA = "Sekinin" }, "representative.given_name_ja japanese"},
		"an English family name in kanji":   {func(a *Application) { a.Representative.FamilyName = "申請" }, "representative.family_name latin"},
		"a given name with digits":          {func(a *Application) { a.Representative.GivenName = "Sekinin2" }, "representative.given_name latin"},
		"no address of the representative":  {func(a *Application) { a.Representative.Email = "" }, "representative.email required"},
		"no company of the contact (G12)":   {func(a *Application) { a.TechnicalContact.Company = "" }, "technical_contact.company required"},
		"no department of the contact":      {func(a *Application) { a.TechnicalContact.Department = "." }, "technical_contact.department placeholder"},
		"the contact's family name in kana": {func(a *Application) { a.TechnicalContact.FamilyName = "ギジュツ" }, "technical_contact.family_name latin"},
		"no given name of the contact":      {func(a *Application) { a.TechnicalContact.GivenName = "" }, "technical_contact.given_name required"},
		"an emergency number":               {func(a *Application) { a.TechnicalContact.Telephone = "110" }, "technical_contact.telephone telephone"},
		"a contact address without a name":  {func(a *Application) { a.TechnicalContact.Email = "@example.jp" }, "technical_contact.email email"},
		"no agreement to the terms (G13)":   {func(a *Application) { a.TermsAccepted = false }, "terms_accepted terms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := form()
			row.change(&a)
			n, err := Validate(a, guide())
			require.Equal(t, []string{row.want}, brokenBy(t, err))
			require.Equal(t, Normalized{}, n)
		})
	}
}

func TestValidateReportsEverythingInFormOrder(t *testing.T) {
	t.Parallel()
	_, err := Validate(Application{Language: "xx"}, guide())
	require.Equal(t, []string{
		"language language", "voucher required", "type type", "validity_years validity", "csr required", "certificate_email required",
		"dcv_method dcv-method", "organization.name_ja required", "organization.name required", "organization.state required",
		"organization.city required", "organization.street required", "organization.postal_code required", "organization.telephone required",
		"representative.department required", "representative.family_name_ja required", "representative.given_name_ja required",
		"representative.family_name required", "representative.given_name required", "representative.email required",
		"technical_contact.company required", "technical_contact.department required", "technical_contact.family_name required",
		"technical_contact.given_name required", "technical_contact.telephone required", "technical_contact.email required",
		"terms_accepted terms",
	}, brokenBy(t, err))
}

func TestValidateUnderPublicTrust(t *testing.T) {
	t.Parallel()
	change := func(f func(*Application)) Application {
		a := form()
		a.Organization.Unit, a.Organization.Identifier = "", "4011001098993"
		f(&a)
		return a
	}
	for name, row := range map[string]struct {
		app  Application
		want []string
	}{
		"all as it should be":                {change(func(*Application) {}), []string{}},
		"the company registration number":    {change(func(a *Application) { a.Organization.Identifier = "011001098993" }), []string{}},
		"a unit, which only affiliates have": {change(func(a *Application) { a.Organization.Unit = "Sales" }), []string{"organization.unit unit.refused"}},
		"no identifier":                      {change(func(a *Application) { a.Organization.Identifier = "" }), []string{"organization.identifier required"}},
		"an identifier of zeros":             {change(func(a *Application) { a.Organization.Identifier = "000000000000" }), []string{"organization.identifier identifier"}},
		"an identifier of another scheme":    {change(func(a *Application) { a.Organization.Identifier = "LEIXG-4011001098993" }), []string{"organization.identifier identifier"}},
		"a method that the policy has ended": {change(func(a *Application) { a.DCVMethod = DCVEmail }), []string{"dcv_method dcv-method.refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := Validate(row.app, publicTrust())
			require.Equal(t, row.want, brokenBy(t, err))
			if err == nil {
				require.Equal(t, "NTRJP-011001098993", n.Application.Subject().Identifier)
				require.Empty(t, CheckSubject(n.Application.Subject(), publicTrust()))
			}
		})
	}
}

func TestIdentifierUnderTheTaxScheme(t *testing.T) {
	t.Parallel()
	l := Limits{Identifier: true, IdentifierScheme: "VATJP"}
	got, f := identifier("id", "4011001098993", l)
	require.Nil(t, f)
	require.Equal(t, "VATJP-4011001098993", got)
	_, f = identifier("id", "011001098993", l)
	require.NotNil(t, f, "VAT takes the whole corporate number")
}

// TestValidateIsIdempotent: whatever is accepted is accepted again, unchanged, however it was typed.
func TestValidateIsIdempotent(t *testing.T) {
	t.Parallel()
	typed := func(t *rapid.T, label, pattern string) string {
		return rapid.StringMatching(`[ 　]{0,2}`).Draw(t, label+" before") + rapid.StringMatching(pattern).Draw(t, label) +
			rapid.StringMatching(`[ 　\n]{0,2}`).Draw(t, label+" after")
	}
	rapid.Check(t, func(t *rapid.T) {
		a := form()
		a.Organization.NameJA = typed(t, "name_ja", `[ｱ-ﾝア-ンＡ-Ｚ亜-黒（）\x{0301}\x{3099} 　]{1,20}社`)
		a.Organization.Name = typed(t, "name", `[A-Za-zＡ-Ｚ0-9ア-ンé&.,\x{0301}\x{3099}\x{00a0} 　-]{1,30}`)
		a.Organization.Street = typed(t, "street", `[0-9０-９A-Z ー-]{1,20}`)
		a.Representative.FamilyName = typed(t, "family_name", `[A-Za-zＡ-Ｚō' -]{1,20}`)
		a.CertificateEmail = typed(t, "email", `[A-Za-z0-9+.]{1,10}@[A-Zａ-ｚ日本ß]{1,8}[.．。]example\.jp`)
		a.Organization.Telephone = typed(t, "telephone", `(０３|\+81-3)-[3５]\d{3}[ー-]\d{4}`)
		a.Organization.Identifier = rapid.SampledFrom([]string{"4011001098993", "０１１００１０９８９９３"}).Draw(t, "identifier")
		l := rapid.SampledFrom([]Limits{guide(), publicTrust()}).Draw(t, "limits")
		if !l.Unit {
			a.Organization.Unit = ""
		}
		first, err := Validate(a, l)
		if err != nil {
			require.NotEmpty(t, brokenBy(t, err))
			return
		}
		second, err := Validate(first.Application, l)
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Empty(t, CheckSubject(first.Application.Subject(), l), "what the form may say, a correction may say")
	})
}

func TestCheckSubject(t *testing.T) {
	t.Parallel()
	good := Subject{Organization: "Sample Trading K.K.", State: "Tokyo", City: "Chuo-ku", Identifier: "NTRJP-011001098993"}
	for name, row := range map[string]struct {
		change func(*Subject)
		want   []string
	}{
		"as validated":                       {func(*Subject) {}, []string{}},
		"no organisation":                    {func(s *Subject) { s.Organization = "" }, []string{"organization required"}},
		"a blank too many":                   {func(s *Subject) { s.City = "Chuo-ku " }, []string{"city normal-form"}},
		"full-width letters":                 {func(s *Subject) { s.State = "Ｔｏｋｙｏ" }, []string{"state normal-form"}},
		"a unit":                             {func(s *Subject) { s.Unit = "Sales" }, []string{"unit unit.refused"}},
		"no identifier":                      {func(s *Subject) { s.Identifier = "" }, []string{"identifier required"}},
		"an identifier without its scheme":   {func(s *Subject) { s.Identifier = "011001098993" }, []string{"identifier identifier"}},
		"an identifier of 13 digits for NTR": {func(s *Subject) { s.Identifier = "NTRJP-4011001098993" }, []string{"identifier identifier"}},
		"an identifier of letters":           {func(s *Subject) { s.Identifier = "NTRJP-abc" }, []string{"identifier identifier"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			row.change(&s)
			require.Equal(t, row.want, broken(t, CheckSubject(s, publicTrust())))
		})
	}
	require.Equal(t, []string{"identifier identifier"}, broken(t, CheckSubject(good, guide())), "profile guide certifies no identifier")
}
