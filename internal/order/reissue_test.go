package order

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/fault"
)

// reissueForm returns a request that keeps every rule and is in its normal form.
func reissueForm() ReissueRequest {
	a := form()
	return ReissueRequest{
		Language: Japanese, Original: "1234567890", ExpiresOn: "2027-11-21", Reason: KeyLost, CSR: a.CSR,
		Representative: a.Representative, TechnicalContact: a.TechnicalContact, TermsAccepted: true,
	}
}

func TestTheReissueFixtureKeepsEveryRule(t *testing.T) {
	t.Parallel()
	n, err := ValidateReissue(reissueForm(), guide())
	require.NoError(t, err)
	require.Equal(t, reissueForm(), n.Request)
	require.NotEmpty(t, n.CSR.PublicKey)
	require.Equal(t, time.Date(2027, 11, 20, 15, 0, 0, 0, time.UTC), n.ExpiresOn.UTC(), "the day begins in Japan")
	require.Equal(t, time.Date(2027, 11, 21, 15, 0, 0, 0, time.UTC), n.Until().UTC())
}

func TestACertificateIsNamedInManyWays(t *testing.T) {
	t.Parallel()
	for why, row := range map[string]struct {
		typed string
		want  CertificateName
	}{
		"an order number is ten digits, and could be a serial": {"1234567890", CertificateName{Order: "1234567890", Serial: "1234567890"}},
		"an order number in full-width digits with hyphens":    {"１２３４－５６７８－９０", CertificateName{Order: "1234567890"}},
		"a serial number as programs show it":                  {"4A:0b:00:FF", CertificateName{Serial: "4a0b00ff"}},
		"a serial number in groups":                            {" 4a0b 00ff ", CertificateName{Serial: "4a0b00ff"}},
		"a serial number with leading zeros":                   {"00:4a", CertificateName{Serial: "4a"}},
		"a serial number as C writes it":                       {"0x4A", CertificateName{Serial: "4a"}},
		"the address, which is the common name too":            {"info@EXAMPLE.jp", CertificateName{Address: "info@example.jp"}},
		"an organisation, in Japanese":                         {" サンプル商事　株式会社 ", CertificateName{Organization: "サンプル商事 株式会社"}},
		"an organisation, in English, of full width":           {"Ｓａｍｐｌｅ Trading K.K.", CertificateName{Organization: "Sample Trading K.K."}},
		"an organisation, with a number":                       {"Sample 21 K.K.", CertificateName{Organization: "Sample 21 K.K."}},
		"a short name, which could be a serial":                {"FACADE", CertificateName{Serial: "facade", Organization: "FACADE"}},
		"an address of an internationalised domain":            {"info@日本語.jp", CertificateName{Address: "info@xn--wgv71a119e.jp"}},
	} {
		n, f := certificateName(row.typed)
		require.Nil(t, f, why)
		require.Equal(t, row.want, n, why)
		again, f := certificateName(n.typed())
		require.Nil(t, f, why)
		require.Equal(t, n.typed(), again.typed(), "the normal form is one: "+why)
	}
}

func TestADayIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"2027-01-09", "2027/1/9", "2027.01.09", "2027年1月9日", "２０２７年０１月０９日", "20270109", " 2027-1-9 "} {
		day, f := civilDay(s)
		require.Nil(t, f, s)
		require.Equal(t, "2027-01-09", day.Format(time.DateOnly), s)
	}
	for _, s := range []string{"2027-02-30", "27-01-09", "令和9年1月9日", "2027-01-09T00:00:00Z", "0000-00-00", "1027-01-09", strings.Repeat("1", 5000)} {
		_, f := civilDay(s)
		require.NotNil(t, f, s)
		require.Equal(t, "date", f.Code, s)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := time.Date(2000, 1, 1, 0, 0, 0, 0, japan()).AddDate(0, 0, rapid.IntRange(0, 99999).Draw(t, "days"))
		layout := rapid.SampledFrom([]string{"2006-01-02", "2006/1/2", "2006年1月2日", "20060102"}).Draw(t, "layout")
		day, f := civilDay(want.Format(layout))
		require.Nil(t, f)
		require.True(t, want.Equal(day))
	})
}

