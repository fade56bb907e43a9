package main

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/audit"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/ceremony"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), t.TempDir()
	number := c.issued()
	require.Equal(t, filepath.Join(dir, number+".p7b")+"\n", c.ok("download", number, "--out", dir))
	bundle, err := os.ReadFile(filepath.Join(dir, number+".p7b"))
	require.NoError(t, err)
	parsed, err := pkcs7.Parse(bundle)
	require.NoError(t, err)
	require.Len(t, parsed.Certificates, 3, "certificate, issuing CA and root")

	c.ok("download", number, "--type", "zip", "--out", dir)
	archive, err := zip.OpenReader(filepath.Join(dir, number+".zip"))
	require.NoError(t, err)
	require.Len(t, archive.File, 3)
	require.NoError(t, archive.Close())

	certs, err := ca.ParseCertificates([]byte(c.ok("download", number, "--type", "pem", "--out", "-")))
	require.NoError(t, err)
	require.Equal(t, parsed.Certificates[0].Raw, certs[0].Raw)

	r := c.run("", "download", number, "--out", dir)
	require.Equal(t, exitRefused, r.code, "nothing is overwritten unasked")
	c.ok("download", number, "--out", dir, "--force")
}

func TestDownloadRefuses(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	for _, row := range []struct {
		why  string
		args []string
		code int
		says string
	}{
		{"an order without a certificate", []string{number}, exitRefused, "certificate.none"},
		{"an order that does not exist", []string{"1000000000"}, exitRefused, "order.unknown"},
		{"a format that does not exist", []string{number, "--type", "exe"}, exitInput, "p7b, zip"},
	} {
		r := c.run("", append([]string{"download"}, row.args...)...)
		require.Equal(t, row.code, r.code, row.why)
		require.Contains(t, r.err, row.says, row.why)
	}
}

func TestCAInitMakesAnAuthorityThatTheRecordKnows(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), filepath.Join(t.TempDir(), "ca")
	c.env["SMID_PUBLIC_URL"] = "http://id.example.jp"
	spec := c.ok("ca", "init", "--example")
	r := c.run(spec, "ca", "init", "-f", "-", "--dir", dir)
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.err, "making two RSA key pairs", "plain progress without a terminal")
	require.NotContains(t, r.err, "\x1b")
	require.Contains(t, r.out, "Move root.key to a safe place offline")

	certs, err := ca.LoadCertificates(filepath.Join(dir, ceremony.IssuingCertificate))
	require.NoError(t, err)
	id := ca.IssuerID(certs[0])
	crl, err := c.Records.CRL(t.Context(), id)
	require.NoError(t, err)
	list, err := x509.ParseRevocationList(crl.DER)
	require.NoError(t, err)
	require.NoError(t, list.CheckSignatureFrom(certs[0]))

	require.Contains(t, c.ok("ca", "show"), id)
	var views []authorityView
	require.NoError(t, json.Unmarshal([]byte(c.ok("ca", "show", "--json")), &views))
	require.Len(t, views, 1)
	require.Equal(t, int64(1), views[0].CRL)
	require.True(t, views[0].InService)
	c.ok("ca", "show", "--check")
	c.now = c.now.Add(49 * time.Hour) // two lists have not come
	r = c.run("", "ca", "show", "--check")
	require.Equal(t, exitUnavailable, r.code, r.err)
	require.Contains(t, r.out, "has no successor and ends")
	c.now = c.now.AddDate(0, 0, 7)
	require.Contains(t, c.run("", "ca", "show", "--check").out, "overdue since")
	c.now = c.now.AddDate(0, 0, -7).Add(-49 * time.Hour)

	again := c.run(spec, "ca", "init", "-f", "-", "--dir", dir)
	require.Equal(t, exitRefused, again.code, "keys are never overwritten")

	same := c.run(spec, "ca", "rollover", "-f", "-", "--dir", dir)
	require.Equal(t, exitInput, same.code, "the next issuing CA has a name of its own: %s", same.err)
	revised := strings.Replace(spec, "Secure Mail CA (development)", "Secure Mail CA 2 (development)", 1)
	c.now = c.now.AddDate(1, 0, 0)
	r = c.run(revised, "ca", "rollover", "-f", "-", "--dir", dir)
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.err, "making an RSA key pair")
	views = nil
	require.NoError(t, json.Unmarshal([]byte(c.ok("ca", "show", "--json")), &views))
	require.Len(t, views, 2, "both are in the record, and both have a list")
	require.Contains(t, views[0].Subject, "CA 2", "the newest first")
	require.Equal(t, int64(1), views[0].CRL)
	require.Equal(t, int64(2), views[1].CRL, "the old one signs on")

	require.Contains(t, c.ok("ca", "log", "verify", "--dir", dir), "The log holds.")
	var report ceremony.Report
	require.NoError(t, json.Unmarshal([]byte(c.ok("ca", "log", "verify", "--dir", dir, "--json")), &report))
	require.Equal(t, 2, report.Ceremonies)
	require.Contains(t, c.ok("ca", "log", "verify", "--dir", dir), report.Head)
	other, err := os.ReadFile(filepath.Join(dir, ceremony.RootCertificate))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "issuing-2.crt"), other, 0o600))
	r = c.run("", "ca", "log", "verify", "--dir", dir)
	require.Equal(t, exitRefused, r.code)
	require.Contains(t, r.err, "issuing-2.crt")
	require.Equal(t, exitInput, c.run("", "ca", "log", "verify").code)
}

