package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

func serialOne() *big.Int { return big.NewInt(1) }

func TestTheProfileFieldByField(t *testing.T) {
	t.Parallel()
	for _, p := range profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			cert, parts := issue(t, newCA(t, p), catest.Request(t)), catest.Material(t, p)

			require.Equal(t, 3, cert.Version)
			require.Equal(t, x509.SHA256WithRSA, cert.SignatureAlgorithm)
			require.Contains(t, hex.EncodeToString(cert.RawTBSCertificate), "300d06092a864886f70d01010b0500", "signature algorithm with its NULL (SBR 7.1.3.2.1)")
			require.Contains(t, hex.EncodeToString(cert.RawSubjectPublicKeyInfo), "300d06092a864886f70d0101010500", "key algorithm with its NULL (SBR 7.1.3.1.1)")
			require.Equal(t, parts.Issuing.RawSubject, cert.RawIssuer)
			require.Equal(t, 127, cert.SerialNumber.BitLen(), "16 bytes, top bit clear, next bit set")

			require.Equal(t, []string{"info@example.co.jp"}, cert.EmailAddresses)
			require.Equal(t, x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment, cert.KeyUsage)
			require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, cert.ExtKeyUsage)
			require.Equal(t, parts.Issuing.SubjectKeyId, cert.AuthorityKeyId)
			require.Len(t, cert.SubjectKeyId, 20)
			require.Equal(t, []string{"http://ca.example.jp/issuing.crl"}, cert.CRLDistributionPoints)
			require.Equal(t, []string{"http://ca.example.jp/issuing.crt"}, cert.IssuingCertificateURL)
			require.Empty(t, cert.OCSPServer)
			require.Len(t, cert.Policies, 1)
			require.False(t, cert.IsCA)
			for _, e := range cert.Extensions {
				require.Equal(t, e.Id.String() == "2.5.29.15", e.Critical, "only keyUsage is critical: %s", e.Id)
			}
		})
	}
}

func TestSubjectSaysWhatTheFormSays(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 52) + "@example.jp" // 63 characters
	for name, row := range map[string]struct {
		profile policy.Profile
		change  func(*order.CertificateRequest)
		subject string // RFC 2253: most specific first
	}{
		"all fields of the guide, OU included; the unvalidated identifier stays out": {policy.Guide, func(r *order.CertificateRequest) {
			r.Subject.Unit = "Sales"
		}, "CN=info@example.co.jp,OU=Sales,O=Sample Trading K.K.,L=Chiyoda-ku,ST=Tokyo,C=JP"},
		"public trust carries the identifier": {policy.PublicTrust, func(*order.CertificateRequest) {},
			"CN=info@example.co.jp,2.5.4.97=NTRJP-000000000000,O=Sample Trading K.K.,L=Chiyoda-ku,ST=Tokyo,C=JP"},
		"a Japanese name (G10)": {policy.PublicTrust, func(r *order.CertificateRequest) {
			r.Subject.Organization, r.Subject.State, r.Subject.City = "サンプル商事株式会社", "東京都", "千代田区"
		}, "CN=info@example.co.jp,2.5.4.97=NTRJP-000000000000,O=サンプル商事株式会社,L=千代田区,ST=東京都,C=JP"},
		"64 Japanese characters fit, though they are 192 bytes": {policy.PublicTrust, func(r *order.CertificateRequest) {
			r.Subject.Organization = strings.Repeat("商", 64)
		}, "CN=info@example.co.jp,2.5.4.97=NTRJP-000000000000,O=" + strings.Repeat("商", 64) + ",L=Chiyoda-ku,ST=Tokyo,C=JP"},
		"an international domain becomes A-labels in lower case": {policy.Guide, func(r *order.CertificateRequest) {
			r.Email = "Info@例え.EXAMPLE.jp"
		}, "CN=Info@xn--r8jz45g.example.jp,O=Sample Trading K.K.,L=Chiyoda-ku,ST=Tokyo,C=JP"},
		"a mailbox of 64 characters is the common name": {policy.PublicTrust, func(r *order.CertificateRequest) { r.Email = "a" + long },
			"CN=a" + long + ",2.5.4.97=NTRJP-000000000000,O=Sample Trading K.K.,L=Chiyoda-ku,ST=Tokyo,C=JP"},
		"a mailbox of 65 characters is left to the subjectAltName": {policy.PublicTrust, func(r *order.CertificateRequest) { r.Email = "aa" + long },
			"2.5.4.97=NTRJP-000000000000,O=Sample Trading K.K.,L=Chiyoda-ku,ST=Tokyo,C=JP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := catest.Request(t)
			row.change(&r)
			cert := issue(t, newCA(t, row.profile), r)
			require.Equal(t, row.subject, distinguishedName(cert))
			require.Len(t, cert.EmailAddresses, 1)
		})
	}
}

