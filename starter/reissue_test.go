package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// reissueText is the template for a reissue, filled in.
func (c *counter) reissueText(original string, ends time.Time) string {
	c.t.Helper()
	request, err := testRequest()
	require.NoError(c.t, err)
	return strings.NewReplacer(
		`original: ""`, `original: `+original,
		`expires_on: ""`, `expires_on: `+ends.In(time.FixedZone("JST", 9*60*60)).Format(time.DateOnly),
		"terms_accepted: false", "terms_accepted: true",
		"\ncsr: \"\"\n", "\ncsr: |\n  "+strings.ReplaceAll(strings.TrimSpace(request), "\n", "\n  ")+"\n",
	).Replace(exampleReissue)
}

func (c *counter) certificate(number string) order.CertificateView {
	c.t.Helper()
	s, err := c.Records.Order(c.t.Context(), number)
	require.NoError(c.t, err)
	return s.Certificates[0]
}

func TestAReissueIsAskedForByFileAndReviewed(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	original := c.issued()
	cert := c.certificate(original)
	file := c.reissueText(original, cert.NotAfter)
	r := c.run(file, "reissue", "-f", "-", "--json")
	require.Equal(t, exitDone, r.code, r.err)
	var receipt order.Receipt
	require.NoError(t, json.Unmarshal([]byte(r.out), &receipt))
	require.NotEqual(t, original, receipt.Number)
	again := c.run(file, "reissue", "-f", "-")
	require.Equal(t, exitDone, again.code, again.err)
	require.Contains(t, again.out, "had been accepted before")
	require.Contains(t, again.out, receipt.Number)

	page := c.ok("status", receipt.Number)
	for _, says := range []string{"[x] application [>] review [ ] domain", "staff: review of the reissue request", "the private key is lost", cert.Serial, "order " + original} {
		require.Contains(t, page, says)
	}
	require.Contains(t, c.ok("list", "--needs-staff"), receipt.Number)
	out := c.ok("review", receipt.Number, "--approve")
	require.Contains(t, out, "domain validation")
	require.Contains(t, c.ok("status", receipt.Number), "reissue reviewed")
}

// A refusal ends the request, and the answer says so before it has.
func TestARefusedReviewSaysThatItEnds(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	original := c.issued()
	r := c.run(c.reissueText(original, c.certificate(original).NotAfter), "reissue", "-f", "-", "--json")
	require.Equal(t, exitDone, r.code, r.err)
	var receipt order.Receipt
	require.NoError(t, json.Unmarshal([]byte(r.out), &receipt))
	require.Contains(t, c.ok("review", receipt.Number, "--refuse", "--reason", "nobody knows of it"), "state: under review -> rejected\n")
}

func TestReissueRefuses(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	original := c.issued()
	ends := c.certificate(original).NotAfter
	good := c.reissueText(original, ends)
	for _, row := range []struct {
		why, file string
		args      []string
		code      int
		says      string
	}{
		{"a wrong day, without saying that it is the day", c.reissueText(original, ends.AddDate(0, 0, 1)), nil, exitRefused, "original (line"},
		{"a certificate that is not known", c.reissueText("4A:0B", ends), nil, exitRefused, "expires_on (line"},
		{"another name for the organisation", strings.Replace(good, "reason: key-lost", "reason: details-changed", 1), nil, exitInput, "Apply for a new certificate"},
		{"a key of the order file", good + "voucher: x\n", nil, exitInput, "voucher (line"},
		{"a day that is none", strings.Replace(good, "expires_on: ", "expires_on: x", 1), nil, exitInput, "expires_on (line"},
		{"two CSRs", good, []string{"--csr", "request.csr"}, exitInput, "--csr"},
		{"no file", "", []string{"-f", ""}, exitInput, "-f"},
	} {
		r := c.run(row.file, append([]string{"reissue", "-f", "-"}, row.args...)...)
		require.Equal(t, row.code, r.code, "%s: %s", row.why, r.err)
		require.Contains(t, r.err, row.says, row.why)
		require.Empty(t, r.out, row.why)
	}
}

func TestReviewAsksForADecision(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for why, args := range map[string][]string{
		"none":                     {"review", "1234567890"},
		"two":                      {"review", "1234567890", "--approve", "--refuse"},
		"a refusal without reason": {"review", "1234567890", "--refuse"},
		"a name that names none":   {"review", "1234567890", "--approve", "--original", "info@example.jp"},
		"not by the applicant":     {"review", "1234567890", "--approve", "--actor", "applicant"},
	} {
		require.Equal(t, exitInput, c.run("", args...).code, why)
	}
	require.Empty(t, c.sent)
}

// Where several fit, the status lists them and the review names one.
func TestAReviewChoosesTheOriginal(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	first, second := c.issued(), c.issued()
	cert := c.certificate(second)
	r := c.run(c.reissueText("info@example.jp", cert.NotAfter), "reissue", "-f", "-", "--json")
	require.Equal(t, exitDone, r.code, r.err)
	var receipt order.Receipt
	require.NoError(t, json.Unmarshal([]byte(r.out), &receipt))
	page := c.ok("status", receipt.Number)
	require.Contains(t, page, "several certificates fit")
	require.Contains(t, page, "order "+first)
	require.Contains(t, page, "order "+second)
	require.Equal(t, exitInput, c.run("", "review", receipt.Number, "--approve").code)
	c.ok("review", receipt.Number, "--approve", "--original", cert.Serial)
	page = c.ok("status", receipt.Number)
	require.NotContains(t, page, "order "+first)
	require.Contains(t, page, "order "+second)
}
