package dcv_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/dcv"
)

const ourIssuer = "ca.example.com"

type zone map[string][]dcv.CAA

func (z zone) lookup(name string) ([]dcv.CAA, []dcv.Observation, error) {
	return z[name], []dcv.Observation{{Asked: "CAA " + name}}, nil
}

func mail(value string) dcv.CAA { return dcv.CAA{Tag: "issuemail", Value: value} }

func TestDecideCAA(t *testing.T) {
	t.Parallel()
	const d = "mail.example.co.jp"
	for _, row := range []struct {
		says string
		zone zone
		code string
	}{
		{"no CAA anywhere", zone{}, dcv.CAANoRestriction},
		{"we are named", zone{d: {mail(ourIssuer)}}, dcv.CAAIssuerNamed},
		{"we are named without regard to case", zone{d: {mail("CA.Example.COM")}}, dcv.CAAIssuerNamed},
		{"tags have no case", zone{d: {{Tag: "IssueMail", Value: "other.example"}}}, dcv.CAANotNamed},
		{"we are one of several", zone{d: {mail("other.example"), mail(ourIssuer)}}, dcv.CAAIssuerNamed},
		{"another CA is named", zone{d: {mail("other.example")}}, dcv.CAANotNamed},
		{"nobody may issue", zone{d: {mail(";")}}, dcv.CAANotNamed},
		{"an empty value names nobody", zone{d: {mail("")}}, dcv.CAANotNamed},
		{"a malformed value names nobody", zone{d: {mail("%%%%%")}}, dcv.CAANotNamed},
		{"malformed though it begins with us", zone{d: {mail(ourIssuer + " x")}}, dcv.CAANotNamed},
		{"a parameter that we cannot honour", zone{d: {mail(ourIssuer + "; account=1")}}, dcv.CAANotNamed},
		{"the bare semicolon adds nothing", zone{d: {mail(" " + ourIssuer + " ; ")}}, dcv.CAAIssuerNamed},
		{"a subdomain of ours is not us", zone{d: {mail("x." + ourIssuer)}}, dcv.CAANotNamed},
		{"issue and issuewild do not concern us", zone{d: {{Tag: "issue", Value: ";"}, {Tag: "issuewild", Value: ";"}}}, dcv.CAANoRestriction},
		{"a set without issuemail ends the climb", zone{d: {{Tag: "issue", Value: ";"}}, "example.co.jp": {mail(";")}}, dcv.CAANoRestriction},
		{"the parent decides where the domain is silent", zone{"example.co.jp": {mail("other.example")}}, dcv.CAANotNamed},
		{"the nearest set decides", zone{d: {mail(ourIssuer)}, "example.co.jp": {mail(";")}}, dcv.CAAIssuerNamed},
		{"even a top-level domain may speak", zone{"jp": {mail(";")}}, dcv.CAANotNamed},
		{"a sibling does not", zone{"www.example.co.jp": {mail(";")}}, dcv.CAANoRestriction},
		{"an unknown critical property", zone{d: {mail(ourIssuer), {Flags: 128, Tag: "future", Value: "x"}}}, dcv.CAACriticalUnknown},
		{"any flags with the critical bit", zone{d: {{Flags: 129, Tag: "future"}}}, dcv.CAACriticalUnknown},
		{"an unknown property that is not critical", zone{d: {{Flags: 1, Tag: "future"}}}, dcv.CAANoRestriction},
		{"a known critical property", zone{d: {{Flags: 128, Tag: "issue", Value: ";"}}}, dcv.CAANoRestriction},
		{"issuemail may be critical", zone{d: {{Flags: 128, Tag: "issuemail", Value: ourIssuer}}}, dcv.CAAIssuerNamed},
	} {
		got, err := dcv.DecideCAA(d, []string{"ca2.example.com", ourIssuer}, row.zone.lookup)
		require.NoError(t, err, row.says)
		require.Equal(t, row.code, got.Code, row.says)
		require.Equal(t, row.code == dcv.CAANoRestriction || row.code == dcv.CAAIssuerNamed, got.Permitted, row.says)
		checkDecision(t, got)
	}
}

func TestTheClimbAsksEachNameOnce(t *testing.T) {
	t.Parallel()
	got, err := dcv.DecideCAA("Mail.Example.CO.JP.", nil, zone{}.lookup)
	require.NoError(t, err)
	var asked []string
	for _, o := range got.Observations {
		asked = append(asked, strings.TrimPrefix(o.Asked, "CAA "))
	}
	require.Equal(t, []string{"mail.example.co.jp", "example.co.jp", "co.jp", "jp"}, asked)
}