// distinguishedName writes the subject's values plainly, most specific first.
func distinguishedName(cert *x509.Certificate) string {
	short := map[string]string{"2.5.4.3": "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU"}
	var parts []string
	for _, a := range cert.Subject.Names {
		name := a.Type.String()
		if s, ok := short[name]; ok {
			name = s
		}
		parts = append([]string{name + "=" + a.Value.(string)}, parts...)
	}
	return strings.Join(parts, ",")
}

func TestValidityIsCalendarYearsBothEndsIncluded(t *testing.T) {
	t.Parallel()
	utc := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		require.NoError(t, err)
		return at
	}
	for name, row := range map[string]struct {
		now, first, last string
		years            int
	}{
		"one year":                               {"2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", "2027-11-22T11:59:59Z", 1},
		"two years":                              {"2026-11-22T12:00:00Z", "2026-11-22T12:00:00Z", "2028-11-22T11:59:59Z", 2},
		"two years over a leap day: 731 days":    {"2027-03-01T00:00:00Z", "2027-03-01T00:00:00Z", "2029-02-28T23:59:59Z", 2},
		"a year from a leap day":                 {"2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z", "2029-02-28T23:59:59Z", 1},
		"fractions of a second are cut":          {"2026-11-22T12:00:00.999Z", "2026-11-22T12:00:00Z", "2027-11-22T11:59:59Z", 1},
		"Japanese time is the same instant":      {"2026-11-22T21:00:00+09:00", "2026-11-22T12:00:00Z", "2027-11-22T11:59:59Z", 1},
		"the end of UTCTime is no special thing": {"2043-12-31T23:59:59Z", "2043-12-31T23:59:59Z", "2044-12-31T23:59:58Z", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := catest.Request(t)
			r.ValidityYears = row.years
			tbs, err := newCA(t, policy.PublicTrust, catest.At(utc(row.now))).Prepare(t.Context(), r)
			require.NoError(t, err)
			require.Equal(t, utc(row.first), tbs.NotBefore)
			require.Equal(t, utc(row.last), tbs.NotAfter)
		})
	}
}

func TestReissueEndsWithItsOriginal(t *testing.T) {
	t.Parallel()
	c, r := newCA(t, policy.Guide), catest.Request(t)
	original := issue(t, c, r)
	r.Sequence, r.ValidityYears, r.NotAfter, r.RawSubject = 2, 0, original.NotAfter, original.RawSubject
	r.Subject = order.Subject{Organization: "What the record says since"}
	again := issue(t, newCA(t, policy.Guide, catest.At(noon().AddDate(0, 3, 0))), r)
	require.Equal(t, original.NotAfter, again.NotAfter)
	require.Equal(t, original.RawSubject, again.RawSubject, "the same distinguished name (G25)")
	require.NotEqual(t, original.SerialNumber, again.SerialNumber)
}

