package ca_test

import (
	"context"
	"crypto/rsa"
	"crypto/sha1" // gpgsm names certificates and trusted roots by it
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/ca/lint"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
	"securemailid.example/internal/p12"
	"securemailid.example/internal/policy"
)

// product is what is ordered, as the CA sees it.
type product struct {
	name  string
	years int
	end   time.Duration // from now, where the end is given: a reissue, or a renewal that takes days over
}

func products() []product {
	const day = 24 * time.Hour
	return []product{
		{"new 1 year", 1, 0}, {"new 2 years", 2, 0},
		{"renewal 1 year with 30 days taken over", 1, (365 + 30) * day}, {"renewal 2 years with 30 days taken over", 2, (730 + 30) * day},
		{"reissue", 1, 100 * day},
	}
}

// names are the organisations and addresses of the matrix; each product is issued to each.
func names() []order.CertificateRequest {
	english := order.Subject{Organization: "Sample Trading K.K.", State: "Tokyo", City: "Chiyoda-ku"}
	japanese := order.Subject{Organization: "サンプル商事株式会社", State: "東京都", City: "千代田区"}
	unit := english
	unit.Unit = "Sales" // of profile guide only (G9)
	return []order.CertificateRequest{
		{Subject: english, Email: "info@example.co.jp"}, {Subject: japanese, Email: "info@example.co.jp"},
		{Subject: english, Email: "info@例え.example.jp"}, {Subject: japanese, Email: "info@例え.example.jp"},
		{Subject: unit, Email: strings.Repeat("a", 50) + "@long-name.example.co.jp"}, // too long for commonName
	}
}

// issued is one certificate of the matrix.
type issued struct {
	title string
	file  string // name of its files on the desk
	cert  *x509.Certificate
	p12   []byte
}

const matrixSecret = "correct horse 7319"

// matrix issues every product to every name under a profile, at the real time: the peers have no other clock. Each is linted once more, so
// that not even a notice is left.
func matrix(t *testing.T, p policy.Profile) (all []issued) {
	t.Helper()
	c, err := ca.New(catest.Config(t, p))
	require.NoError(t, err)
	oid := catest.PolicyOID
	if p == policy.PublicTrust {
		oid = lint.OIDStrict
	}
	linter, err := lint.New(oid)
	require.NoError(t, err)
	book, _ := policy.Open(p)
	key, spki := catest.Key(t)
	for _, product := range products() {
		for _, r := range names() {
			r.Order, r.Sequence, r.PublicKey, r.ValidityYears = fmt.Sprintf("%010d", len(all)+1), 1, spki, product.years
			if product.end != 0 {
				r.NotAfter = time.Now().Add(product.end).UTC().Truncate(time.Second)
			}
			if p == policy.PublicTrust {
				r.Subject.Unit, r.Subject.Identifier = "", "NTRJP-000000000000"
			}
			title := product.name + ", " + r.Subject.Organization + r.Subject.Unit + ", " + r.Email
			cert := issue(t, c, r)
			findings, err := linter.Certificate(cert.Raw, book.At(time.Now()), lint.Asked{Years: r.ValidityYears, NotAfter: r.NotAfter})
			require.NoError(t, err, title)
			require.Empty(t, findings, title)
			parts := catest.Material(t, p)
			file, err := p12.Join(key, []*x509.Certificate{cert, parts.Issuing, parts.Root}, matrixSecret, false)
			require.NoError(t, err, title)
			all = append(all, issued{title: title, file: fmt.Sprintf("c%02d", len(all)+1), cert: cert, p12: file})
		}
	}
	return all
}

// tools runs programs in one directory, with a home of their own.
type tools struct {
	desk
	home string
}

func (d tools) run(program string, args ...string) string {
	d.t.Helper()
	out, err := d.try(program, args...)
	require.NoError(d.t, err, "%s %v: %s", program, args, out)
	return out
}

func (d tools) try(program string, args ...string) (string, error) {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), program, args...)
	cmd.Dir, cmd.Env = d.dir, append(os.Environ(), "GNUPGHOME="+d.home, "NSS_MAX_MP_PBE_ITERATION_COUNT=1", "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader(matrixSecret + "\n") // for gpgsm
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (d tools) reads(name string) {
	d.t.Helper()
	plain, err := os.ReadFile(filepath.Join(d.dir, name))
	require.NoError(d.t, err)
	require.Contains(d.t, string(plain), "ご連絡")
}

// TestEveryProductWorksInOpenSSLNSSAndGpgSM is the matrix: what one peer signs and encrypts, all verify and decrypt.
func TestEveryProductWorksInOpenSSLNSSAndGpgSM(t *testing.T) {
	t.Parallel()
	for _, p := range profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			all, parts := matrix(t, p), catest.Material(t, p)
			key, _ := catest.Key(t)
			d := tools{desk: newDesk(t), home: gpgHome(t, parts.Root)}
			d.put("issuing.pem", certPEM(parts.Issuing))
			d.put("root.pem", certPEM(parts.Root))
			d.put("leaf.key", keyPEM(t, key))
			d.put("secret", []byte(matrixSecret))
			d.put("letter.txt", []byte("Content-Type: text/plain; charset=utf-8\r\n\r\nご連絡\r\n"))
			for _, c := range all {
				d.put(c.file+".pem", certPEM(c.cert))
				d.put(c.file+".p12", c.p12)
				d.inOpenSSL(c)
			}
			t.Run("NSS", func(t *testing.T) {
				need.Program(t, "certutil", "libnss3-tools")
				need.Program(t, "cmsutil", "libnss3-tools")
				d.t = t
				for _, c := range all {
					d.inNSS(c)
				}
			})
			t.Run("gpgsm", func(t *testing.T) {
				need.Program(t, "gpgsm", "gpgsm")
				need.Program(t, "gpg-agent", "gpg-agent")
				d.t = t
				d.run("gpgsm", gpgArgs("--import", "root.pem", "issuing.pem")...)
				d.importKey(key, all[0].cert)
				for _, c := range all {
					d.inGpgSM(c)
				}
			})
		})
	}
}

