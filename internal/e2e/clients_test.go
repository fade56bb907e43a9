package e2e_test

import (
	"crypto/rsa"
	"crypto/sha1" // gpgsm names its trust anchors by it
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/need"
)

// tool runs a program in a directory of its own and returns all that it says, whether it succeeds or not.
func (w *world) tool(dir string, env []string, name string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%s\n%v\n", out, err)
}

// succeeds is tool for what must succeed.
func (w *world) succeeds(dir string, env []string, name string, args ...string) {
	w.t.Helper()
	out := w.tool(dir, env, name, args...)
	require.Truef(w.t, strings.HasSuffix(out, "\n<nil>\n"), "%s %v: %s", name, args, out)
}

func place(w *world, dir, name string, block *pem.Block) {
	w.t.Helper()
	require.NoError(w.t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
}

// nss returns a look at the certificate with NSS, after taking the present list.
func (w *world) nss(leaf, issuing, root *x509.Certificate) func() string {
	w.t.Helper()
	certutil, crlutil := need.Program(w.t, "certutil", "libnss3-tools"), need.Program(w.t, "crlutil", "libnss3-tools")
	dir := w.t.TempDir()
	w.succeeds(dir, nil, certutil, "-N", "-d", "sql:.", "--empty-password")
	for name, each := range map[string]struct {
		cert  *x509.Certificate
		trust string
	}{"root": {root, ",C,"}, "issuing": {issuing, ",,"}, "leaf": {leaf, ",,"}} {
		place(w, dir, name+".pem", &pem.Block{Type: "CERTIFICATE", Bytes: each.cert.Raw})
		w.succeeds(dir, nil, certutil, "-A", "-d", "sql:.", "-n", name, "-t", each.trust, "-a", "-i", name+".pem")
	}
	return func() string {
		der, _ := w.list(leaf)
		require.NoError(w.t, os.WriteFile(filepath.Join(dir, "now.crl"), der, 0o600))
		w.succeeds(dir, nil, crlutil, "-I", "-d", "sql:.", "-i", "now.crl")
		return w.tool(dir, nil, certutil, "-V", "-d", "sql:.", "-n", "leaf", "-u", "S")
	}
}

// rootLists is an HTTP proxy that has the root's list, which no server of the test serves, and fetches everything else.
func (w *world) rootLists(url string) string {
	w.t.Helper()
	list, err := os.ReadFile(filepath.Join(programs.ca, "root.crl"))
	require.NoError(w.t, err)
	proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Replace(r.URL.String(), ":80/", "/", 1) == url {
			_, _ = rw.Write(list)
			return
		}
		status, body, err := w.fetch(r.Context(), http.DefaultClient, r.URL.String(), nil)
		if err != nil {
			status = http.StatusBadGateway
		}
		rw.WriteHeader(status)
		_, _ = rw.Write(body)
	}))
	w.t.Cleanup(proxy.Close)
	return proxy.URL
}

// gpgsm returns a look at the certificate with gpgsm and its dirmngr, which fetches the lists from where the certificates say.
func (w *world) gpgsm(key *rsa.PrivateKey, leaf, issuing, root *x509.Certificate) func() string {
	w.t.Helper()
	gpgsm, gpgconf := need.Program(w.t, "gpgsm", "gpgsm"), need.Program(w.t, "gpgconf", "gpgconf")
	need.Program(w.t, "dirmngr", "dirmngr")
	home, err := os.MkdirTemp("", "smid-gpg-") // short: sockets lie in it
	require.NoError(w.t, err)
	env := []string{"GNUPGHOME=" + home, "LC_ALL=C"}
	w.t.Cleanup(func() {
		_ = exec.Command(gpgconf, "--homedir", home, "--kill", "all").Run() // after the test's context
		_ = os.RemoveAll(home)
	})
	sum := sha1.Sum(root.Raw)
	require.NoError(w.t, os.WriteFile(filepath.Join(home, "trustlist.txt"), fmt.Appendf(nil, "%X S relax\n", sum), 0o600))
	proxy := "http-proxy " + w.rootLists(issuing.CRLDistributionPoints[0]) + "\n"
	require.NoError(w.t, os.WriteFile(filepath.Join(home, "dirmngr.conf"), []byte(proxy), 0o600))
	for name, cert := range map[string]*x509.Certificate{"root.pem": root, "issuing.pem": issuing, "leaf.pem": leaf} {
		place(w, home, name, &pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
		w.succeeds(home, env, gpgsm, "--batch", "--disable-crl-checks", "--import", name)
	}
	place(w, home, "key.pem", &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	require.NoError(w.t, os.WriteFile(filepath.Join(home, "mail.txt"), []byte(letterToSign), 0o600))
	w.succeeds(home, env, need.Program(w.t, "openssl", "openssl"), "cms", "-sign", "-binary", "-in", "mail.txt", "-signer", "leaf.pem", "-inkey", "key.pem",
		"-outform", "DER", "-out", "mail.p7s")
	return func() string {
		w.tool(home, env, gpgconf, "--kill", "dirmngr")
		require.NoError(w.t, os.RemoveAll(filepath.Join(home, "crls.d"))) // what it has fetched before
		return w.tool(home, env, gpgsm, "--batch", "--verify", "mail.p7s", "mail.txt")
	}
}
