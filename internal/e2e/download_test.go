package e2e_test

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
)

// letterToSign is what the two correspondents write.
const letterToSign = "Subject: test\r\n\r\n署名と暗号化の確認です。\r\n"

func TestTheDownloadedCertificateSignsAndEncryptsMail(t *testing.T) {
	t.Parallel()
	o := openssl{t: t, path: need.Program(t, "openssl", "openssl"), dir: t.TempDir()}
	w := common.enter(t)
	form := w.application(order.DCVTXT)
	key, csr := request(t, form.CertificateEmail)
	form.CSR = csr
	number := w.challenged(w.submit(form))
	certificate := w.complete(number)
	page := linkIn(t, w.mail(form.CertificateEmail, "発行のお知らせ"), "/download/")
	status, body := w.get(page)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(body), form.CertificateEmail)

	chain := w.download(page, "pem")
	ders := certificatesIn(t, chain)
	require.Len(t, ders, 3, "the certificate, the issuing CA and the root")
	require.Equal(t, certificate.DER, ders[0])
	require.Equal(t, ders, unzipped(t, w.download(page, "zip")))
	o.write("bundle.p7b", w.download(page, "p7b"))
	o.run("pkcs7", "-inform", "DER", "-in", "bundle.p7b", "-print_certs", "-out", "p7b.pem")
	require.ElementsMatch(t, ders, certificatesIn(t, o.read("p7b.pem")))

	o.writeChain(ders)
	o.write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
	o.write("mail.txt", []byte(letterToSign))
	o.run("verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", "root.pem", "-untrusted", "issuing.pem", "leaf.pem")
	o.run("cms", "-sign", "-in", "mail.txt", "-text", "-signer", "leaf.pem", "-certfile", "issuing.pem", "-inkey", "key.pem", "-out", "signed.eml")
	o.run("cms", "-verify", "-in", "signed.eml", "-CAfile", "root.pem", "-purpose", "smimesign", "-text", "-out", "verified.txt")
	require.Equal(t, letterToSign, string(o.read("verified.txt")))
	o.write("tampered.eml", bytes.Replace(o.read("signed.eml"), []byte("Subject: test"), []byte("Subject: lies"), 1))
	require.ErrorContains(t, o.try("cms", "-verify", "-in", "tampered.eml", "-CAfile", "root.pem", "-out", "tampered.txt"), "verification failure")
	o.run("cms", "-encrypt", "-aes256", "-in", "mail.txt", "-out", "encrypted.eml", "leaf.pem")
	require.NotContains(t, string(o.read("encrypted.eml")), "Subject: test")
	o.run("cms", "-decrypt", "-in", "encrypted.eml", "-recip", "leaf.pem", "-inkey", "key.pem", "-out", "decrypted.txt")
	require.Equal(t, letterToSign, string(o.read("decrypted.txt")))
}

func TestTheDownloadLinkOpensNothingElse(t *testing.T) {
	t.Parallel()
	w := common.enter(t)
	number := w.order(order.DCVTXT)
	w.complete(number)
	page := linkIn(t, w.mail(w.status(number).CertificateEmail, "発行のお知らせ"), "/download/")
	token := filepath.Base(page)
	for address, want := range map[string]int{
		w.PortalURL + "/approve/" + token:        http.StatusNotFound,
		page[:len(page)-1]:                       http.StatusNotFound,
		page + "/file?type=key":                  http.StatusBadRequest,
		w.PortalURL + "/download/" + number:      http.StatusNotFound,
		w.PortalURL + "/download/../" + "api/v1": http.StatusNotFound,
	} {
		status, _ := w.get(address)
		require.Equal(t, want, status, address)
	}
}

// download fetches the certificate as a type of file (G22).
func (w *world) download(page, kind string) []byte {
	w.t.Helper()
	status, body := w.get(page + "/file?type=" + kind)
	require.Equal(w.t, http.StatusOK, status)
	return body
}

// certificatesIn returns the certificates of a PEM file.
func certificatesIn(t *testing.T, text []byte) (ders [][]byte) {
	t.Helper()
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		require.Equal(t, "CERTIFICATE", block.Type)
		ders = append(ders, block.Bytes)
	}
	return ders
}

// unzipped returns the certificates of an archive, one a file.
func unzipped(t *testing.T, archive []byte) (ders [][]byte) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	for _, f := range z.File {
		require.Equal(t, ".crt", filepath.Ext(f.Name))
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		ders = append(ders, certificatesIn(t, content)...)
	}
	return ders
}

// openssl runs the program in a directory of its own.
type openssl struct {
	t         *testing.T
	path, dir string
}

func (o openssl) try(args ...string) error {
	cmd := exec.CommandContext(o.t.Context(), o.path, args...)
	cmd.Dir = o.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("openssl %v: %w: %s", args, err, out)
	}
	return nil
}

func (o openssl) run(args ...string) {
	o.t.Helper()
	require.NoError(o.t, o.try(args...))
}

// output is what the program says, whatever it thinks of it.
func (o openssl) output(args ...string) string {
	cmd := exec.CommandContext(o.t.Context(), o.path, args...)
	cmd.Dir = o.dir
	out, _ := cmd.CombinedOutput()
	return string(out)
}

func (o openssl) write(name string, content []byte) {
	o.t.Helper()
	require.NoError(o.t, os.WriteFile(filepath.Join(o.dir, name), content, 0o600))
}

func (o openssl) read(name string) []byte {
	o.t.Helper()
	b, err := os.ReadFile(filepath.Join(o.dir, name))
	require.NoError(o.t, err)
	return b
}

func (o openssl) writeChain(ders [][]byte) {
	o.t.Helper()
	for i, name := range []string{"leaf.pem", "issuing.pem", "root.pem"} {
		o.write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ders[i]}))
	}
}