func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		profile policy.Profile
		change  func(*order.CertificateRequest)
		kind    fault.Kind
		says    string
	}{
		"a local part beyond ASCII": {policy.Guide, func(r *order.CertificateRequest) { r.Email = "情報@example.jp" }, fault.Invalid, "certificate_email"},
		"two mailboxes in one":      {policy.Guide, func(r *order.CertificateRequest) { r.Email = "a@b@example.jp" }, fault.Invalid, "certificate_email"},
		"no mailbox":                {policy.Guide, func(r *order.CertificateRequest) { r.Email = "" }, fault.Invalid, "certificate_email"},
		"a key that is none":        {policy.Guide, func(r *order.CertificateRequest) { r.PublicKey = []byte{0x30, 0x00} }, fault.Invalid, "csr"},
		"three years":               {policy.Guide, func(r *order.CertificateRequest) { r.ValidityYears = 3 }, fault.Invalid, "validity_years"},
		"a name that is none":       {policy.Guide, func(r *order.CertificateRequest) { r.RawSubject = []byte{0x30, 0x00} }, fault.Conflict, "certificate.name"},
		"another's name": {policy.Guide, func(r *order.CertificateRequest) {
			r.RawSubject = issue(t, newCA(t, policy.Guide), *r).RawSubject
			r.Email = "sales@example.co.jp"
		}, fault.Conflict, "certificate.name"},
		"an original that has ended": {policy.Guide, func(r *order.CertificateRequest) { r.NotAfter = noon() }, fault.Conflict, "certificate.ended"},
		"an end beyond the CA's own": {policy.Guide, func(r *order.CertificateRequest) { r.NotAfter = noon().AddDate(40, 0, 0) }, fault.Conflict, "ca.ends-before"},
		"825 days and a second":      {policy.Guide, func(r *order.CertificateRequest) { r.NotAfter = noon().Add(825 * 24 * time.Hour) }, fault.Conflict, "mailid_validity_period"},
		"no organisation":            {policy.Guide, func(r *order.CertificateRequest) { r.Subject.Organization = "" }, fault.Conflict, "mailid_organization_name"},
		"65 characters of name":      {policy.Guide, func(r *order.CertificateRequest) { r.Subject.Organization = strings.Repeat("商", 65) }, fault.Conflict, "mailid_subject_bounds"},
		"a placeholder":              {policy.Guide, func(r *order.CertificateRequest) { r.Subject.Unit = "-" }, fault.Conflict, "mailid_subject_placeholder"},
		"OU under public trust":      {policy.PublicTrust, func(r *order.CertificateRequest) { r.Subject.Unit = "Sales" }, fault.Conflict, "mailid_subject_attributes"},
		"no identifier":              {policy.PublicTrust, func(r *order.CertificateRequest) { r.Subject.Identifier = "" }, fault.Conflict, "mailid_organization_identifier"},
		"a number without scheme":    {policy.PublicTrust, func(r *order.CertificateRequest) { r.Subject.Identifier = "0000000000000" }, fault.Conflict, "mailid_organization_identifier"},
		"a foreign register":         {policy.PublicTrust, func(r *order.CertificateRequest) { r.Subject.Identifier = "NTRUS+CA-12345" }, fault.Conflict, "mailid_organization_identifier"},
		"a bare label as domain":     {policy.Guide, func(r *order.CertificateRequest) { r.Email = "info@example" }, fault.Conflict, "mailid_one_mailbox"},
		"a trailing blank":           {policy.Guide, func(r *order.CertificateRequest) { r.Subject.City = "Chiyoda-ku " }, fault.Conflict, "w_subject_dn_trailing_whitespace"},
		"a name that is no UTF-8":    {policy.Guide, func(r *order.CertificateRequest) { r.Subject.City = "\xff\xfe" }, fault.Internal, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := catest.Request(t)
			row.change(&r)
			_, err := newCA(t, row.profile).Prepare(t.Context(), r)
			require.ErrorContains(t, err, row.says)
			require.Equal(t, row.kind, fault.KindOf(err))
			require.NotContains(t, err.Error(), "example.co.jp", "no value of the request may leak")
		})
	}
}

func TestALintFindingIsAFaultOfItsOwnCode(t *testing.T) {
	t.Parallel()
	r := catest.Request(t)
	r.Subject.Organization = ""
	_, err := newCA(t, policy.Guide).Prepare(t.Context(), r)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "lint"})
	require.True(t, fault.Permanent(err), "an activity must not try again")
}

func TestPrepareDoesNotTouchTheKey(t *testing.T) {
	t.Parallel()
	k := &key{Signer: catest.Material(t, policy.Guide).Key}
	c := newCA(t, policy.Guide, func(cfg *ca.Config) { cfg.Signer = k })
	before := k.uses.Load()
	_, err := c.Prepare(t.Context(), catest.Request(t))
	require.NoError(t, err)
	require.Equal(t, before, k.uses.Load())
}

