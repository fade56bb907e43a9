package ca_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/smallstep/pkcs7"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// signedWish signs a text as a mail program would, with the certificate inside.
func signedWish(t testing.TB, text string, cert *x509.Certificate, key *rsa.PrivateKey) []byte {
	t.Helper()
	s, err := pkcs7.NewSignedData([]byte(text))
	require.NoError(t, err)
	s.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	require.NoError(t, s.AddSigner(cert, key, pkcs7.SignerInfoConfig{}))
	der, err := s.Finish()
	require.NoError(t, err)
	return der
}

func TestAProofIsASignatureByTheCertificatesKey(t *testing.T) {
	t.Parallel()
	c := newCA(t, policy.Guide, func(cfg *ca.Config) { cfg.Clock = time.Now })
	leaf := issue(t, c, catest.Request(t))
	wish := order.RevocationWish{Issuer: c.ID(), Serial: leaf.SerialNumber.Text(16), Reason: order.ReasonKeyCompromise}
	key, _ := catest.Key(t)
	der := signedWish(t, wish.Text(), leaf, key)
	for _, data := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: der})} {
		proof, err := ca.ReadProof(data)
		require.NoError(t, err)
		require.Equal(t, wish, proof.Wish)
		require.NoError(t, proof.Verify(leaf.Raw))
	}

	thief, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	lookalike, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: leaf.SerialNumber, NotBefore: leaf.NotBefore, NotAfter: leaf.NotAfter},
		catest.Material(t, policy.Guide).Issuing, thief.Public(), catest.Material(t, policy.Guide).Key)
	require.NoError(t, err)
	same, err := x509.ParseCertificate(lookalike)
	require.NoError(t, err)
	proof, err := ca.ReadProof(signedWish(t, wish.Text(), same, thief))
	require.NoError(t, err)
	require.Equal(t, fault.Forbidden, fault.KindOf(proof.Verify(leaf.Raw)), "a certificate of the same issuer and number, by another key")
}

func FuzzProof(f *testing.F) {
	c, err := ca.New(catest.Config(f, policy.Guide))
	require.NoError(f, err)
	tbs, err := c.Prepare(f.Context(), catest.Request(f))
	require.NoError(f, err)
	der, err := c.Sign(f.Context(), tbs)
	require.NoError(f, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(f, err)
	key, _ := catest.Key(f)
	wish := order.RevocationWish{Issuer: c.ID(), Serial: tbs.Serial, Reason: order.ReasonSuperseded}
	f.Add(signedWish(f, wish.Text(), leaf, key))
	f.Add(signedWish(f, "please", leaf, key))
	f.Add([]byte("-----BEGIN CMS-----\n-----END CMS-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		proof, err := ca.ReadProof(data)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		if proof.Verify(der) == nil {
			require.Equal(t, wish, proof.Wish, "only what the key's holder has signed passes")
		}
	})
}
