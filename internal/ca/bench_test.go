package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/policy"
)

// BenchmarkIssue is what an issuance costs in this room: prepare, lint, seal, sign, compare.
func BenchmarkIssue(b *testing.B) {
	for _, profile := range []policy.Profile{policy.Guide, policy.PublicTrust} {
		b.Run(string(profile), func(b *testing.B) {
			c, r := newCA(b, profile), catest.Request(b)
			for b.Loop() {
				tbs, err := c.Prepare(b.Context(), r)
				require.NoError(b, err)
				_, err = c.Sign(b.Context(), tbs)
				require.NoError(b, err)
			}
		})
	}
}

// BenchmarkPrepare is the part without the CA key.
func BenchmarkPrepare(b *testing.B) {
	c, r := newCA(b, policy.PublicTrust), catest.Request(b)
	for b.Loop() {
		_, err := c.Prepare(b.Context(), r)
		require.NoError(b, err)
	}
}

// BenchmarkBareCreateCertificate is the limit that BenchmarkIssue is compared with: the same certificate, the same key, nothing checked.
func BenchmarkBareCreateCertificate(b *testing.B) {
	bare := bareCreate(b)
	for b.Loop() {
		bare()
	}
}

// BenchmarkIssueAgainstBare takes turns, so that both see the same machine, and reports the rate of issuance as a share of the bare rate
// (aim: at least 0.85).
func BenchmarkIssueAgainstBare(b *testing.B) {
	c, r, bare := newCA(b, policy.PublicTrust), catest.Request(b), bareCreate(b)
	var ours, theirs []time.Duration
	for b.Loop() {
		start := time.Now()
		bare()
		middle := time.Now()
		tbs, err := c.Prepare(b.Context(), r)
		require.NoError(b, err)
		_, err = c.Sign(b.Context(), tbs)
		require.NoError(b, err)
		theirs, ours = append(theirs, middle.Sub(start)), append(ours, time.Since(middle))
	}
	b.ReportMetric(float64(median(theirs))/float64(median(ours)), "of-bare")
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// bareCreate returns a function that signs a certificate like ours with crypto/x509 alone.
func bareCreate(b *testing.B) func() {
	b.Helper()
	parts := catest.Material(b, policy.PublicTrust)
	template := issue(b, newCA(b, policy.PublicTrust), catest.Request(b))
	return func() {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		require.NoError(b, err)
		template.SerialNumber = serial
		_, err = x509.CreateCertificate(rand.Reader, template, parts.Issuing, template.PublicKey, parts.Key)
		require.NoError(b, err)
	}
}
