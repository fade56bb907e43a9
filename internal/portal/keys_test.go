package portal_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"securemailid.example/internal/csr"
	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

const (
	keyPassword  = "Correct horse 7"
	filePassword = "another-Battery-9"
)

// made is what keys.js makes: an encrypted key file and a request.
type made struct{ Key, CSR string }

// makeKey has the browser make a key on any page of the site.
func makeKey(t *testing.T, tab context.Context, s *site) made {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/")))
	m, err := chromedp.Run(tab, chromedp.Evaluate[made](`import("/static/keys.js").then((keys) => keys.makeKey("`+keyPassword+`"))`, chromedp.EvalAwaitPromise))
	require.NoError(t, err)
	return m
}

// TestKeyMadeInTheBrowser: the request is one that the CA takes, and the key file is OpenSSL's business too.
func TestKeyMadeInTheBrowser(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl", "openssl")
	m := makeKey(t, chromium.Tab(t), open(t, order.Japanese))
	request, err := csr.Parse(m.CSR, nil)
	require.NoError(t, err)
	require.Equal(t, 2048, request.Bits)
	require.Equal(t, csr.Subject{}, request.Subject, "the form says who it is for")
	require.Empty(t, request.Emails)

	shape := run(t, openssl, m.Key, "asn1parse")
	for _, part := range []string{"PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", "INTEGER           :0927C0"} { // 600,000
		require.Contains(t, shape, part)
	}
	require.NotContains(t, shape, "l=inf", "DER, for readers that take nothing else")
	key := parseKey(t, run(t, openssl, m.Key, "pkcs8", "-passin", "pass:"+keyPassword))
	require.True(t, key.PublicKey.Equal(publicKey(t, request)))
}

