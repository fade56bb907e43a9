package ca_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/policy"
)

func write(t *testing.T, name string, mode os.FileMode, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, mode))
	require.NoError(t, os.Chmod(path, mode)) // past the umask
	return path
}

func keyPEM(t *testing.T, k crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func certPEM(certs ...*x509.Certificate) (out []byte) {
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

func TestLoadMakesTheCAOfItsFiles(t *testing.T) {
	t.Parallel()
	parts, cfg := catest.Material(t, policy.Guide), catest.Config(t, policy.Guide)
	files := ca.Files{
		Key:         write(t, "issuing.key", 0o600, keyPEM(t, parts.Key)),
		Certificate: write(t, "issuing.crt", 0o644, certPEM(parts.Issuing)),
		Chain:       write(t, "root.crt", 0o644, certPEM(parts.Root)),
	}
	cfg.Signer, cfg.Certificate, cfg.Chain = nil, nil, nil
	c, err := ca.Load(files, cfg)
	require.NoError(t, err)
	require.Equal(t, ca.IssuerID(parts.Issuing), c.ID())

	files.Certificate = files.Chain
	_, err = ca.Load(files, cfg)
	require.ErrorContains(t, err, "not the key of the issuing certificate")

	files.Certificate = write(t, "two.crt", 0o644, certPEM(parts.Issuing, parts.Root))
	_, err = ca.Load(files, cfg)
	require.ErrorContains(t, err, "must hold the issuing certificate alone")
}

func TestLoadKeyRefuses(t *testing.T) {
	t.Parallel()
	subscriber, _ := catest.Key(t)
	_, edwards, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	good := keyPEM(t, subscriber)
	for name, row := range map[string]struct {
		mode os.FileMode
		data []byte
		says string
	}{
		"readable by the group":         {0o640, good, "only its owner"},
		"readable by everyone":          {0o604, good, "only its owner"},
		"writable by others":            {0o602, good, "only its owner"},
		"a certificate":                 {0o600, certPEM(catest.Material(t, policy.Guide).Root), "not one PKCS #8 private key"},
		"two keys":                      {0o600, append(append([]byte{}, good...), keyPEM(t, edwards)...), "not one PKCS #8 private key"},
		"nothing":                       {0o600, nil, "not one PKCS #8 private key"},
		"a key that cannot be read":     {0o600, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}}), "cannot be read"},
		"a key of the form before PKCS": {0o600, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(subscriber)}), "not one PKCS #8 private key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ca.LoadKey(write(t, "some.key", row.mode, row.data))
			require.ErrorContains(t, err, row.says)
		})
	}
	_, err = ca.LoadKey(t.TempDir())
	require.ErrorContains(t, err, "only its owner", "a directory")
	_, err = ca.LoadKey(filepath.Join(t.TempDir(), "none.key"))
	require.ErrorIs(t, err, os.ErrNotExist)
	k, err := ca.LoadKey(write(t, "good.key", 0o400, good))
	require.NoError(t, err)
	require.Equal(t, subscriber.Public(), k.Public())
}

func FuzzParseCertificates(f *testing.F) {
	f.Add(certPEM(catest.Material(f, policy.Guide).Root))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		certs, err := ca.ParseCertificates(data)
		require.Equal(t, err != nil, len(certs) == 0, "certificates or an error, never both or neither")
	})
}