func TestValidateReissueRefuses(t *testing.T) {
	t.Parallel()
	for why, row := range map[string]struct {
		change func(*ReissueRequest)
		want   string
	}{
		"an unknown language":                {func(r *ReissueRequest) { r.Language = "fr" }, "language language"},
		"nothing that names the certificate": {func(r *ReissueRequest) { r.Original = " " }, "original required"},
		"a name that no certificate has":     {func(r *ReissueRequest) { r.Original = "--- ???" }, "original original"},
		"an address that is none":            {func(r *ReissueRequest) { r.Original = "info@" }, "original email.domain"},
		"a serial number of 21 octets":       {func(r *ReissueRequest) { r.Original = strings.Repeat("12", 21) }, "original original"},
		"a serial number of zeros":           {func(r *ReissueRequest) { r.Original = "00:00" }, "original original"},
		"a flood for a name":                 {func(r *ReissueRequest) { r.Original = strings.Repeat("a", 5000) }, "original length"},
		"no day":                             {func(r *ReissueRequest) { r.ExpiresOn = "" }, "expires_on required"},
		"a day that never was":               {func(r *ReissueRequest) { r.ExpiresOn = "2027-02-30" }, "expires_on date"},
		"no reason":                          {func(r *ReissueRequest) { r.Reason = "" }, "reason choice"},
		"a reason of its own":                {func(r *ReissueRequest) { r.Reason = "because" }, "reason choice"},
		"another name or address (G25)":      {func(r *ReissueRequest) { r.Reason = DetailsChanged }, "reason reissue.details"},
		"another reason without words":       {func(r *ReissueRequest) { r.Reason = OtherReason }, "reason_text required"},
		"too many words":                     {func(r *ReissueRequest) { r.ReasonText = strings.Repeat("a", maxProse+1) }, "reason_text length"},
		"hidden words":                       {func(r *ReissueRequest) { r.ReasonText = "a\u202eb" }, "reason_text hidden-character"},
		"no CSR":                             {func(r *ReissueRequest) { r.CSR = "" }, "csr required"},
		"no representative":                  {func(r *ReissueRequest) { r.Representative.FamilyName = "" }, "representative.family_name required"},
		"no contact":                         {func(r *ReissueRequest) { r.TechnicalContact.Email = "" }, "technical_contact.email required"},
		"no consent (G24)":                   {func(r *ReissueRequest) { r.TermsAccepted = false }, "terms_accepted terms"},
	} {
		r := reissueForm()
		row.change(&r)
		_, err := ValidateReissue(r, guide())
		require.Equal(t, []string{row.want}, brokenBy(t, err), why)
	}
	_, err := ValidateReissue(ReissueRequest{}, guide())
	require.Equal(t, []string{
		"original required", "expires_on required", "reason choice", "csr required", "representative.department required",
	}, brokenBy(t, err)[:5], "all rules at once, in form order")
}

func TestAReissueRefusesACompromisedKey(t *testing.T) {
	t.Parallel()
	limits := guide()
	n, err := ValidateReissue(reissueForm(), limits)
	require.NoError(t, err)
	limits.Blocklist = csr.Fingerprints{n.CSR.Fingerprint: {}}
	_, err = ValidateReissue(reissueForm(), limits)
	require.Equal(t, []string{"csr csr.compromised"}, brokenBy(t, err))
}

func TestAReissueKeepsWhatIsCertified(t *testing.T) {
	t.Parallel()
	old := form()
	old.Organization.Name, old.DCVMethod = "Sampel Trading", DCVEmail // as typed; corrected since
	o := Original{Application: old.WithoutVoucher(), Method: DCVCNAME, Certified: Subject{
		Organization: "Sample Trading K.K.", State: "Tokyo", City: "Minato-ku", Identifier: "NTRJP-011001098993"}}
	request := form()
	request.Language, request.CertificateEmail, request.Organization = English, "other@example.com", Organization{Name: "Other"}
	request.TechnicalContact.Email = "new@example.jp"
	a := o.Reissued(request)
	require.Equal(t, Reissue, a.Type)
	require.Equal(t, o.Certified, a.Subject(), "the subject is the one that was certified, after corrections")
	require.Equal(t, "info@example.jp", a.CertificateEmail)
	require.Equal(t, old.Organization.NameJA, a.Organization.NameJA)
	require.Equal(t, DCVCNAME, a.DCVMethod)
	require.Equal(t, 1, a.ValidityYears)
	require.Equal(t, English, a.Language)
	require.Equal(t, "new@example.jp", a.TechnicalContact.Email)
	require.Empty(t, a.Voucher)
}

func TestWhatCanBeReissued(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	valid := OriginalView{NotAfter: now.Add(time.Second)}
	revoked, compromised := valid, valid
	revoked.RevokedAt, revoked.RevocationReason = now, 4
	compromised.RevokedAt, compromised.RevocationReason = now, 1
	for _, row := range []struct {
		say   string
		view  OriginalView
		why   ReissueReason
		after bool
		want  string
	}{
		{"to its last second", valid, KeyLost, false, ""},
		{"not once it has ended", OriginalView{NotAfter: now}, KeyLost, true, "reissue.expired"},
		{"not when it is revoked", revoked, KeyCompromise, true, "reissue.revoked"},
		{"after the compromise of its key, where the policy allows it", compromised, KeyCompromise, true, ""},
		{"but not where it does not", compromised, KeyCompromise, false, "reissue.revoked"},
		{"and not for another reason", compromised, KeyLost, true, "reissue.revoked"},
	} {
		err := row.view.Reissuable(row.why, row.after, now)
		if row.want == "" {
			require.NoError(t, err, row.say)
			continue
		}
		f := fault.Public(err)
		require.Equal(t, row.want, f.Code, row.say)
		require.Contains(t, f.Text.EN, "apply for a new certificate", row.say)
	}
}

