package p12_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
	"software.sslmate.com/src/go-pkcs12"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/p12"
)

const secret = "correct horse 7319"

// download is a certificate of the subscriber's key and its issuer, as the download page has them.
func download(t testing.TB) (leaf []byte, issuer order.IssuingCA) {
	t.Helper()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := catest.New(t, catest.At(now))
	tbs, err := c.Prepare(t.Context(), catest.Request(t))
	require.NoError(t, err)
	leaf, err = c.Sign(t.Context(), tbs)
	require.NoError(t, err)
	return leaf, c.Describe()
}

func none() (string, error) { return "", errors.New("nobody should be asked") }

func TestEveryDownloadIsRead(t *testing.T) {
	t.Parallel()
	leaf, issuer := download(t)
	p7b, err := ca.PKCS7(leaf, issuer)
	require.NoError(t, err)
	archive, err := ca.ZIP(leaf, issuer)
	require.NoError(t, err)
	for title, row := range map[string]struct {
		file []byte
		want int
	}{
		"p7b":             {p7b, 3},
		"p7b in PEM":      {pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: p7b}), 3},
		"zip":             {archive, 3},
		"pem":             {ca.PEM(leaf, issuer), 3},
		"one certificate": {leaf, 1},
	} {
		certs, err := p12.ParseCertificates(row.file)
		require.NoError(t, err, title)
		require.Len(t, certs, row.want, title)
		require.Equal(t, leaf, certs[0].Raw, title)
	}
}

func TestWhatIsNoDownloadIsRefused(t *testing.T) {
	t.Parallel()
	leaf, issuer := download(t)
	key, _ := catest.Key(t)
	archive := func(name string, size int) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = f.Write(make([]byte, size))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.Bytes()
	}
	for title, file := range map[string][]byte{
		"nothing":                      nil,
		"a text":                       []byte("hello"),
		"a private key":                pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"a broken certificate":         pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf[:100]}),
		"an archive without any":       archive("readme.txt", 10),
		"an archive that would unfold": archive("bomb.crt", 50<<20),
		"half an archive":              archive("a.crt", 10)[:40],
		"far too many":                 bytes.Repeat(ca.PEM(leaf, issuer), 30),
		"far too much":                 make([]byte, p12.MaxFile+1),
	} {
		_, err := p12.ParseCertificates(file)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "p12.certificates"}, title)
	}
}

func TestKeysAreReadInTheirForms(t *testing.T) {
	t.Parallel()
	key, _ := catest.Key(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	plain := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	read, err := p12.ParseKey(plain, none)
	require.NoError(t, err)
	require.True(t, key.Equal(read))
	read, err = p12.ParseKey(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}), none)
	require.NoError(t, err)
	require.True(t, key.Equal(read))

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key.pem"), plain, 0o600))
	for _, how := range [][]string{
		{"-v2", "aes-256-cbc"}, {"-v2", "aes-128-cbc"}, {"-v2", "aes-192-cbc", "-v2prf", "hmacWithSHA1"}, {"-v2prf", "hmacWithSHA384"},
		{"-v2prf", "hmacWithSHA512", "-iter", "100000"},
	} {
		encrypted := openssl(t, dir, append([]string{"pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:" + secret}, how...)...)
		read, err = p12.ParseKey(encrypted, func() (string, error) { return secret, nil })
		require.NoError(t, err, "%v", how)
		require.True(t, key.Equal(read), "%v", how)
		_, err = p12.ParseKey(encrypted, func() (string, error) { return "wrong", nil })
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "p12.key-passphrase"}, "%v", how)
		_, err = p12.ParseKey(encrypted, none)
		require.ErrorContains(t, err, "nobody should be asked")
	}
	for title, text := range map[string][]byte{
		"triple DES":            openssl(t, dir, "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:"+secret, "-v2", "des3"),
		"scrypt":                openssl(t, dir, "pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:"+secret, "-scrypt"),
		"the way before PKCS 8": openssl(t, dir, "rsa", "-in", "key.pem", "-traditional", "-aes256", "-passout", "pass:"+secret),
		"two keys":              append(bytes.Clone(plain), plain...),
		"a public key":          openssl(t, dir, "rsa", "-in", "key.pem", "-pubout"),
		"no PEM":                pkcs8,
		"half a key":            pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8[:200]}),
	} {
		_, err := p12.ParseKey(text, none)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "p12.key"}, title)
	}
}

