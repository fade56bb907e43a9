package ceremony_test

import (
	"crypto/rand"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/ca/hsm/hsmtest"
	"securemailid.example/internal/fault"
)

func nextYear() time.Time { return morning().AddDate(1, 0, 0) }

// second is the example, revised for a rollover.
func second(t testing.TB) ceremony.Spec {
	t.Helper()
	s := development(t)
	s.Issuing.Subject.CommonName += " 2"
	return s
}

func TestARolloverFromFilesToTheNextIssuingCA(t *testing.T) {
	t.Parallel()
	dir, safe := once(t), filepath.Join(t.TempDir(), "safe.key")
	roots, err := ca.LoadCertificates(filepath.Join(dir, ceremony.RootCertificate))
	require.NoError(t, err)
	firsts, err := ca.LoadCertificates(filepath.Join(dir, ceremony.IssuingCertificate))
	require.NoError(t, err)
	require.NoError(t, os.Rename(filepath.Join(dir, ceremony.RootKey), safe), "the root's key was taken offline")
	before := contents(t, dir)

	for title, row := range map[string]struct {
		change func(*ceremony.Spec)
		key    string
		at     func() time.Time
		kind   fault.Kind
		path   string
	}{
		"without the root's key":          {key: "", kind: fault.Internal},
		"with another key":                {key: filepath.Join(dir, ceremony.IssuingKey), kind: fault.Invalid},
		"with the old CA's name":          {change: func(s *ceremony.Spec) { *s = development(t) }, key: safe, kind: fault.Invalid, path: "issuing.subject"},
		"with another root":               {change: func(s *ceremony.Spec) { s.Root.Subject.CommonName += " X" }, key: safe, kind: fault.Invalid, path: "root.subject"},
		"under another policy":            {change: func(s *ceremony.Spec) { s.PolicyOID = "2.999.7" }, key: safe, kind: fault.Invalid, path: "policy_oid"},
		"when the root is about to end":   {key: safe, at: func() time.Time { return morning().AddDate(18, 0, 0) }, kind: fault.Invalid, path: "root"},
		"by a file that breaks its rules": {change: func(s *ceremony.Spec) { s.Issuing.ValidityYears = 1 }, key: safe, kind: fault.Invalid, path: "issuing.validity_years"},
	} {
		spec, at := second(t), nextYear
		if row.change != nil {
			row.change(&spec)
		}
		if row.at != nil {
			at = row.at
		}
		_, err := ceremony.Rollover(t.Context(), spec, dir, row.key, at, rand.Reader, nil)
		require.Equal(t, row.kind, fault.KindOf(err), "%s: %v", title, err)
		if row.path != "" {
			require.Equal(t, []string{row.path}, paths(err), title)
		}
		require.Equal(t, before, contents(t, dir), title)
	}

	var steps int
	made, err := ceremony.Rollover(t.Context(), second(t), dir, safe, nextYear, rand.Reader, func(ceremony.Step) { steps++ })
	require.NoError(t, err)
	require.Equal(t, ceremony.Steps, steps)
	require.NoError(t, made.Issuing.CheckSignatureFrom(roots[0]))
	require.NotEqual(t, firsts[0].PublicKey, made.Issuing.PublicKey)
	require.Equal(t, nextYear().Truncate(time.Second), made.Issuing.NotBefore)
	for name, was := range before {
		if name != ceremony.LogFile {
			require.Equal(t, was, contents(t, dir)[name], "%s stays as it was", name)
		}
	}
	names, err := ceremony.IssuingCAs(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"issuing", "issuing-2"}, names)
	key, err := ceremony.OpenKey(dir, "issuing-2", hsm.URI{}, &hsm.Ring{})
	require.NoError(t, err)
	require.Equal(t, made.Issuing.PublicKey, key.Public())
	require.FileExists(t, filepath.Join(dir, "ceremony-2.md"))
	r, err := ceremony.Verify(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"root.crt", "issuing.crt", "root.crl", "issuing-2.crt"}, files(r))

	again := second(t)
	again.Issuing.Subject.CommonName += " 3"
	_, err = ceremony.Rollover(t.Context(), again, dir, safe, nextYear, rand.Reader, nil)
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "issuing-3.crt"))
}

