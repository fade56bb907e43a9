package ca_test

import (
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"testing"

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
	parts := catest.Material(b, policy.PublicTrust)
	template := issue(b, newCA(b, policy.PublicTrust), catest.Request(b))
	for b.Loop() {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
		require.NoError(b, err)
		template.SerialNumber = serial
		_, err = x509.CreateCertificate(rand.Reader, template, parts.Issuing, template.PublicKey, parts.Key)
		require.NoError(b, err)
	}
}
