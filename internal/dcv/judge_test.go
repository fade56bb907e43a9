package dcv_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/order"
)

const token = "k7m2p9q4r8s3t6v5w2x9y4z7a3b8c6d5"

func challenge(m order.DCVMethod) dcv.Challenge {
	c := dcv.Challenge{ID: "c1", Order: "1234567890", Method: m, Domain: "example.co.jp", Token: token}
	if m == order.DCVCNAME {
		c.Token, c.Target = "_"+token, "dcv.example.com"
	}
	return c
}

func TestInstructionSaysWhatTheGuideSays(t *testing.T) {
	t.Parallel()
	require.Equal(t, dcv.Instruction{RecordName: "example.co.jp", RecordType: "TXT", RecordValue: token}, challenge(order.DCVTXT).Instruction())
	require.Equal(t, dcv.Instruction{RecordName: "_" + token + ".example.co.jp", RecordType: "CNAME", RecordValue: "dcv.example.com"},
		challenge(order.DCVCNAME).Instruction())
	require.Equal(t, dcv.Instruction{FileURL: "http://example.co.jp/.well-known/pki-validation/fileauth.txt", FileContent: token},
		challenge(order.DCVFile).Instruction())
	require.Zero(t, challenge(order.DCVEmail).Instruction())
}

func TestConstructedAddresses(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"admin@example.jp", "administrator@example.jp", "webmaster@example.jp", "hostmaster@example.jp",
		"postmaster@example.jp"}, dcv.ConstructedAddresses("example.jp"))
}

func TestAChallengeExpires(t *testing.T) {
	t.Parallel()
	limit := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	c := dcv.Challenge{ExpiresAt: limit}
	require.False(t, c.Expired(limit.Add(-time.Second)))
	require.True(t, c.Expired(limit))
	require.True(t, dcv.Challenge{}.Expired(limit), "no limit is no licence")
}

func TestJudgeTXT(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says    string
		records [][]string
		code    string
	}{
		{"the value alone", [][]string{{token}}, dcv.CodeMatch},
		{"the value beside others", [][]string{{"v=spf1 -all"}, {token}}, dcv.CodeMatch},
		{"the value in several strings", [][]string{{token[:5], token[5:20], "", token[20:]}}, dcv.CodeMatch},
		{"the value over two records is none", [][]string{{token[:5]}, {token[5:]}}, dcv.CodeDiffers},
		{"no record", nil, dcv.CodeMissing},
		{"another value", [][]string{{"v=spf1 -all"}}, dcv.CodeDiffers},
		{"an empty value", [][]string{{""}}, dcv.CodeDiffers},
		{"capitals differ: TXT data has case", [][]string{{strings.ToUpper(token)}}, dcv.CodeDiffers},
		{"quotes differ", [][]string{{`"` + token + `"`}}, dcv.CodeDiffers},
		{"a space differs", [][]string{{token + " "}}, dcv.CodeDiffers},
		{"with a prefix", [][]string{{"token=" + token}}, dcv.CodeDiffers},
	} {
		f := dcv.JudgeTXT(challenge(order.DCVTXT), row.records)
		require.Equal(t, row.code, f.Code, row.says)
		checkFinding(t, f)
	}
}

func TestJudgeCNAME(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says    string
		targets []string
		code    string
	}{
		{"as announced", []string{"dcv.example.com"}, dcv.CodeMatch},
		{"with the final dot", []string{"dcv.example.com."}, dcv.CodeMatch},
		{"names have no case", []string{"DCV.Example.COM."}, dcv.CodeMatch},
		{"no record", nil, dcv.CodeMissing},
		{"another target", []string{"dcv.example.net."}, dcv.CodeDiffers},
		{"the zone was appended", []string{"dcv.example.com.example.co.jp."}, dcv.CodeDiffers},
		{"a letter that only Unicode folds", []string{"dcv.e\u212Aample.com."}, dcv.CodeDiffers},
		{"the root", []string{"."}, dcv.CodeDiffers},
	} {
		f := dcv.JudgeCNAME(challenge(order.DCVCNAME), row.targets)
		require.Equal(t, row.code, f.Code, row.says)
		checkFinding(t, f)
	}
}