func TestTheFileOpensInOpenSSLAndNSS(t *testing.T) {
	t.Parallel()
	leaf, issuer := download(t)
	key, _ := catest.Key(t)
	certs, err := p12.ParseCertificates(ca.PEM(leaf, issuer))
	require.NoError(t, err)
	certs[0], certs[2] = certs[2], certs[0] // whatever the order of the download
	for title, legacy := range map[string]bool{"modern": false, "legacy": true} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			file, err := p12.Join(key, certs, secret, legacy)
			require.NoError(t, err)
			read, cert, rest, err := pkcs12.DecodeChain(file, secret)
			require.NoError(t, err)
			require.True(t, key.Equal(read))
			require.Equal(t, leaf, cert.Raw)
			require.Len(t, rest, 2)
			require.Equal(t, issuer.DER, rest[0].Raw, "the issuing CA, then the root")

			dir := t.TempDir()
			for name, data := range map[string][]byte{"id.p12": file, "pass": []byte(secret)} {
				require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
			}
			info := string(openssl(t, dir, "pkcs12", "-in", "id.p12", "-passin", "file:pass", "-info", "-noenc"))
			require.Equal(t, 3, bytes.Count([]byte(info), []byte("BEGIN CERTIFICATE")))
			if legacy {
				require.Contains(t, info, "pbeWithSHA1And3-KeyTripleDES-CBC")
			} else {
				require.Contains(t, info, "PBES2, PBKDF2, AES-256-CBC")
			}
			need.Program(t, "pk12util", "libnss3-tools")
			run(t, dir, "certutil", "-N", "-d", "sql:.", "--empty-password")
			run(t, dir, "pk12util", "-i", "id.p12", "-d", "sql:.", "-w", "pass", "-K", "")
			require.Contains(t, string(run(t, dir, "certutil", "-K", "-d", "sql:.")), "rsa", "the key is there")
		})
	}
}

func TestJoinRefuses(t *testing.T) {
	t.Parallel()
	leaf, issuer := download(t)
	key, _ := catest.Key(t)
	certs, err := p12.ParseCertificates(ca.PEM(leaf, issuer))
	require.NoError(t, err)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	_, err = p12.Join(other, certs, secret, false)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "p12.other-key"})
	require.ErrorIs(t, p12.Matches(other, certs), &fault.Error{Kind: fault.Invalid, Code: "p12.other-key"})
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	require.Error(t, p12.Matches(curve, certs))
	for _, bad := range []string{"", "1234567", "パスフレーズですよ", "tab\tin it"} {
		_, err = p12.Join(key, certs, bad, false)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "p12.passphrase"}, bad)
	}
	file, err := p12.Join(key, certs[:1], secret, false)
	require.NoError(t, err, "without its issuers it is a file as well")
	_, _, rest, err := pkcs12.DecodeChain(file, secret)
	require.NoError(t, err)
	require.Empty(t, rest)
}

func TestEveryPassphraseOpensItsFile(t *testing.T) {
	t.Parallel()
	leaf, _ := download(t)
	key, _ := catest.Key(t)
	cert, err := x509.ParseCertificate(leaf)
	require.NoError(t, err)
	passphrase := rapid.StringMatching(`[ -~]{8,40}`)
	rapid.Check(t, func(t *rapid.T) {
		s := passphrase.Draw(t, "passphrase")
		file, err := p12.Join(key, []*x509.Certificate{cert}, s, true) // the other takes its time on purpose
		require.NoError(t, err)
		_, _, err = pkcs12.Decode(file, s)
		require.NoError(t, err)
		_, _, err = pkcs12.Decode(file, s+"x")
		require.ErrorIs(t, err, pkcs12.ErrIncorrectPassword)
	})
}

func openssl(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	need.Program(t, "openssl", "openssl")
	return run(t, dir, "openssl", args...)
}

func run(t *testing.T, dir, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	require.NoError(t, err, "%s %v: %s", program, args, errs.String())
	return append(out, errs.Bytes()...)
}

func FuzzParseCertificates(f *testing.F) {
	leaf, issuer := download(f)
	p7b, err := ca.PKCS7(leaf, issuer)
	require.NoError(f, err)
	archive, err := ca.ZIP(leaf, issuer)
	require.NoError(f, err)
	for _, file := range [][]byte{p7b, archive, ca.PEM(leaf, issuer), leaf, []byte("PK\x03\x04")} {
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		certs, err := p12.ParseCertificates(file)
		require.Equal(t, err != nil, len(certs) == 0)
	})
}

func FuzzParseKey(f *testing.F) {
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte(`-----BEGIN ENCRYPTED PRIVATE KEY-----
MGswVQYJKoZIhvcNAQUNMEgwJwYJKoZIhvcNAQUMMBoEFAAAAAAAAAAAAAAAAAAA
AAAAAAAAAgIIADAdBglghkgBZQMEASoEEAAAAAAAAAAAAAAAAAAAAAAEEgAAAAAA
AAAAAAAAAAAAAAAAAA==
-----END ENCRYPTED PRIVATE KEY-----
`))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := p12.ParseKey(text, func() (string, error) { return secret, nil })
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
		}
	})
}