func TestAReviewChoosesAmongTheCandidates(t *testing.T) {
	t.Parallel()
	a := OriginalView{CertificateRef: CertificateRef{Order: "1000000001", Sequence: 1}, Serial: "4a"}
	b := OriginalView{CertificateRef: CertificateRef{Order: "1000000002", Sequence: 1}, Serial: "4b"}
	again := OriginalView{CertificateRef: CertificateRef{Order: "1000000002", Sequence: 2}, Serial: "4c"}
	for _, row := range []struct {
		say, name  string
		candidates []OriginalView
		want       string
	}{
		{"the only one needs no name", "", []OriginalView{a}, "4a"},
		{"but may be named", "1000000001", []OriginalView{a}, "4a"},
		{"and not wrongly", "1000000002", []OriginalView{a}, ""},
		{"of several one must be named", "", []OriginalView{a, b}, ""},
		{"by order number", "1000000002", []OriginalView{a, b}, "4b"},
		{"by serial number", "4B", []OriginalView{a, b}, "4b"},
		{"an order with two certificates names none", "1000000002", []OriginalView{b, again}, ""},
		{"nobody can choose another", "4d", []OriginalView{a, b}, ""},
	} {
		got, err := ReissueView{Candidates: row.candidates}.Choose(row.name)
		if row.want == "" {
			require.Equal(t, []string{"original choice"}, brokenBy(t, err), row.say)
			continue
		}
		require.NoError(t, err, row.say)
		require.Equal(t, row.want, got.Serial, row.say)
	}
}

// What a browser sends of an optional answer that was taken back is none.
func TestBlankWordsAreNoWords(t *testing.T) {
	t.Parallel()
	for _, blank := range []string{"\r\n", " \n\t", "\u3000"} {
		r := reissueForm()
		r.Reason, r.ReasonText = NewDevice, blank
		n, err := ValidateReissue(r, guide())
		require.NoError(t, err, "%q", blank)
		require.Empty(t, n.Request.ReasonText)
		r.Reason = OtherReason
		_, err = ValidateReissue(r, guide())
		require.Equal(t, []string{"reason_text required"}, brokenBy(t, err))
	}
}

func FuzzReissueJSON(f *testing.F) {
	good, err := json.Marshal(reissueForm())
	require.NoError(f, err)
	f.Add(good)
	f.Add([]byte(`{"original":"ab:cd","expires_on":"2027年1月9日","reason":"other","reason_text":"x"}`))
	f.Add([]byte(strings.ReplaceAll(string(good), "1234567890", "info@日本語.jp")))
	f.Fuzz(func(t *testing.T, message []byte) {
		r, err := DecodeReissue(message)
		if err != nil {
			brokenBy(t, err)
			return
		}
		for _, l := range []Limits{guide(), publicTrust()} {
			n, err := ValidateReissue(r, l)
			if err != nil {
				require.NotEmpty(t, brokenBy(t, err))
				continue
			}
			again, err := ValidateReissue(n.Request, l)
			require.NoError(t, err)
			require.Equal(t, n, again)
			require.Equal(t, 24*time.Hour, n.Until().Sub(n.ExpiresOn))
		}
	})
}

func FuzzCertificateName(f *testing.F) {
	for _, s := range []string{"1234567890", "4A:0b", "info@example.jp", "０ｘ４Ａ", "::::", "\xff", "a@b@c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, bad := certificateName(s)
		if bad != nil {
			return
		}
		require.NotEqual(t, CertificateName{}, n, "it names something")
		if n.Serial != "" {
			require.Regexp(t, `^[1-9a-f][0-9a-f]{0,39}$`, n.Serial)
		}
		again, bad := certificateName(n.typed())
		require.Nil(t, bad)
		require.Equal(t, n.typed(), again.typed())
	})
}

func FuzzCivilDay(f *testing.F) {
	for _, s := range []string{"2027-11-21", "2027年11月21日", "20271121", "2027-2-30", "99999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		day, bad := civilDay(s)
		if bad != nil {
			return
		}
		again, bad := civilDay(day.Format(time.DateOnly))
		require.Nil(t, bad)
		require.True(t, day.Equal(again))
	})
}
