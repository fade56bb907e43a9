package activities_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// signers is a record of OCSP signers in memory.
type signers map[string]order.ResponderCertificate

func (s signers) CertifyResponder(_ context.Context, issuer string, key []byte, _ time.Time,
	certify func() (order.ResponderCertificate, error),
) (order.ResponderCertificate, error) {
	id := issuer + string(key)
	if rc, ok := s[id]; ok {
		return rc, nil
	}
	rc, err := certify()
	if err == nil {
		s[id] = rc
	}
	return rc, err
}

// certifier counts what it certifies.
type certifier struct {
	id   string
	made int
}

func (c *certifier) ID() string { return c.id }

func (c *certifier) CertifyResponder(_ context.Context, _ []byte, now time.Time) (order.ResponderCertificate, error) {
	c.made++
	return order.ResponderCertificate{Issuer: c.id, Serial: "5a", NotAfter: now.AddDate(0, 1, 0)}, nil
}

func TestAKeyIsCertifiedOnce(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	require.NoError(t, err)
	c := &certifier{id: "a"}
	r := activities.Responders{Records: signers{}, Issuing: []activities.ResponderCertifier{c}, Clock: time.Now}
	first, err := r.CertifyResponder(t.Context(), activities.CertifyInput{Issuer: "a", Request: request})
	require.NoError(t, err)
	again, err := r.CertifyResponder(t.Context(), activities.CertifyInput{Issuer: "a", Request: request})
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, 1, c.made)

	_, err = r.CertifyResponder(t.Context(), activities.CertifyInput{Issuer: "b", Request: request})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "another worker holds that key")
	_, err = r.CertifyResponder(t.Context(), activities.CertifyInput{Issuer: "a", Request: request[:100]})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}