func TestARolloverAdoptsADirectoryWithoutALog(t *testing.T) {
	t.Parallel()
	dir := once(t)
	require.NoError(t, os.Rename(filepath.Join(dir, ceremony.LogFile), filepath.Join(dir, "ceremony.json")))
	require.True(t, ceremony.Completed(dir), "as ceremonies were before")
	_, err := ceremony.Rollover(t.Context(), second(t), dir, "", nextYear, rand.Reader, nil)
	require.NoError(t, err)
	r, err := ceremony.Verify(dir)
	require.NoError(t, err)
	require.Equal(t, []string{"root.crt", "issuing.crt", "issuing-2.crt"}, files(r))
}

func TestARolloverStopsAtALogThatDoesNotHold(t *testing.T) {
	t.Parallel()
	dir := once(t)
	f, err := os.OpenFile(filepath.Join(dir, ceremony.LogFile), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString("{}\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	_, err = ceremony.Rollover(t.Context(), second(t), dir, "", nextYear, rand.Reader, nil)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "log.broken"})
	require.NoFileExists(t, filepath.Join(dir, "issuing-2.crt"))
}

// The whole life in two HSMs: both keys are made inside, the root's token is elsewhere when the issuing CA works, and the rollover
// goes from one token to the next.
func TestCeremoniesInHSMs(t *testing.T) {
	t.Parallel()
	rootHSM, issuingHSM, nextHSM := hsmtest.Token(t), hsmtest.Token(t), hsmtest.Token(t)
	rootHSM.Object, issuingHSM.Object, nextHSM.Object = "root", "issuing", "issuing"
	dir, spec := t.TempDir(), development(t)
	spec.Root.HSM, spec.Issuing.HSM = rootHSM.String(), issuingHSM.String()
	made, err := ceremony.Run(t.Context(), spec, dir, morning, rand.Reader, nil)
	require.NoError(t, err)
	require.NoError(t, made.Issuing.CheckSignatureFrom(made.Root))
	for name, text := range contents(t, dir) {
		require.NotContains(t, text, "PRIVATE KEY", "%s: no key is in a file", name)
		require.NotContains(t, text, hsmtest.PIN, "%s: nor is the PIN", name)
	}
	require.Contains(t, made.Log.Made[0].Key, "pkcs11:")
	opens(t, dir, "issuing", hsm.URI{}, made.Issuing)
	opens(t, dir, "issuing", hsm.URI{Token: "not this one", ModulePath: issuingHSM.ModulePath, PINSource: issuingHSM.PINSource}, made.Issuing)

	_, err = ceremony.Run(t.Context(), spec, t.TempDir(), morning, rand.Reader, nil)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "hsm.key-exists"}, "a key in an HSM is not replaced either")

	next := second(t)
	next.Root.HSM, next.Issuing.HSM = rootHSM.String(), nextHSM.String()
	rolled, err := ceremony.Rollover(t.Context(), next, dir, "", nextYear, rand.Reader, nil)
	require.NoError(t, err)
	opens(t, dir, "issuing", hsm.URI{}, made.Issuing)
	opens(t, dir, "issuing-2", hsm.URI{}, rolled.Issuing)

	require.NoError(t, os.Remove(filepath.Join(dir, "issuing.uri")))
	opens(t, dir, "issuing", issuingHSM, made.Issuing)
	_, err = ceremony.OpenKey(dir, "issuing", hsm.URI{}, &hsm.Ring{})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "issuing.uri"), []byte("pkcs12:"), 0o600))
	_, err = ceremony.OpenKey(dir, "issuing", issuingHSM, &hsm.Ring{})
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "hsm.uri"})
}

// opens holds that the key is found and is the certificate's.
func opens(t *testing.T, dir, name string, machine hsm.URI, cert *x509.Certificate) {
	t.Helper()
	ring := &hsm.Ring{}
	key, err := ceremony.OpenKey(dir, name, machine, ring)
	require.NoError(t, err)
	require.Equal(t, cert.PublicKey, key.Public())
	require.NoError(t, ring.Close())
}

func TestAFailedCeremonyLeavesNoKeyInTheHSM(t *testing.T) {
	t.Parallel()
	u := hsmtest.Token(t)
	u.Object = "root"
	spec, dir := development(t), t.TempDir()
	spec.Root.HSM = u.String()
	spec.Issuing.HSM = "pkcs11:token=Elsewhere;object=issuing?module-path=" + u.ModulePath + "&pin-source=" + u.PINSource
	_, err := ceremony.Run(t.Context(), spec, dir, morning, rand.Reader, nil)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Empty(t, contents(t, dir))
	var ring hsm.Ring
	_, err = ring.Key(u)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
	require.NoError(t, ring.Close())
}

func files(r ceremony.Report) (out []string) {
	for _, m := range r.Made {
		out = append(out, m.File)
	}
	return out
}
