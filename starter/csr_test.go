package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/csr"
)

func TestCSRMakesKeyAndRequest(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), t.TempDir()
	keyFile, requestFile := filepath.Join(dir, "key.pem"), filepath.Join(dir, "request.csr")
	args := []string{"csr", "--email", "info@example.jp", "--organization", "Sample Trading K.K.", "--city", "Chiyoda-ku", "--out-key", keyFile, "--out-csr", requestFile}
	r := c.run("", args...)
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.err, "give the private key to nobody")

	info, err := os.Stat(keyFile)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	block, rest := pem.Decode(text)
	require.Empty(t, rest)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)

	request, err := os.ReadFile(requestFile)
	require.NoError(t, err)
	parsed, err := csr.Parse(string(request), nil)
	require.NoError(t, err)
	require.Equal(t, 2048, parsed.Bits)
	require.Equal(t, []string{"info@example.jp"}, parsed.Emails)
	require.Equal(t, "Sample Trading K.K.", parsed.Subject.Organization)
	spki, err := x509.MarshalPKIXPublicKey(key.(*rsa.PrivateKey).Public())
	require.NoError(t, err)
	require.Equal(t, spki, parsed.PublicKey, "the request is for the key that was written")

	again := c.run("", args...)
	require.Equal(t, exitRefused, again.code, "files are never overwritten")
	require.Contains(t, again.err, "file.exists")
	after, err := os.ReadFile(keyFile)
	require.NoError(t, err)
	require.Equal(t, text, after)
}

// A key without its request is of no use and would be in the way of the next try.
func TestCSRLeavesBothFilesOrNone(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), t.TempDir()
	keyFile, requestFile := filepath.Join(dir, "key.pem"), filepath.Join(dir, "request.csr")
	require.NoError(t, os.WriteFile(requestFile, []byte("mine"), 0o600))
	r := c.run("", "csr", "--email", "info@example.jp", "--out-key", keyFile, "--out-csr", requestFile)
	require.Equal(t, exitRefused, r.code)
	require.NoFileExists(t, keyFile)
}

func TestCSRRefuses(t *testing.T) {
	t.Parallel()
	c, dir := newCounter(t), t.TempDir()
	for why, args := range map[string][]string{
		"no address":              {"csr"},
		"an address that is none": {"csr", "--email", "info"},
		"one file for both":       {"csr", "--email", "info@example.jp", "--out-key", filepath.Join(dir, "x"), "--out-csr", filepath.Join(dir, "x")},
	} {
		require.Equal(t, exitInput, c.run("", args...).code, why)
	}
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}
