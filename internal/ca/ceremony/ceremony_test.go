package ceremony_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/ca/hsm/hsmtest"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/policy"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := errors.Join(hsmtest.Remove(), removeHeld()); err != nil {
			code = 1
		}
		os.Exit(code)
	}))
}

func morning() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 123, time.UTC) }

func development(t testing.TB) ceremony.Spec {
	t.Helper()
	s, err := ceremony.Parse(strings.NewReader(ceremony.Example()))
	require.NoError(t, err, "the example must be valid for development")
	return s
}

func TestTheExampleExplainsEverySetting(t *testing.T) {
	t.Parallel()
	var above string
	for line := range strings.Lines(ceremony.Example()) {
		trimmed := strings.TrimSpace(line)
		if strings.HasPrefix(trimmed, "#") {
			above += trimmed
		} else if trimmed == "" {
			above = ""
		}
		if key, _, ok := strings.Cut(trimmed, ":"); ok && (key == "profile" || key == "policy_oid" || key == "validity_years" || key == "crl_validity_days") {
			require.NotEmpty(t, above, "%s has no comment", key)
		}
	}
}

// One ceremony, looked at from all sides: keys cost seconds.
func TestACeremonyFromFileToVerifiedChain(t *testing.T) {
	t.Parallel()
	dir, spec := filepath.Join(t.TempDir(), "new", "ca"), development(t)
	var steps []ceremony.Step
	made, err := ceremony.Run(t.Context(), spec, dir, morning, rand.Reader, func(s ceremony.Step) { steps = append(steps, s) })
	require.NoError(t, err)

	t.Run("it reports each step", func(t *testing.T) {
		t.Parallel()
		require.Len(t, steps, 4)
		for i, s := range steps {
			require.Equal(t, i+1, s.Number)
			require.Equal(t, 4, s.Total)
			require.NotEmpty(t, s.Text.JA)
			require.NotEmpty(t, s.Text.EN)
		}
	})
	t.Run("the certificates are those of the profile", func(t *testing.T) {
		t.Parallel()
		root, issuing := made.Root, made.Issuing
		for _, c := range []*x509.Certificate{root, issuing} {
			require.Equal(t, 4096, c.PublicKey.(*rsa.PublicKey).N.BitLen())
			require.Equal(t, x509.SHA256WithRSA, c.SignatureAlgorithm)
			require.True(t, c.IsCA)
			require.Equal(t, x509.KeyUsageCertSign|x509.KeyUsageCRLSign, c.KeyUsage)
			require.Equal(t, morning().Truncate(time.Second), c.NotBefore)
		}
		require.NoError(t, issuing.CheckSignatureFrom(root))
		require.Equal(t, time.Date(2046, 11, 22, 8, 59, 59, 0, time.UTC), root.NotAfter)
		require.Equal(t, time.Date(2036, 11, 22, 8, 59, 59, 0, time.UTC), issuing.NotAfter)
		require.Equal(t, -1, root.MaxPathLen)
		require.Empty(t, root.ExtKeyUsage)
		require.True(t, issuing.MaxPathLenZero)
		require.Equal(t, []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}, issuing.ExtKeyUsage)
		require.Equal(t, []string{spec.Root.CRLURL}, issuing.CRLDistributionPoints)
		require.Equal(t, []string{spec.Root.CertificateURL}, issuing.IssuingCertificateURL)
		require.Equal(t, spec.PolicyOID, issuing.Policies[0].String())
		require.Equal(t, root.SubjectKeyId, issuing.AuthorityKeyId)
	})
	t.Run("keys are private and everything else is public", func(t *testing.T) {
		t.Parallel()
		for name, mode := range map[string]os.FileMode{
			ceremony.RootKey: 0o600, ceremony.IssuingKey: 0o600, ceremony.RootCertificate: 0o644, ceremony.IssuingCertificate: 0o644,
			ceremony.RootCRL: 0o644, ceremony.LogFile: 0o644, ceremony.LogMarkdown: 0o644,
		} {
			info, err := os.Stat(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, mode, info.Mode().Perm(), name)
		}
		require.Len(t, list(t, dir), 7, "no temporary file is left")
	})
	t.Run("the files make a CA", func(t *testing.T) {
		t.Parallel()
		book, ok := policy.Open(spec.Profile)
		require.True(t, ok)
		c, err := ca.Load(ca.Files{
			Key: filepath.Join(dir, ceremony.IssuingKey), Certificate: filepath.Join(dir, ceremony.IssuingCertificate),
			Chain: filepath.Join(dir, ceremony.RootCertificate),
		}, ca.Config{
			URLs: ca.URLs{CRL: "http://ca.example.jp/i.crl", AIA: "http://ca.example.jp/i.crt"}, Profile: book,
			PolicyOID: spec.PolicyOID, Clock: morning, Rand: rand.Reader,
		})
		require.NoError(t, err)
		require.Equal(t, ca.IssuerID(made.Issuing), c.ID())
	})
	t.Run("the log digests what was made", func(t *testing.T) {
		t.Parallel()
		r, err := ceremony.Verify(dir)
		require.NoError(t, err)
		require.Equal(t, 5, r.Lines, "a beginning, three files, an end")
		require.Equal(t, 1, r.Ceremonies)
		require.Equal(t, made.Log.Made, r.Made)
		crl, err := os.ReadFile(filepath.Join(dir, ceremony.RootCRL))
		require.NoError(t, err)
		for i, der := range [][]byte{made.Root.Raw, made.Issuing.Raw, crl} {
			sum := sha256.Sum256(der)
			require.Equal(t, hex.EncodeToString(sum[:]), r.Made[i].SHA256)
		}
		require.Equal(t, ceremony.RootKey, r.Made[0].Key)
		require.Equal(t, spec, made.Log.Spec)
		program, err := os.Executable()
		require.NoError(t, err)
		binary, err := os.ReadFile(program)
		require.NoError(t, err)
		sum := sha256.Sum256(binary)
		require.Equal(t, hex.EncodeToString(sum[:]), made.Log.Software.SHA256)
		for _, name := range []string{ceremony.LogMarkdown, ceremony.LogFile} {
			page, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			for _, said := range []string{"ca init", r.Made[1].SHA256, r.Made[1].KeySHA256, spec.Operator, spec.Witnesses[0], made.Log.Software.SHA256} {
				require.Contains(t, string(page), said, name)
			}
		}
	})
	t.Run("OpenSSL verifies chain and CRL", func(t *testing.T) {
		t.Parallel()
		if _, err := exec.LookPath("openssl"); err != nil {
			need.Skip(t, "openssl is not installed; apt-get install openssl")
		}
		out := openssl(t, dir, "verify", "-x509_strict", "-attime", "1795348800", "-CAfile", ceremony.RootCertificate, ceremony.IssuingCertificate)
		require.Contains(t, out, "OK")
		out = openssl(t, dir, "crl", "-inform", "DER", "-in", ceremony.RootCRL, "-noout", "-text", "-CAfile", ceremony.RootCertificate)
		require.Contains(t, out, "verify OK")
		require.Contains(t, out, "No Revoked Certificates")
	})
	t.Run("nothing is ever overwritten", func(t *testing.T) {
		t.Parallel()
		before := contents(t, dir)
		_, err := ceremony.Run(t.Context(), spec, dir, morning, rand.Reader, nil)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "ceremony.exists"})
		require.Equal(t, before, contents(t, dir))
	})
}

func TestOneFileOfAnEarlierCeremonyStopsTheNext(t *testing.T) {
	t.Parallel()
	for _, name := range []string{ceremony.RootKey, ceremony.IssuingKey, ceremony.RootCRL, ceremony.LogMarkdown} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("earlier"), 0o600))
		_, err := ceremony.Run(t.Context(), development(t), dir, morning, rand.Reader, nil)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "ceremony.exists"})
		require.Equal(t, map[string]string{name: "earlier"}, contents(t, dir))
	}
}

func TestACancelledCeremonyLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	_, err := ceremony.Run(ctx, development(t), dir, morning, rand.Reader, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, contents(t, dir))
}

func openssl(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "openssl %v: %s", args, out)
	return string(out)
}

func list(t *testing.T, dir string) []os.DirEntry {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	return entries
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, e := range list(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(data)
	}
	return out
}
