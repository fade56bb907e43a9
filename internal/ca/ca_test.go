package ca_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func newCA(t testing.TB, profile policy.Profile, options ...func(*ca.Config)) *ca.CA {
	t.Helper()
	c, err := ca.New(catest.Config(t, profile, append([]func(*ca.Config){catest.At(noon())}, options...)...))
	require.NoError(t, err)
	return c
}

// issue prepares and signs, and parses what came out.
func issue(t testing.TB, c *ca.CA, r order.CertificateRequest) *x509.Certificate {
	t.Helper()
	tbs, err := c.Prepare(t.Context(), r)
	require.NoError(t, err)
	der, err := c.Sign(t.Context(), tbs)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

func TestSmoke(t *testing.T) {
	t.Parallel()
	for _, p := range []policy.Profile{policy.Guide, policy.PublicTrust} {
		cert := issue(t, newCA(t, p), catest.Request(t))
		t.Log(cert.Subject, cert.NotBefore, cert.NotAfter)
	}
}
