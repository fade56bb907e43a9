package ca_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

// The activities ask for these (activities/store.go); the room may not import them.
type preparer interface {
	Prepare(ctx context.Context, r order.CertificateRequest) (order.ToBeSigned, error)
}

type signer interface {
	Sign(ctx context.Context, t order.ToBeSigned) ([]byte, error)
}

var (
	_ preparer = (*ca.CA)(nil)
	_ signer   = (*ca.CA)(nil)
)

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

func profiles() []policy.Profile { return []policy.Profile{policy.Guide, policy.PublicTrust} }

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

// key wraps the CA key: it counts signatures and can be made to misbehave.
type key struct {
	crypto.Signer
	uses atomic.Int64
	sign func(k crypto.Signer, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) // nil: as it should
}

func (k *key) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	k.uses.Add(1)
	if k.sign != nil {
		return k.sign(k.Signer, rand, digest, opts)
	}
	return k.Signer.Sign(rand, digest, opts)
}

func TestNewRefusesPartsThatDoNotBelongTogether(t *testing.T) {
	t.Parallel()
	subscriber, _ := catest.Key(t)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	other := catest.Material(t, policy.PublicTrust)
	for name, row := range map[string]struct {
		change func(*ca.Config)
		says   string
	}{
		"no clock":                           {func(c *ca.Config) { c.Clock = nil }, "must be given"},
		"another key than the certificate's": {func(c *ca.Config) { c.Signer = other.Key }, "not the key of the issuing certificate"},
		"a key that is not RSA":              {func(c *ca.Config) { c.Signer = curve }, "not RSA"},
		"a key shorter than the policy wants": {func(c *ca.Config) {
			c.Signer, c.Certificate = subscriber, selfSigned(t, subscriber)
		}, "has 2048 bits, the policy needs 4096"},
		"a certificate that may not issue":               {func(c *ca.Config) { c.Certificate = selfSigned(t, subscriber) }, "may not sign certificates"},
		"no chain":                                       {func(c *ca.Config) { c.Chain = nil }, "chain of the issuing certificate is empty"},
		"the root of somebody else":                      {func(c *ca.Config) { c.Chain = []*x509.Certificate{other.Root} }, "chain of the issuing certificate does not hold"},
		"a chain without its root":                       {func(c *ca.Config) { c.Chain = []*x509.Certificate{c.Certificate} }, "self-signed root"},
		"a CA that has ended":                            {catest.At(noon().AddDate(50, 0, 0)), "expired"},
		"a policy the issuing certificate does not hold": {func(c *ca.Config) { c.PolicyOID = lint.OIDStrict }, "does not hold the policy"},
		"no policy at all":                               {func(c *ca.Config) { c.PolicyOID = "" }, "policy is not set"},
		"an address by https":                            {func(c *ca.Config) { c.URLs.CRL = "https://ca.example.jp/x.crl" }, "plain http"},
		"no address of the CA":                           {func(c *ca.Config) { c.URLs.AIA = "" }, "plain http"},
		"a key that signs by PSS":                        {func(c *ca.Config) { c.Signer = &key{Signer: c.Signer, sign: signPSS} }, "does not verify"},
		"a key that does not answer": {func(c *ca.Config) {
			c.Signer = &key{Signer: c.Signer, sign: func(crypto.Signer, io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
				return nil, errors.New("token removed")
			}}
		}, "token removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ca.New(catest.Config(t, policy.Guide, catest.At(noon()), row.change))
			require.ErrorContains(t, err, row.says)
		})
	}
}

func TestPublicTrustKnowsOnlyBaselinePolicies(t *testing.T) {
	t.Parallel()
	_, err := ca.New(catest.Config(t, policy.PublicTrust, func(c *ca.Config) { c.PolicyOID = catest.PolicyOID }))
	require.ErrorContains(t, err, "profile public-trust issues under")
}

func TestDescribeIsTheChainAndCannotChangeTheCA(t *testing.T) {
	t.Parallel()
	c, parts := newCA(t, policy.Guide), catest.Material(t, policy.Guide)
	d := c.Describe()
	require.Equal(t, ca.IssuerID(parts.Issuing), d.ID)
	require.Regexp(t, `^[0-9a-f]{16}$`, d.ID)
	require.Equal(t, parts.Issuing.Raw, d.DER)
	require.Equal(t, [][]byte{parts.Root.Raw}, d.Chain)
	clear(d.DER)
	clear(d.Chain[0])
	require.Equal(t, parts.Issuing.Raw, c.Describe().DER)
	require.Equal(t, parts.Root.Raw, c.Describe().Chain[0])
}

func signPSS(k crypto.Signer, rand io.Reader, digest []byte, _ crypto.SignerOpts) ([]byte, error) {
	return k.Sign(rand, digest, &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: rsa.PSSSaltLengthEqualsHash})
}

// selfSigned is an ordinary certificate of the key, no CA.
func selfSigned(t testing.TB, k crypto.Signer) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: serialOne(), NotBefore: noon(), NotAfter: noon().AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}
