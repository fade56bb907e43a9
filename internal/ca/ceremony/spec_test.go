package ceremony_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ file, says string }{
		"a misspelt setting":    {strings.Replace(ceremony.Example(), "policy_oid:", "policyoid:", 1), "policyoid"},
		"a setting twice":       {ceremony.Example() + "\noperator: Somebody\n", "already defined"},
		"a second document":     {ceremony.Example() + "\n---\nroot: {}\n", "something follows"},
		"words for a number":    {strings.Replace(ceremony.Example(), "validity_years: 20", "validity_years: many", 1), "cannot unmarshal"},
		"an empty file":         {"", "EOF"},
		"a file that is no map": {"- a\n- b\n", "cannot unmarshal"},
		"far too much":          {strings.Repeat("#", 65<<10), "64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ceremony.Parse(strings.NewReader(row.file))
			require.ErrorContains(t, err, row.says)
			require.Equal(t, fault.Invalid, fault.KindOf(err))
		})
	}
}

func TestCheckNamesTheBrokenSetting(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		change func(*ceremony.Spec)
		path   string
	}{
		"unknown profile":                 {func(s *ceremony.Spec) { s.Profile = "other" }, "profile"},
		"nobody carries it out":           {func(s *ceremony.Spec) { s.Operator = "" }, "operator"},
		"a witness of two lines":          {func(s *ceremony.Spec) { s.Witnesses = []string{"a\nb"} }, "witnesses"},
		"a policy that is no OID":         {func(s *ceremony.Spec) { s.PolicyOID = "private" }, "policy_oid"},
		"public trust with a private OID": {func(s *ceremony.Spec) { s.Profile = policy.PublicTrust }, "policy_oid"},
		"a country in full":               {func(s *ceremony.Spec) { s.Root.Subject.Country = "Japan" }, "root.subject.country"},
		"65 characters":                   {func(s *ceremony.Spec) { s.Issuing.Subject.CommonName = strings.Repeat("認", 65) }, "issuing.subject.common_name"},
		"both CAs of one name":            {func(s *ceremony.Spec) { s.Issuing.Subject = s.Root.Subject }, "issuing.subject"},
		"a root for ever":                 {func(s *ceremony.Spec) { s.Root.ValidityYears = 26 }, "root.validity_years"},
		"an issuing CA beyond its root":   {func(s *ceremony.Spec) { s.Issuing.ValidityYears = s.Root.ValidityYears + 1 }, "issuing.validity_years"},
		"too short for a 2-year product":  {func(s *ceremony.Spec) { s.Issuing.ValidityYears = 2 }, "issuing.validity_years"},
		"a CRL of two years":              {func(s *ceremony.Spec) { s.Root.CRLValidityDays = 730 }, "root.crl_validity_days"},
		"an HSM without a key's name":     {func(s *ceremony.Spec) { s.Issuing.HSM = "pkcs11:token=a?module-path=/m.so&pin-source=/p" }, "issuing.hsm"},
		"an HSM that cannot be reached":   {func(s *ceremony.Spec) { s.Root.HSM = "pkcs11:token=a;object=b" }, "root.hsm"},
		"a PIN in the file":               {func(s *ceremony.Spec) { s.Root.HSM = "pkcs11:token=a;object=b?pin-value=1234" }, "root.hsm"},
		"one key for both":                {func(s *ceremony.Spec) { s.Root.HSM = inHSM("a"); s.Issuing.HSM = inHSM("a") }, "issuing.hsm"},
		"https":                           {func(s *ceremony.Spec) { s.Root.CRLURL = "https://ca.example.jp/root.crl" }, "root.crl_url"},
		"a URL with a password":           {func(s *ceremony.Spec) { s.Root.CertificateURL = "http://a:b@ca.example.jp/" }, "root.certificate_url"},
		"a URL that is none":              {func(s *ceremony.Spec) { s.Root.CertificateURL = "root.crt" }, "root.certificate_url"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := development(t)
			row.change(&spec)
			require.Contains(t, paths(spec.Check()), row.path)
		})
	}
}

func TestOutsideDevelopmentEverythingMustBeTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	spec := development(t)
	spec.Development = false
	require.ElementsMatch(t, []string{
		"policy_oid", "root.subject.organization", "root.subject.common_name", "issuing.subject.organization",
		"issuing.subject.common_name", "root.certificate_url", "root.crl_url",
	}, paths(spec.Check()))

	spec.Profile, spec.PolicyOID = policy.PublicTrust, lint.OIDStrict
	spec.Root.Subject = ceremony.Subject{Country: "JP", Organization: "Own Organization K.K.", CommonName: "Own Root CA"}
	spec.Issuing.Subject = ceremony.Subject{Country: "JP", Organization: "Own Organization K.K.", CommonName: "Own Mail CA"}
	spec.Root.CertificateURL, spec.Root.CRLURL = "http://ca.own-organization.co.jp/r.crt", "http://ca.own-organization.co.jp/r.crl"
	require.NoError(t, spec.Check())

	for _, host := range []string{"ca.example.com", "ca.test", "localhost", "ca", "192.0.2.1", "ca.corp.internal", "ca.example.co.jp."} {
		spec.Root.CRLURL = "http://" + host + "/r.crl"
		require.Equal(t, []string{"root.crl_url"}, paths(spec.Check()), host)
	}
	spec.Root.CRLURL = spec.Root.CertificateURL
	spec.Witnesses = []string{spec.Operator}
	require.Equal(t, []string{"witnesses"}, paths(spec.Check()), "a second person")
}

func inHSM(object string) string {
	return "pkcs11:token=a;object=" + object + "?module-path=/m.so&pin-source=/p"
}

func paths(err error) []string {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return nil
	}
	var out []string
	for _, field := range f.Fields {
		out = append(out, field.Path)
	}
	return out
}

func FuzzParse(f *testing.F) {
	f.Add(ceremony.Example())
	f.Add("development: true\n")
	f.Add("&a [*a]")
	f.Fuzz(func(t *testing.T, file string) {
		spec, err := ceremony.Parse(strings.NewReader(file))
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		require.NoError(t, spec.Check(), "what is parsed is checked")
	})
}