// inOpenSSL verifies the chain for both uses, and signs and encrypts a letter that the others will read too.
func (d tools) inOpenSSL(c issued) {
	d.t.Helper()
	for _, purpose := range []string{"smimesign", "smimeencrypt"} {
		out := d.openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", "root.pem", "-untrusted", "issuing.pem", c.file+".pem")
		require.Contains(d.t, out, "OK", c.title)
	}
	d.openssl("cms", "-sign", "-in", "letter.txt", "-nodetach", "-binary", "-signer", c.file+".pem", "-inkey", "leaf.key", "-certfile", "issuing.pem",
		"-outform", "DER", "-out", c.file+".signed")
	out := d.openssl("cms", "-verify", "-inform", "DER", "-in", c.file+".signed", "-CAfile", "root.pem", "-purpose", "smimesign", "-out", "verified.txt")
	require.Contains(d.t, out, "successful", c.title)
	d.openssl("cms", "-encrypt", "-aes256", "-in", "letter.txt", "-binary", "-outform", "DER", "-out", c.file+".sealed", c.file+".pem")
	d.openssl("cms", "-decrypt", "-inform", "DER", "-in", c.file+".sealed", "-recip", c.file+".pem", "-inkey", "leaf.key", "-out", c.file+".openssl.txt")
	d.reads(c.file + ".openssl.txt")
}

// inNSS imports the PKCS #12 file as Thunderbird would, into a store of its own: certificates of one name share a nickname.
func (d tools) inNSS(c issued) {
	d.t.Helper()
	db := "sql:" + c.file + ".nss"
	require.NoError(d.t, os.Mkdir(filepath.Join(d.dir, c.file+".nss"), 0o700))
	d.run("certutil", "-N", "-d", db, "--empty-password")
	d.run("pk12util", "-i", c.file+".p12", "-d", db, "-w", "secret", "-K", "")
	d.run("certutil", "-A", "-d", db, "-n", "root", "-t", ",C,", "-i", "root.pem")
	d.run("certutil", "-A", "-d", db, "-n", "own", "-t", ",,", "-i", c.file+".pem")
	for _, use := range []string{"S", "R"} { // signer, recipient
		require.Contains(d.t, d.run("certutil", "-V", "-d", db, "-n", c.cert.EmailAddresses[0], "-u", use, "-e"), "certificate is valid", c.title)
	}
	require.Contains(d.t, d.run("cmsutil", "-D", "-d", db, "-i", c.file+".signed", "-h", "0", "-n"), "signer0.status=GoodSignature", c.title)
	d.run("cmsutil", "-D", "-d", db, "-i", c.file+".sealed", "-o", c.file+".nss.txt")
	d.reads(c.file + ".nss.txt")
}

// importKey gives gpgsm the key, which is that of all certificates. GnuPG 2.2 reads only the legacy encryption, and one such file in forty
// not at all, whoever wrote it: it derives wrong keys from some salts (OpenSSL reads those files). Each file has salts of its own.
func (d tools) importKey(key *rsa.PrivateKey, cert *x509.Certificate) {
	d.t.Helper()
	var out string
	for range 5 {
		legacy, err := p12.Join(key, []*x509.Certificate{cert}, matrixSecret, true)
		require.NoError(d.t, err)
		d.put("legacy.p12", legacy)
		if out, err = d.try("gpgsm", gpgArgs("--passphrase-fd", "0", "--import", "legacy.p12")...); err == nil {
			return
		}
	}
	require.Fail(d.t, "gpgsm took none of five files", out)
}

// inGpgSM finds certificates by their fingerprints. Revocation lists are another test's.
func (d tools) inGpgSM(c issued) {
	d.t.Helper()
	d.run("gpgsm", gpgArgs("--import", c.file+".pem")...)
	out := d.run("gpgsm", gpgArgs("--status-fd", "1", "--output", c.file+".gpgsm.out", "--verify", c.file+".signed")...)
	require.Contains(d.t, out, "[GNUPG:] GOODSIG "+fingerprint(c.cert), c.title)
	require.Contains(d.t, out, "[GNUPG:] TRUST_FULLY", c.title)
	d.run("gpgsm", gpgArgs("--passphrase-fd", "0", "--output", c.file+".gpgsm.txt", "--decrypt", c.file+".sealed")...)
	d.reads(c.file + ".gpgsm.txt")
}

func gpgArgs(args ...string) []string {
	return append([]string{"--batch", "--yes", "--no-tty", "--pinentry-mode", "loopback", "--disable-crl-checks", "--disable-dirmngr"}, args...)
}

// gpgHome is a home of GnuPG that trusts the root. Its path is short, because gpg-agent's socket lies in it.
func gpgHome(t *testing.T, root *x509.Certificate) string {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") //nolint:usetesting // the path of t.TempDir is longer than a socket's may be
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(home, "trustlist.txt"), []byte(fingerprint(root)+" S relax\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("allow-loopback-pinentry\n"), 0o600))
	t.Cleanup(func() {
		stop := exec.CommandContext(context.WithoutCancel(t.Context()), "gpgconf", "--homedir", home, "--kill", "all")
		_ = stop.Run() // no agent may have been started
		require.NoError(t, os.RemoveAll(home))
	})
	return home
}

func fingerprint(c *x509.Certificate) string {
	sum := sha1.Sum(c.Raw)
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