func TestPrepareFailsWithItsRandomSource(t *testing.T) {
	t.Parallel()
	source := &switchable{}
	c := newCA(t, policy.Guide, func(cfg *ca.Config) { cfg.Rand = source })
	source.broken = true
	_, err := c.Prepare(t.Context(), catest.Request(t))
	require.ErrorContains(t, err, "draw serial number")
}

type switchable struct{ broken bool }

func (s *switchable) Read(p []byte) (int, error) {
	if s.broken {
		return 0, errors.New("no entropy")
	}
	return io.ReadFull(rand.Reader, p)
}

// Whatever the form holds, what is prepared says exactly that, or nothing is prepared.
func TestPreparedBytesSayWhatWasAsked(t *testing.T) {
	t.Parallel()
	cas := map[policy.Profile]*ca.CA{}
	for _, p := range profiles() {
		cas[p] = newCA(t, p)
	}
	base := catest.Request(t)
	text := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9 .,&'()*@+/:=?-]{1,70}`), rapid.StringMatching(`[\p{Han}ァ-ヴぁ-ん株式会社A-Z]{1,66}`), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(profiles()).Draw(t, "profile")
		r := base
		r.Subject.Organization = text.Draw(t, "organization")
		r.Subject.State, r.Subject.City = text.Draw(t, "state"), text.Draw(t, "city")
		if p == policy.Guide {
			r.Subject.Unit = rapid.OneOf(rapid.Just(""), text).Draw(t, "unit")
		}
		r.Email = rapid.StringMatching(`[a-z0-9._+-]{1,50}`).Draw(t, "local") + "@example.co.jp"
		r.ValidityYears = rapid.IntRange(1, 2).Draw(t, "years")
		tbs, err := cas[p].Prepare(t.Context(), r)
		if err != nil {
			return
		}
		der, err := asn1.Marshal(struct {
			TBS, Algorithm asn1.RawValue
			Signature      asn1.BitString
		}{asn1.RawValue{FullBytes: tbs.DER}, asn1.RawValue{FullBytes: algorithm()}, asn1.BitString{Bytes: []byte{0}, BitLength: 8}})
		require.NoError(t, err)
		cert, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		require.Equal(t, []string{r.Email}, cert.EmailAddresses)
		require.Equal(t, []string{r.Subject.Organization}, cert.Subject.Organization)
		require.Equal(t, []string{r.Subject.State}, cert.Subject.Province)
		require.Equal(t, []string{r.Subject.City}, cert.Subject.Locality)
		require.Equal(t, r.Subject.Unit, strings.Join(cert.Subject.OrganizationalUnit, "|"))
		require.Equal(t, []string{"JP"}, cert.Subject.Country)
		require.Equal(t, tbs.Serial, cert.SerialNumber.Text(16))
		require.Equal(t, tbs.NotBefore, cert.NotBefore)
		require.Equal(t, tbs.NotAfter, cert.NotAfter)
		require.Equal(t, tbs.NotBefore.AddDate(r.ValidityYears, 0, 0), cert.NotAfter.Add(time.Second))
		require.Equal(t, r.PublicKey, cert.RawSubjectPublicKeyInfo)
	})
}

// algorithm is sha256WithRSAEncryption with NULL.
func algorithm() []byte {
	der, _ := hex.DecodeString("300d06092a864886f70d01010b0500")
	return der
}

func FuzzMailboxInACertificate(f *testing.F) {
	for _, s := range []string{"info@example.co.jp", "Info@例え.jp", "a@b@c", "@", "\"a b\"@example.jp", "a@xn--", "a\x00@example.jp", "a@example.jp."} {
		f.Add(s)
	}
	c, base := newCA(f, policy.Guide), catest.Request(f)
	f.Fuzz(func(t *testing.T, email string) {
		r := base
		r.Email = email
		tbs, err := c.Prepare(t.Context(), r)
		if err != nil {
			require.NotEqual(t, fault.Internal, fault.KindOf(err), "a stranger's input is never an internal error: %v", err)
			return
		}
		require.NotEmpty(t, tbs.Seal)
		local, _, _ := strings.Cut(email, "@")
		require.Contains(t, string(tbs.DER), local+"@")
	})
}