// run gives a program input and returns what it prints.
func run(t *testing.T, program, input string, args ...string) string {
	t.Helper()
	var out, trouble bytes.Buffer
	c := exec.CommandContext(t.Context(), program, args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &trouble
	require.NoError(t, c.Run(), trouble.String())
	return out.String() + trouble.String()
}

func publicKey(t *testing.T, r csr.Request) *rsa.PublicKey {
	t.Helper()
	key, err := x509.ParsePKIXPublicKey(r.PublicKey)
	require.NoError(t, err)
	return key.(*rsa.PublicKey)
}

// requireFocus waits until the element of the id has the focus.
func requireFocus(t *testing.T, tab context.Context, id string) {
	t.Helper()
	_, err := chromedp.Run(tab, chromedp.Poll[bool](`document.activeElement.id === "`+id+`"`))
	require.NoError(t, err, id)
}

func parseKey(t *testing.T, text string) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	require.NotNil(t, block, text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	require.IsType(t, &rsa.PrivateKey{}, key)
	return key.(*rsa.PrivateKey)
}

// realPEM is a Bundler whose PEM file is one.
type realPEM struct{ labels }

func (realPEM) PEM(c order.Certificate, ca order.IssuingCA) ([]byte, error) {
	return append(pemOf("CERTIFICATE", c.DER), pemOf("CERTIFICATE", ca.DER)...), nil
}

func pemOf(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// certify gives the order a certificate for the public key, from a CA of the test's own.
func (s *site) certify(spki []byte) {
	s.t.Helper()
	_, ca := s.issue(1)
	root, err := x509.ParseCertificate(ca.DER)
	require.NoError(s.t, err)
	signer, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(s.t, err)
	root.PublicKey = signer.Public()
	public, err := x509.ParsePKIXPublicKey(spki)
	require.NoError(s.t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(99), Subject: pkix.Name{Organization: []string{"Sample Trading K.K."}},
		EmailAddresses: []string{"smime-contact@example.co.jp"}, NotBefore: now, NotAfter: now.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, public, signer)
	require.NoError(s.t, err)
	s.record.mu.Lock()
	defer s.record.mu.Unlock()
	s.record.certs[number] = append(s.record.certs[number], order.Certificate{Order: number, Sequence: 2, Serial: "63", Issuer: ca.ID, DER: der, NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter})
}

// joining opens the download page of a certificate for m's key.
func joining(t *testing.T, tab context.Context, language order.Language, m made) *site {
	t.Helper()
	s := open(t, language, func(c *portal.Config) { c.Bundler = realPEM{} })
	request, err := csr.Parse(m.CSR, nil)
	require.NoError(t, err)
	s.certify(request.PublicKey)
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/download/"+s.download), chromedp.WaitVisible("#join-file")))
	return s
}

// fill fills the form that joins a key with its certificate, and sends it by the Enter key: a button may move while hints appear.
func fill(t *testing.T, tab context.Context, keyFile, old, first, second string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "private-key.pem")
	require.NoError(t, os.WriteFile(file, []byte(keyFile), 0o600))
	require.NoError(t, chromedp.Do(tab, chromedp.Evaluate[chromedp.Void](`document.querySelector("[data-join-key]").reset()`),
		chromedp.SetUploadFiles("#join-file", []string{file}), chromedp.SendKeys("#join-old", old),
		chromedp.SendKeys("#join-new", first), chromedp.SendKeys("#join-repeat", second+kb.Enter)))
}

// TestKeyJoinedInTheBrowser goes from the key file to the .p12 on the download page: others can open it, it holds key and chain, and nothing
// but the certificate has crossed the network.
func TestKeyJoinedInTheBrowser(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl", "openssl")
	tab := chromium.Tab(t)
	m := makeKey(t, tab, open(t, order.Japanese))
	traffic, files := chromium.Watch(t, tab), chromium.Save(t, tab)
	s := joining(t, tab, order.Japanese, m)
	fill(t, tab, m.Key, keyPassword, filePassword, filePassword)
	saved := files.Next(t, tab)
	require.Equal(t, "smid-"+number+".p12", saved.Name)

	key, leaf, chain, err := pkcs12.DecodeChain(saved.Data, filePassword)
	require.NoError(t, err)
	require.Equal(t, []string{"smime-contact@example.co.jp"}, leaf.EmailAddresses)
	require.Len(t, chain, 1)
	require.True(t, chain[0].IsCA)
	require.True(t, parseKey(t, run(t, openssl, m.Key, "pkcs8", "-passin", "pass:"+keyPassword)).Equal(key))

	shape := run(t, openssl, string(saved.Data), "pkcs12", "-info", "-nodes", "-passin", "pass:"+filePassword)
	for _, part := range []string{"MAC: sha256, Iteration 100000", "PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256", "friendlyName: smime-contact@example.co.jp", "localKeyID"} {
		require.Contains(t, shape, part)
	}

	importIntoNSS(t, saved.Data)

	page := "GET /download/" + s.download
	require.Equal(t, strings.Join([]string{page, "GET /static/style.css", "GET /static/privatekey.js", "GET /static/keys.js", page + "/file?type=pem"}, "\n"), asked(traffic))
	require.Empty(t, traffic.Errors())
}

// importIntoNSS reads a PKCS #12 file as Thunderbird does.
func importIntoNSS(t *testing.T, file []byte) {
	t.Helper()
	pk12util := need.Program(t, "pk12util", "libnss3-tools")
	dir := t.TempDir()
	path := filepath.Join(dir, "smid.p12")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	run(t, need.Program(t, "certutil", "libnss3-tools"), "", "-N", "-d", "sql:"+dir, "--empty-password")
	run(t, pk12util, "", "-i", path, "-W", filePassword, "-d", "sql:"+dir, "-K", "")
	require.Contains(t, run(t, "certutil", "", "-K", "-d", "sql:"+dir), "smime-contact@example.co.jp")
}

// TestKeyThatCannotBeJoined: each reason is said in plain words, beside the form, with the field that it is about in focus.
func TestKeyThatCannotBeJoined(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl", "openssl")
	tab := chromium.Tab(t)
	site := open(t, order.English)
	m := makeKey(t, tab, site)
	other := makeKey(t, tab, site)
	older := run(t, openssl, run(t, openssl, m.Key, "pkcs8", "-passin", "pass:"+keyPassword), "rsa", "-traditional", "-aes128", "-passout", "pass:"+keyPassword)
	s := joining(t, tab, order.English, m)
	for _, row := range []struct{ shows, key, old, first, second, says, focus string }{
		{"the key file's password is wrong", m.Key, keyPassword + "!", filePassword, filePassword, "password of the key file is wrong", "join-old"},
		{"the key file's password is missing", m.Key, "", filePassword, filePassword, "password of the key file is wrong", "join-old"},
		{"the key belongs to another certificate", other.Key, keyPassword, filePassword, filePassword, "does not belong to this certificate", "join-file"},
		{"the file is not a key", m.CSR, keyPassword, filePassword, filePassword, "not a private key file", "join-file"},
		{"the file is damaged", strings.Replace(m.Key, "MII", "AAA", 1), keyPassword, filePassword, filePassword, "not a private key file", "join-file"},
		{"the key is encrypted in the way before PKCS #8", older, keyPassword, filePassword, filePassword, "use the OpenSSL command", "join-file"},
		{"the new password is short", m.Key, keyPassword, "short", "short", "too short", "join-new"},
		{"the new password is simple", m.Key, keyPassword, "aaaaaaaaaaaab", "aaaaaaaaaaaab", "easy to guess", "join-new"},
		{"the new password has characters beyond ASCII", m.Key, keyPassword, "パスワードは十二文字以上で", "パスワードは十二文字以上で", "ASCII", "join-new"},
		{"the new passwords differ", m.Key, keyPassword, filePassword, filePassword + "!", "differ", "join-repeat"},
	} {
		fill(t, tab, row.key, row.old, row.first, row.second)
		_, err := chromedp.Run(tab, chromedp.Poll[bool](`document.querySelector("[data-join-key] [role=alert]").textContent.includes("`+row.says+`")`))
		require.NoError(t, err, row.shows)
		requireFocus(t, tab, row.focus)
	}
	chromium.Axe(t, tab, "joining")
	s.Close()
	fill(t, tab, m.Key, keyPassword, filePassword, filePassword)
	_, err := chromedp.Run(tab, chromedp.Poll[bool](`document.querySelector("[data-join-key] [role=alert]").textContent.includes("could not be fetched")`))
	require.NoError(t, err, "the portal does not answer")
}

// TestOtherKeyFiles: keys that OpenSSL made can be joined too.
func TestOtherKeyFiles(t *testing.T) {
	t.Parallel()
	openssl := need.Program(t, "openssl", "openssl")
	tab := chromium.Tab(t)
	m := makeKey(t, tab, open(t, order.Japanese))
	plain := run(t, openssl, m.Key, "pkcs8", "-passin", "pass:"+keyPassword)
	files := chromium.Save(t, tab)
	joining(t, tab, order.Japanese, m)
	for shows, key := range map[string]string{
		"PKCS #8, not encrypted": plain,
		"PKCS #1, not encrypted": run(t, openssl, plain, "rsa", "-traditional"),
		"PKCS #8, OpenSSL's own": run(t, openssl, plain, "pkcs8", "-topk8", "-passout", "pass:"+keyPassword),
		"with text around it":    "Bag Attributes\n" + plain + string(pemOf("CERTIFICATE", []byte("x"))),
	} {
		fill(t, tab, key, keyPassword, filePassword, filePassword)
		_, _, _, err := pkcs12.DecodeChain(files.Next(t, tab).Data, filePassword)
		require.NoError(t, err, shows)
	}
}
