package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

var update = flag.Bool("update", false, "write what commands print into testdata")

// golden compares text with the file of the name in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), text, "run: go test ./starter -run %s -update", t.Name())
}

func TestTemplateIsWhatCommandPrints(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	golden(t, "template.yaml", c.ok("template"))
}

func TestTemplateIsValidOnceFilledIn(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	f, err := decodeOrderFile([]byte(c.orderText(c.voucher())))
	require.NoError(t, err)
	rules, _ := policy.Open(policy.Guide)
	n, err := order.Validate(f.application, rules.At(noon).Limits())
	require.NoError(t, err)
	require.Equal(t, "example.jp", n.Domain)
	require.Empty(t, n.Overrides)
}

// Left as it is, the template is refused for exactly what the applicant must bring.
func TestTemplateAsItIsLacksVoucherCSRAndConsent(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	r := c.run(exampleOrder, "submit", "-f", "-")
	require.Equal(t, exitInput, r.code)
	for _, field := range []string{"voucher (line 14)", "csr (line 30)", "terms_accepted (line 89)"} {
		require.Contains(t, r.err, field)
	}
	require.Equal(t, 3, strings.Count(r.err, "(line "), r.err)
}

func TestTheReissueTemplateIsWhatCommandPrints(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	golden(t, "reissue.yaml", c.ok("template", "--reissue"))
	_, lines, err := decodeReissueFile([]byte(exampleReissue))
	require.NoError(t, err)
	for name, k := range reissueKeys {
		require.NotZero(t, lines[name], "%s is not in the template", name)
		for member := range k.members {
			require.NotZero(t, lines[name+"."+member], "%s.%s is not in the template", name, member)
		}
	}
	r := c.run(exampleReissue, "reissue", "-f", "-")
	require.Equal(t, exitInput, r.code)
	for _, field := range []string{"original (line", "expires_on (line", "csr (line", "terms_accepted (line"} {
		require.Contains(t, r.err, field)
	}
	require.Equal(t, 4, strings.Count(r.err, "(line "), "as it is it lacks what only the applicant knows: "+r.err)
}

// Every key of the form is explained by the template, and none that does not exist.
func TestTemplateKnowsEveryKey(t *testing.T) {
	t.Parallel()
	f, err := decodeOrderFile([]byte(exampleOrder))
	require.NoError(t, err)
	for name, k := range orderKeys {
		require.NotZero(t, f.lines[name], "%s is not in the template", name)
		for member := range k.members {
			require.NotZero(t, f.lines[name+"."+member], "%s.%s is not in the template", name, member)
		}
	}
}
