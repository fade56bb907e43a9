// Package catest gives tests a working CA. Its keys are made once per test binary: RSA-4096 takes a second or two.
package catest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// PolicyOID is the policy of the guide profile in tests, from the arc for examples.
const PolicyOID = "2.999.1.1"

// Parts are what the CAs of a test binary are made of.
type Parts struct {
	Key     crypto.Signer // of the issuing CA, RSA-4096
	Issuing *x509.Certificate
	Root    *x509.Certificate

	rootKey crypto.Signer
}

// born and years span every date that a test's clock may show.
func born() time.Time { return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC) }

const years = 25

// New returns a CA of profile guide with the wall clock. Options change its configuration before it is made.
func New(t testing.TB, options ...func(*ca.Config)) *ca.CA {
	t.Helper()
	c, err := ca.New(Config(t, policy.Guide, options...))
	require.NoError(t, err)
	return c
}

// Config is the configuration behind New, for the given profile. Under public-trust the policy is Strict.
func Config(t testing.TB, profile policy.Profile, options ...func(*ca.Config)) ca.Config {
	t.Helper()
	book, ok := policy.Open(profile)
	require.True(t, ok, "profile %s", profile)
	oid := PolicyOID
	if profile == policy.PublicTrust {
		oid = lint.OIDStrict
	}
	parts := Material(t, profile)
	cfg := ca.Config{
		Signer: parts.Key, Certificate: parts.Issuing, Chain: []*x509.Certificate{parts.Root},
		URLs:    ca.URLs{CRL: "http://ca.example.jp/issuing.crl", AIA: "http://ca.example.jp/issuing.crt"},
		Profile: book, PolicyOID: oid, Clock: time.Now, Rand: rand.Reader,
	}
	for _, o := range options {
		o(&cfg)
	}
	return cfg
}

// At sets the clock of a CA to a fixed moment.
func At(now time.Time) func(*ca.Config) {
	return func(c *ca.Config) { c.Clock = func() time.Time { return now } }
}

// Material returns the parts for a profile, made on the first call by a real ceremony.
func Material(t testing.TB, profile policy.Profile) Parts {
	t.Helper()
	made, ok := ceremonies[profile]
	require.True(t, ok, "profile %s", profile)
	parts, err := made()
	require.NoError(t, err)
	return parts
}

// Successor returns the parts of a second issuing CA under the root of Material's, begun a year later, as a rollover makes it.
func Successor(t testing.TB, profile policy.Profile) Parts {
	t.Helper()
	made, ok := successors[profile]
	require.True(t, ok, "profile %s", profile)
	parts, err := made()
	require.NoError(t, err)
	return parts
}

var successors = map[policy.Profile]func() (Parts, error){
	policy.Guide:       sync.OnceValues(func() (Parts, error) { return succeed(policy.Guide) }),
	policy.PublicTrust: sync.OnceValues(func() (Parts, error) { return succeed(policy.PublicTrust) }),
}

func succeed(profile policy.Profile) (Parts, error) {
	before, err := ceremonies[profile]()
	if err != nil {
		return Parts{}, err
	}
	key, err := rsa.GenerateKey(rand.Reader, 4096)
	if err != nil {
		return Parts{}, err
	}
	template := *before.Issuing
	template.SerialNumber = new(big.Int).Add(template.SerialNumber, big.NewInt(1))
	template.Subject.CommonName += " 2"
	template.NotBefore, template.RawSubject, template.SubjectKeyId = born().AddDate(1, 0, 0), nil, nil
	der, err := x509.CreateCertificate(rand.Reader, &template, before.Root, key.Public(), before.rootKey)
	if err != nil {
		return Parts{}, err
	}
	cert, err := x509.ParseCertificate(der)
	return Parts{Key: key, Issuing: cert, Root: before.Root, rootKey: before.rootKey}, err
}

// ceremonies are shared by the tests of a binary; it is the only state here.
var ceremonies = map[policy.Profile]func() (Parts, error){
	policy.Guide:       sync.OnceValues(func() (Parts, error) { return hold(policy.Guide, PolicyOID) }),
	policy.PublicTrust: sync.OnceValues(func() (Parts, error) { return hold(policy.PublicTrust, lint.OIDStrict) }),
}

// hold runs a ceremony in a directory of its own and reads the key back as production would.
func hold(profile policy.Profile, oid string) (parts Parts, err error) {
	spec, err := ceremony.Parse(strings.NewReader(ceremony.Example()))
	if err != nil {
		return Parts{}, err
	}
	spec.Profile, spec.PolicyOID, spec.Root.ValidityYears, spec.Issuing.ValidityYears = profile, oid, years, years
	dir, err := os.MkdirTemp("", "catest")
	if err != nil {
		return Parts{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	made, err := ceremony.Run(context.Background(), spec, dir, born, rand.Reader, nil)
	if err != nil {
		return Parts{}, err
	}
	key, err := ca.LoadKey(filepath.Join(dir, ceremony.IssuingKey))
	if err != nil {
		return Parts{}, err
	}
	rootKey, err := ca.LoadKey(filepath.Join(dir, ceremony.RootKey))
	return Parts{Key: key, Issuing: made.Issuing, Root: made.Root, rootKey: rootKey}, err
}

// Key returns a subscriber's RSA-2048 key, one per test binary, and its SubjectPublicKeyInfo.
func Key(t testing.TB) (*rsa.PrivateKey, []byte) {
	t.Helper()
	key, err := subscriber()
	require.NoError(t, err)
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	require.NoError(t, err)
	return key, spki
}

var subscriber = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// Request returns a request that any profile accepts. Its identifier is left out of the certificate by profile guide.
func Request(t testing.TB) order.CertificateRequest {
	t.Helper()
	_, spki := Key(t)
	return order.CertificateRequest{
		Order: "1234567890", Sequence: 1, Email: "info@example.co.jp", PublicKey: spki, ValidityYears: 1,
		Subject: order.Subject{
			Organization: "Sample Trading K.K.", State: "Tokyo", City: "Chiyoda-ku", Identifier: "NTRJP-000000000000",
		},
	}
}