// C9: not knowing is no permission, even where the nearer names were empty.
func TestAFailedLookupIsNoPermission(t *testing.T) {
	t.Parallel()
	broken := errors.New("no answer")
	for _, at := range []string{"mail.example.jp", "example.jp", "jp"} {
		got, err := dcv.DecideCAA("mail.example.jp", []string{ourIssuer}, func(name string) ([]dcv.CAA, []dcv.Observation, error) {
			if name == at {
				return []dcv.CAA{mail(ourIssuer)}, []dcv.Observation{{Asked: name, Problem: "broken"}}, broken
			}
			return nil, nil, nil
		})
		require.ErrorIs(t, err, broken)
		require.False(t, got.Permitted)
		require.Equal(t, dcv.CAALookupFailed, got.Code)
		require.Len(t, got.Observations, 1)
		checkDecision(t, got)
	}
}

func TestWithoutIssuerDomainsNobodyIsNamed(t *testing.T) {
	t.Parallel()
	for _, issuers := range [][]string{nil, {""}, {"."}} {
		for _, value := range []string{"", ";", "."} {
			got, err := dcv.DecideCAA("example.jp", issuers, zone{"example.jp": {mail(value)}}.lookup)
			require.NoError(t, err)
			require.False(t, got.Permitted, "issuers %q, value %q", issuers, value)
		}
	}
}

func TestParseIssueMail(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		value, issuer string
		parameters    []dcv.Parameter
		ok            bool
	}{
		{"ca.example", "ca.example", nil, true},
		{"\t ca.example \t", "ca.example", nil, true},
		{"", "", nil, true},
		{";", "", nil, true},
		{"ca.example; a=b", "ca.example", []dcv.Parameter{{"a", "b"}}, true},
		{"ca.example;a=b ; c-1 = d=e", "ca.example", []dcv.Parameter{{"a", "b"}, {"c-1", "d=e"}}, true},
		{"ca.example; a=", "ca.example", []dcv.Parameter{{"a", ""}}, true},
		{"; a=b", "", []dcv.Parameter{{"a", "b"}}, true},
		{"ca.example; a=b;", "", nil, false},
		{"ca.example; a", "", nil, false},
		{"ca.example; =b", "", nil, false},
		{"ca.example; a-=b", "", nil, false},
		{"ca.example; a=b c", "", nil, false},
		{"-ca.example", "", nil, false},
		{"ca-.example", "", nil, false},
		{"ca..example", "", nil, false},
		{"ca.example.", "", nil, false},
		{"ca_1.example", "", nil, false},
		{"ca.example\x00", "", nil, false},
		{"ca.example\n", "", nil, false},
		{"認証局.example", "", nil, false},
	} {
		issuer, parameters, ok := dcv.ParseIssueMail(row.value)
		require.Equal(t, row.ok, ok, "%q", row.value)
		require.Equal(t, row.issuer, issuer, "%q", row.value)
		require.Equal(t, row.parameters, parameters, "%q", row.value)
	}
}

// What the grammar builds, the parser takes apart again.
func TestParseIssueMailUndoesTheGrammar(t *testing.T) {
	t.Parallel()
	const label = `[0-9A-Za-z](-{0,2}[0-9A-Za-z]){0,4}`
	wsp := rapid.StringMatching(`[ \t]{0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		issuer := rapid.StringMatching(`(`+label+`(\.`+label+`){0,3})?`).Draw(t, "issuer")
		value := wsp.Draw(t, "wsp") + issuer + wsp.Draw(t, "wsp")
		var want []dcv.Parameter
		for range rapid.IntRange(0, 3).Draw(t, "parameters") {
			p := dcv.Parameter{Tag: rapid.StringMatching(label).Draw(t, "tag"), Value: rapid.StringMatching(`[!-:<-~]{0,9}`).Draw(t, "value")}
			want = append(want, p)
			value += ";" + wsp.Draw(t, "wsp") + p.Tag + wsp.Draw(t, "wsp") + "=" + wsp.Draw(t, "wsp") + p.Value + wsp.Draw(t, "wsp")
		}
		got, parameters, ok := dcv.ParseIssueMail(value)
		require.True(t, ok, "%q", value)
		require.Equal(t, issuer, got)
		require.Equal(t, want, parameters)
	})
}

func FuzzCAA(f *testing.F) {
	f.Add(byte(0), "issuemail", "ca.example.com")
	f.Add(byte(128), "issuemail", "ca.example.com; account=230123")
	f.Add(byte(128), "tbs", "unknown")
	f.Add(byte(0), "issuemail", ";")
	f.Fuzz(func(t *testing.T, flags byte, tag, value string) {
		got, err := dcv.DecideCAA("example.jp", []string{ourIssuer}, zone{"jp": {{Flags: flags, Tag: tag, Value: value}}}.lookup)
		require.NoError(t, err)
		if got.Code == dcv.CAAIssuerNamed {
			require.Equal(t, ourIssuer, strings.ToLower(strings.Trim(value, " \t;")))
		}
		checkDecision(t, got)
	})
}

func checkDecision(t require.TestingT, d dcv.CAADecision) {
	checkFinding(t, dcv.Finding{Code: "decision", Text: d.Text})
}
