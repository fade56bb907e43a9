package ca_test

import (
	"crypto/x509"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

var (
	_ preparer = (*ca.Authority)(nil)
	_ signer   = (*ca.Authority)(nil)
)

// successor is a second issuing CA under the same root, begun later, with a key of its own.
func successor(t *testing.T) *ca.CA {
	t.Helper()
	parts := catest.Successor(t, policy.Guide)
	return newCA(t, policy.Guide, func(c *ca.Config) {
		c.Signer, c.Certificate, c.Chain = parts.Key, parts.Issuing, []*x509.Certificate{parts.Root}
	})
}

func TestAnAuthorityIssuesFromTheNewestAndFinishesWhatTheOldBegan(t *testing.T) {
	t.Parallel()
	ctx, before, after := t.Context(), newCA(t, policy.Guide), successor(t)
	reserved, err := before.Prepare(ctx, catest.Request(t)) // before the rollover
	require.NoError(t, err)

	a, err := ca.NewAuthority(before, after)
	require.NoError(t, err)
	require.Equal(t, after.ID(), a.Active().ID())
	require.Equal(t, []*ca.CA{after, before}, a.All())

	der, err := a.Sign(ctx, reserved)
	require.NoError(t, err)
	require.Equal(t, before.Describe().DER, signedBy(t, der, before, after).DER)

	fresh, err := a.Prepare(ctx, catest.Request(t))
	require.NoError(t, err)
	require.Equal(t, after.ID(), fresh.Issuer)
	der, err = a.Sign(ctx, fresh)
	require.NoError(t, err)
	require.Equal(t, after.Describe().DER, signedBy(t, der, before, after).DER)

	for _, c := range a.All() {
		found, ok := a.CA(c.ID())
		require.True(t, ok)
		list, err := found.CRL(ctx, order.CRLDraft{Number: 1, At: noon()})
		require.NoError(t, err, "the old one still signs its CRL")
		require.Equal(t, c.ID(), list.Issuer)
	}
}

func TestAnotherWorkerMayHoldTheKey(t *testing.T) {
	t.Parallel()
	ctx, before, after := t.Context(), newCA(t, policy.Guide), successor(t)
	reserved, err := after.Prepare(ctx, catest.Request(t))
	require.NoError(t, err)
	notYetRolledOver, err := ca.NewAuthority(before)
	require.NoError(t, err)
	_, err = notYetRolledOver.Sign(ctx, reserved)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Unavailable, Code: "ca.not-here"})
	require.False(t, fault.Permanent(err), "so that it is tried again elsewhere")
	_, ok := notYetRolledOver.CA(after.ID())
	require.False(t, ok)
}

func TestASealHoldsForOneIssuingCAOnly(t *testing.T) {
	t.Parallel()
	ctx, before, after := t.Context(), newCA(t, policy.Guide), successor(t)
	a, err := ca.NewAuthority(before, after)
	require.NoError(t, err)
	reserved, err := before.Prepare(ctx, catest.Request(t))
	require.NoError(t, err)
	reserved.Issuer = after.ID() // someone with the database sends it to the other key
	_, err = a.Sign(ctx, reserved)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "tbs.seal"})
}

func TestAnAuthorityNeedsDistinctIssuingCAs(t *testing.T) {
	t.Parallel()
	_, err := ca.NewAuthority()
	require.Error(t, err)
	c := newCA(t, policy.Guide)
	_, err = ca.NewAuthority(c, c)
	require.ErrorContains(t, err, "twice")
}

// signedBy returns the one whose certificate verifies der.
func signedBy(t *testing.T, der []byte, all ...*ca.CA) order.IssuingCA {
	t.Helper()
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	for _, c := range all {
		issuer, err := x509.ParseCertificate(c.Describe().DER)
		require.NoError(t, err)
		if cert.CheckSignatureFrom(issuer) == nil {
			return c.Describe()
		}
	}
	require.Fail(t, "signed by neither")
	return order.IssuingCA{}
}
