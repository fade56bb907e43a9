package order

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
)

// requestPEM is a good CSR whose organisation differs from the form's.
var requestPEM = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, KeyLength)
	if err != nil {
		panic(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "info@example.jp", Organization: []string{"Sample"}, Country: []string{"JP"}},
	}, key)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
})

// form returns an application that keeps every rule and is in its normal form.
func form() Application {
	return Application{
		Language: Japanese, Voucher: "1234567890123450", Type: New, ValidityYears: 1, CSR: requestPEM(),
		CertificateEmail: "info@example.jp", DCVMethod: DCVTXT,
		Organization: Organization{
			NameJA: "サンプル商事株式会社", Name: "Sample Trading K.K.", Unit: "Sales", State: "Tokyo", City: "Chuo-ku", Street: "1-2-3 Sample",
			PostalCode: "101-0066", Telephone: "+81345603900",
		},
		Representative: Representative{
			Department: "情報システム部", FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin",
			Email: "shinsei@example.jp",
		},
		TechnicalContact: TechnicalContact{
			Company: "サンプル商事株式会社", Department: "IT", FamilyName: "Gijutsu", GivenName: "Tanto", Telephone: "+81312345678",
			Email: "gijutsu@example.co.jp",
		},
		TermsAccepted: true,
	}
}

// guide and publicTrust are the limits of the two profiles; internal/policy tests that it fills them so.
func guide() Limits { return Limits{Methods: DCVMethods, Unit: true} }

func publicTrust() Limits {
	return Limits{Methods: DCVMethods[1:], Identifier: true, IdentifierScheme: "NTRJP"}
}

// broken returns "path code" of every broken rule, and holds that each says rule and remedy in both languages.
func broken(t require.TestingT, fields []fault.Field) []string {
	out := []string{}
	for _, f := range fields {
		for _, text := range []string{f.Rule.JA, f.Rule.EN, f.Remedy.JA, f.Remedy.EN} {
			require.NotEmpty(t, text, "%s %s", f.Path, f.Code)
		}
		out = append(out, f.Path+" "+f.Code)
	}
	return out
}

// brokenBy is broken for an error, which must be an invalid-fields fault or nil.
func brokenBy(t require.TestingT, err error) []string {
	if err == nil {
		return []string{}
	}
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	require.Equal(t, fault.Invalid, f.Kind)
	return broken(t, f.Fields)
}

func TestTheFixtureKeepsEveryRule(t *testing.T) {
	t.Parallel()
	n, err := Validate(form(), guide())
	require.NoError(t, err)
	require.Equal(t, form(), n.Application)
}