func TestJudgeFile(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		says   string
		status int
		body   string
		code   string
	}{
		{"the value alone", 200, token, dcv.CodeMatch},
		{"editors add a newline", 200, token + "\r\n", dcv.CodeMatch},
		{"any 2xx will do", 203, token + "\n", dcv.CodeMatch},
		{"white space before is not forgiven", 200, " " + token, dcv.CodeDiffers},
		{"a byte order mark", 200, "\uFEFF" + token, dcv.CodeDiffers},
		{"capitals", 200, strings.ToUpper(token), dcv.CodeDiffers},
		{"something after it", 200, token + "\nmore", dcv.CodeDiffers},
		{"a page instead of 404", 200, "<html>Not found</html>", dcv.CodeDiffers},
		{"an empty file", 200, " \n", dcv.CodeMissing},
		{"not found", 404, token, dcv.CodeMissing},
		{"gone", 410, "", dcv.CodeMissing},
		{"a login", 401, token, dcv.CodeUnreachable},
		{"a server error", 500, token, dcv.CodeUnreachable},
		{"a redirect that nobody followed", 302, token, dcv.CodeUnreachable},
		{"not a status", 0, token, dcv.CodeUnreachable},
		{"too large though it begins well", 200, token + strings.Repeat("\n", dcv.MaxFile), dcv.CodeDiffers},
	} {
		f := dcv.JudgeFile(challenge(order.DCVFile), row.status, []byte(row.body))
		require.Equal(t, row.code, f.Code, row.says)
		checkFinding(t, f)
	}
}

// A challenge of another method or without a value is never satisfied, least of all by emptiness.
func TestAnUnfitChallengeIsNeverMatched(t *testing.T) {
	t.Parallel()
	for _, m := range order.DCVMethods {
		for _, c := range []dcv.Challenge{{Method: m, Domain: "example.jp"}, {Method: m, Domain: "example.jp", Token: "x"}} {
			if c.Token == "" || m != order.DCVTXT {
				require.False(t, dcv.JudgeTXT(c, [][]string{{c.Token}, {}}).Found)
			}
			if c.Token == "" || m != order.DCVFile {
				require.False(t, dcv.JudgeFile(c, 200, []byte(c.Token)).Found)
			}
			require.False(t, dcv.JudgeCNAME(c, []string{"", ".", c.Target}).Found, "no target")
		}
	}
}

func TestTextsShowWhatWasSeen(t *testing.T) {
	t.Parallel()
	f := dcv.JudgeTXT(challenge(order.DCVTXT), [][]string{{"v=spf1\x1b[31m\u202e -all"}, {"b"}, {"c"}, {"d"}})
	require.Contains(t, f.Text.EN, "TXT record found at example.co.jp, but the value differs: “v=spf1\uFFFD[31m\uFFFD -all”, “b”, “c”, …")
	require.Contains(t, f.Text.JA, "値が異なります")

	long := dcv.JudgeFile(challenge(order.DCVFile), 200, []byte(strings.Repeat("x", 500)))
	require.Contains(t, long.Text.EN, "“"+strings.Repeat("x", 60)+"…”")

	quoted := dcv.JudgeTXT(challenge(order.DCVTXT), [][]string{{`"` + token + `"`}})
	require.Contains(t, quoted.Text.EN, "quotes, spaces")
}

func TestEveryTroubleHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	seen := map[string]dcv.Trouble{}
	for _, trouble := range []dcv.Trouble{dcv.DNSTimeout, dcv.DNSServerFailure, dcv.DNSRefused, dcv.DNSBogus, dcv.DNSMalformed,
		dcv.DNSAliasLoop, dcv.AddressMissing, dcv.AddressForbidden, dcv.ConnectFailed, dcv.ResponseTimeout, dcv.TLSFailed,
		dcv.RedirectForbidden, dcv.RedirectTooMany, "of a later version"} {
		f := dcv.Failed(challenge(order.DCVFile), trouble)
		checkFinding(t, f)
		require.False(t, f.Found)
		require.Equal(t, f.Text, trouble.Text("example.co.jp"))
		require.Empty(t, seen[f.Text.EN], "%s and %s", seen[f.Text.EN], trouble)
		seen[f.Text.EN] = trouble
	}
	checkFinding(t, dcv.Failed(challenge(order.DCVFile), dcv.ResponseMalformed))
	checkFinding(t, dcv.Expired(challenge(order.DCVFile)))
}

// A TXT match is exactly: one of the records, its strings joined, is the token.
func TestTXTMatchesIffARecordEqualsTheToken(t *testing.T) {
	t.Parallel()
	part := rapid.OneOf(rapid.Just(token), rapid.Just(token[:9]), rapid.Just(token[9:]), rapid.Just(""), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOf(rapid.SliceOf(part)).Draw(t, "records")
		equal := slices.ContainsFunc(records, func(r []string) bool { return strings.Join(r, "") == token })
		require.Equal(t, equal, dcv.JudgeTXT(challenge(order.DCVTXT), records).Found)
	})
}

// A CNAME match is exactly: ASCII case and the final dot aside, one of the targets is the announced one.
func TestCNAMEMatchesWithoutCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		target := []byte("dcv.example.com")
		for i := range target {
			if rapid.Bool().Draw(t, "upper") {
				target[i] = byte(unicode.ToUpper(rune(target[i])))
			}
		}
		spoilt := rapid.Bool().Draw(t, "spoilt")
		if spoilt {
			i := rapid.IntRange(0, len(target)-1).Draw(t, "at")
			target[i] = '-'
		}
		name := string(target) + rapid.SampledFrom([]string{"", "."}).Draw(t, "dot")
		require.Equal(t, !spoilt, dcv.JudgeCNAME(challenge(order.DCVCNAME), []string{name}).Found)
	})
}

func FuzzJudgeTXT(f *testing.F) {
	f.Add(token, "")
	f.Add(token[:7], token[7:])
	f.Add("v=spf1 include:_spf.example.com", " -all")
	f.Add("\x00\xff", "\u202e")
	f.Fuzz(func(t *testing.T, a, b string) {
		got := dcv.JudgeTXT(challenge(order.DCVTXT), [][]string{{a, b}})
		require.Equal(t, a+b == token, got.Found)
		checkFinding(t, got)
	})
}

func FuzzJudgeCNAME(f *testing.F) {
	f.Add("dcv.example.com.")
	f.Add(`dcv\.example.com.`)
	f.Add("")
	f.Fuzz(func(t *testing.T, target string) {
		checkFinding(t, dcv.JudgeCNAME(challenge(order.DCVCNAME), []string{target}))
	})
}

func FuzzJudgeFile(f *testing.F) {
	f.Add(200, []byte(token+"\n"))
	f.Add(200, []byte("\xef\xbb\xbf"+token))
	f.Add(404, []byte("<html>"))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := dcv.JudgeFile(challenge(order.DCVFile), status, body)
		if got.Found {
			require.True(t, status/100 == 2 && strings.HasPrefix(string(body), token))
			require.Empty(t, strings.Trim(strings.TrimPrefix(string(body), token), " \t\r\n"))
		}
		checkFinding(t, got)
	})
}

// checkFinding holds what is true of every finding: both languages, short, printable, on one line.
func checkFinding(t require.TestingT, f dcv.Finding) {
	require.Equal(t, f.Code == dcv.CodeMatch, f.Found)
	for _, s := range []string{f.Text.JA, f.Text.EN} {
		require.NotEmpty(t, s)
		require.True(t, utf8.ValidString(s))
		require.Less(t, utf8.RuneCountInString(s), 600)
		require.NotContains(t, s, "%!", "a sentence was filled wrongly")
		for _, r := range s {
			require.True(t, unicode.IsPrint(r), "%q in %q", r, s)
		}
	}
}