func TestCAInitOfflineLeavesTheRecordAlone(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), filepath.Join(t.TempDir(), "ca")
	r := c.run(c.ok("ca", "init", "--example"), "ca", "init", "-f", "-", "--dir", dir, "--offline")
	require.Equal(t, exitDone, r.code, r.err)
	require.FileExists(t, filepath.Join(dir, ceremony.LogFile))
	require.Contains(t, c.run("", "ca", "show").err, "starter ca init")
}

func TestCAInitRefusesBeforeAnyKeyIsMade(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), filepath.Join(t.TempDir(), "ca")
	spec := c.ok("ca", "init", "--example")
	for _, row := range []struct {
		why, spec string
		args      []string
	}{
		{"no directory", spec, []string{"-f", "-"}},
		{"no file", spec, []string{"--dir", dir}},
		{"an unknown setting", spec + "colour: blue\n", []string{"-f", "-", "--dir", dir}},
		{"another profile than the worker's", strings.NewReplacer("profile: guide", "profile: public-trust", "policy_oid: 2.999.1.1", "policy_oid: 2.23.140.1.5.2.3").Replace(spec), []string{"-f", "-", "--dir", dir}},
	} {
		r := c.run(row.spec, append([]string{"ca", "init"}, row.args...)...)
		require.Equal(t, exitInput, r.code, "%s: %s", row.why, r.err)
		require.NoDirExists(t, dir, row.why)
	}
}

func TestAuditVerify(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	require.Contains(t, c.ok("audit", "verify"), "lines: 0")
	c.ok("phone", "confirm", c.accepted())
	var first, second struct {
		Lines  int
		Digest string
	}
	require.NoError(t, json.Unmarshal([]byte(c.ok("audit", "verify", "--json")), &first))
	require.NoError(t, json.Unmarshal([]byte(c.ok("audit", "verify", "--json")), &second))
	require.Equal(t, 3, first.Lines, "vouchers issued, order accepted, step recorded")
	require.Equal(t, first, second, "looking changes nothing")
	require.Len(t, first.Digest, 64)
}

func TestBrokenAuditTrailIsARefusalThatSaysWhere(t *testing.T) {
	t.Parallel()
	err := tampered(fmt.Errorf("verify: %w", &audit.BrokenError{Chain: 3, Seq: 42, Reason: "its content is not what was written"}))
	require.Equal(t, exitRefused, exitCode(err))
	require.ErrorContains(t, err, "chain 3, line 42")
	require.ErrorIs(t, tampered(os.ErrClosed), os.ErrClosed, "any other failure stays what it is")
}

func TestVersionNamesProgramAndToolchain(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^starter \S+ go1\.\S+ \w+/\w+\n$`, newCounter(t).ok("version"))
}

func TestCompletionIsOffered(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	require.Contains(t, c.ok("__complete", "list", "--state", ""), "domain-validation")
	require.True(t, bytes.Contains([]byte(c.ok("completion", "bash")), []byte("starter")))
}
