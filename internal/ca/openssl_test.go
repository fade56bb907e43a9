package ca_test

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// desk is a directory with what a mail user has, and OpenSSL as the user's mail client.
type desk struct {
	t   *testing.T
	dir string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		need.Skip(t, "openssl is not installed; apt-get install openssl")
	}
	return desk{t: t, dir: t.TempDir()}
}

func (d desk) put(name string, data []byte) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(filepath.Join(d.dir, name), data, 0o600))
}

func (d desk) openssl(args ...string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "openssl", args...)
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	require.NoError(d.t, err, "openssl %v: %s", args, out)
	return string(out)
}

// lay puts certificate, chain, CRL and the subscriber's key on the desk.
func (d desk) lay(c *ca.CA, parts catest.Parts, r order.CertificateRequest) {
	d.t.Helper()
	leaf := issue(d.t, c, r)
	crl, err := c.CRL(d.t.Context(), order.CRLDraft{Number: 1, At: noon()})
	require.NoError(d.t, err)
	p7b, err := ca.PKCS7(leaf.Raw, c.Describe())
	require.NoError(d.t, err)
	k, _ := catest.Key(d.t)
	d.put("leaf.pem", certPEM(leaf))
	d.put("issuing.pem", certPEM(parts.Issuing))
	d.put("root.pem", certPEM(parts.Root))
	d.put("leaf.key", keyPEM(d.t, k))
	d.put("bundle.p7b", p7b)
	d.put("issuing.crl", crl.DER)
	d.put("issuing.crl.pem", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl.DER}))
	d.put("letter.txt", []byte("Content-Type: text/plain; charset=utf-8\r\n\r\nご連絡\r\n"))
}

func TestOpenSSLSignsVerifiesEncryptsAndDecrypts(t *testing.T) {
	t.Parallel()
	at := []string{"-attime", "1795348800"} // 2026-11-22T12:00:00Z
	for _, p := range profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			d, r := newDesk(t), catest.Request(t)
			r.Subject.Organization, r.Email = "サンプル商事株式会社", "info@例え.example.jp"
			d.lay(newCA(t, p), catest.Material(t, p), r)

			chain := append([]string{"verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", "root.pem", "-untrusted", "issuing.pem"}, at...)
			require.Contains(t, d.openssl(append(chain, "leaf.pem")...), "leaf.pem: OK")
			chain[3] = "smimeencrypt"
			require.Contains(t, d.openssl(append(chain, "leaf.pem")...), "leaf.pem: OK")
			chain = append(chain, "-crl_check", "-CRLfile", "issuing.crl.pem")
			require.Contains(t, d.openssl(append(chain, "leaf.pem")...), "leaf.pem: OK")

			d.openssl("cms", "-sign", "-in", "letter.txt", "-signer", "leaf.pem", "-inkey", "leaf.key", "-certfile", "issuing.pem", "-out", "signed.eml")
			verify := append([]string{"cms", "-verify", "-in", "signed.eml", "-CAfile", "root.pem", "-purpose", "smimesign", "-out", "verified.txt"}, at...)
			require.Contains(t, d.openssl(verify...), "successful")

			d.openssl("cms", "-encrypt", "-aes256", "-in", "letter.txt", "-out", "encrypted.eml", "leaf.pem")
			d.openssl("cms", "-decrypt", "-in", "encrypted.eml", "-recip", "leaf.pem", "-inkey", "leaf.key", "-out", "decrypted.txt")
			plain, err := os.ReadFile(filepath.Join(d.dir, "decrypted.txt"))
			require.NoError(t, err)
			require.Contains(t, string(plain), "ご連絡")

			require.Contains(t, d.openssl("crl", "-inform", "DER", "-in", "issuing.crl", "-noout", "-CAfile", "issuing.pem"), "verify OK")
			require.Contains(t, d.openssl("pkcs7", "-inform", "DER", "-in", "bundle.p7b", "-print_certs", "-noout"), "Root CA")
			text := d.openssl("x509", "-in", "leaf.pem", "-noout", "-text", "-nameopt", "utf8")
			require.Contains(t, text, "サンプル商事株式会社")
			require.Contains(t, text, "email:info@xn--r8jz45g.example.jp")
		})
	}
}

func TestOpenSSLSeesARevocation(t *testing.T) {
	t.Parallel()
	d, c, parts := newDesk(t), newCA(t, policy.Guide), catest.Material(t, policy.Guide)
	leaf := issue(t, c, catest.Request(t))
	crl, err := c.CRL(t.Context(), order.CRLDraft{Number: 2, At: noon(), Revoked: []order.RevokedCertificate{
		{Serial: leaf.SerialNumber.Text(16), RevokedAt: noon(), Reason: 1},
	}})
	require.NoError(t, err)
	d.put("leaf.pem", certPEM(leaf))
	d.put("chain.pem", certPEM(parts.Issuing))
	d.put("root.pem", certPEM(parts.Root))
	d.put("crl.pem", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: crl.DER}))
	cmd := exec.CommandContext(t.Context(), "openssl", "verify", "-attime", "1795348800", "-crl_check", "-CRLfile", "crl.pem",
		"-CAfile", "root.pem", "-untrusted", "chain.pem", "leaf.pem")
	cmd.Dir = d.dir
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "certificate revoked")
}
