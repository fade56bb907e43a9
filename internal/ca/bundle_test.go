package ca_test

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"io"
	"testing"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/policy"
)

func TestEveryBundleHoldsTheWholeChainInOrder(t *testing.T) {
	t.Parallel()
	c := newCA(t, policy.Guide)
	leaf, issuer := issue(t, c, catest.Request(t)), c.Describe()
	want := [][]byte{leaf.Raw, issuer.DER, issuer.Chain[0]}

	p7b, err := ca.PKCS7(leaf.Raw, issuer)
	require.NoError(t, err)
	parsed, err := pkcs7.Parse(p7b)
	require.NoError(t, err)
	var got [][]byte
	for _, cert := range parsed.Certificates {
		got = append(got, cert.Raw)
	}
	require.Equal(t, want, got, "PKCS #7")

	require.Equal(t, want, blocks(t, ca.PEM(leaf.Raw, issuer)), "PEM")

	archive, err := ca.ZIP(leaf.Raw, issuer)
	require.NoError(t, err)
	again, err := ca.ZIP(leaf.Raw, issuer)
	require.NoError(t, err)
	require.Equal(t, archive, again, "the same certificates give the same archive")
	names, contents := unzip(t, archive)
	require.Equal(t, []string{"1-certificate.crt", "2-issuing-ca.crt", "3-root-ca.crt"}, names)
	require.Equal(t, want, contents, "ZIP")
}

func TestZIPRefusesWhatIsNoCertificate(t *testing.T) {
	t.Parallel()
	_, err := ca.ZIP([]byte("nothing"), newCA(t, policy.Guide).Describe())
	require.ErrorContains(t, err, "build archive")
}

func unzip(t *testing.T, archive []byte) (names []string, ders [][]byte) {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	require.NoError(t, err)
	for _, f := range r.File {
		names = append(names, f.Name)
		in, err := f.Open()
		require.NoError(t, err)
		data, err := io.ReadAll(in)
		require.NoError(t, err)
		ders = append(ders, blocks(t, data)...)
	}
	return names, ders
}

func blocks(t *testing.T, data []byte) (ders [][]byte) {
	t.Helper()
	for len(data) > 0 {
		p, rest := pem.Decode(data)
		require.NotNil(t, p)
		require.Equal(t, "CERTIFICATE", p.Type)
		ders, data = append(ders, p.Bytes), rest
	}
	return ders
}
