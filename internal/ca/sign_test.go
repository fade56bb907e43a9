package ca_test

import (
	"crypto"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

func TestARepeatedSignatureIsTheSameCertificate(t *testing.T) {
	t.Parallel()
	tbs, err := newCA(t, policy.Guide).Prepare(t.Context(), catest.Request(t))
	require.NoError(t, err)
	first, err := newCA(t, policy.Guide).Sign(t.Context(), tbs)
	require.NoError(t, err, "another worker with the same key knows the seal")
	again, err := newCA(t, policy.Guide, catest.At(noon().AddDate(0, 0, 1))).Sign(t.Context(), tbs)
	require.NoError(t, err)
	require.Equal(t, first, again)
}

func TestSignRefusesEverySingleChangedByteWithoutTouchingTheKey(t *testing.T) {
	t.Parallel()
	k := &key{Signer: catest.Material(t, policy.Guide).Key}
	c := newCA(t, policy.Guide, func(cfg *ca.Config) { cfg.Signer = k })
	tbs, err := c.Prepare(t.Context(), catest.Request(t))
	require.NoError(t, err)
	before := k.uses.Load()
	for i := range tbs.DER {
		tbs.DER[i] ^= 1
		_, err := c.Sign(t.Context(), tbs)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "tbs.seal"}, "byte %d", i)
		tbs.DER[i] ^= 1
	}
	require.Equal(t, before, k.uses.Load())
	_, err = c.Sign(t.Context(), tbs)
	require.NoError(t, err, "unchanged, it is signed")
}

func TestSignRefusesARecordThatWasChangedAroundTheBytes(t *testing.T) {
	t.Parallel()
	other := newCA(t, policy.PublicTrust)
	for name, row := range map[string]struct {
		change func(*order.ToBeSigned)
		code   string
	}{
		"another order":             {func(b *order.ToBeSigned) { b.Order = "1234567891" }, "tbs.seal"},
		"another sequence":          {func(b *order.ToBeSigned) { b.Sequence++ }, "tbs.seal"},
		"another serial":            {func(b *order.ToBeSigned) { b.Serial = "1" + b.Serial[1:] }, "tbs.seal"},
		"another beginning":         {func(b *order.ToBeSigned) { b.NotBefore = b.NotBefore.Add(time.Second) }, "tbs.seal"},
		"another end":               {func(b *order.ToBeSigned) { b.NotAfter = b.NotAfter.Add(-time.Second) }, "tbs.seal"},
		"no seal: never linted":     {func(b *order.ToBeSigned) { b.Seal = nil }, "tbs.seal"},
		"no bytes":                  {func(b *order.ToBeSigned) { b.DER = nil }, "tbs.seal"},
		"prepared by another CA":    {func(b *order.ToBeSigned) { b.Issuer = other.ID() }, "tbs.issuer"},
		"digits moved to the order": {func(b *order.ToBeSigned) { b.Order, b.Serial = b.Order+b.Serial[:1], b.Serial[1:] }, "tbs.seal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCA(t, policy.Guide)
			tbs, err := c.Prepare(t.Context(), catest.Request(t))
			require.NoError(t, err)
			row.change(&tbs)
			_, err = c.Sign(t.Context(), tbs)
			require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: row.code})
		})
	}
}

func TestTheSealOfOneCAIsWorthNothingToAnother(t *testing.T) {
	t.Parallel()
	tbs, err := newCA(t, policy.Guide).Prepare(t.Context(), catest.Request(t))
	require.NoError(t, err)
	other := newCA(t, policy.PublicTrust)
	tbs.Issuer = other.ID()
	_, err = other.Sign(t.Context(), tbs)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "tbs.seal"})
}

func TestAKeyThatMisbehavesGivesNoCertificate(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		sign func(k crypto.Signer, rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error)
		kind fault.Kind
		says string
	}{
		"it does not answer": {func(crypto.Signer, io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
			return nil, errors.New("token removed")
		}, fault.Unavailable, "signing key does not answer"},
		"it signs something else": {func(k crypto.Signer, r io.Reader, digest []byte, o crypto.SignerOpts) ([]byte, error) {
			digest[0] ^= 1
			return k.Sign(r, digest, o)
		}, fault.Internal, "verify signature"},
		"it signs by another scheme": {signPSS, fault.Internal, "verify signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &key{Signer: catest.Material(t, policy.Guide).Key}
			c := newCA(t, policy.Guide, func(cfg *ca.Config) { cfg.Signer = k })
			tbs, err := c.Prepare(t.Context(), catest.Request(t))
			require.NoError(t, err)
			k.sign = row.sign
			der, err := c.Sign(t.Context(), tbs)
			require.ErrorContains(t, err, row.says)
			require.Equal(t, row.kind, fault.KindOf(err))
			require.False(t, fault.Permanent(err), "it is worth another try")
			require.Nil(t, der)
			require.NotContains(t, err.Error(), "token removed")
		})
	}
}

func TestIssuingFromManyGoroutines(t *testing.T) {
	t.Parallel()
	c, base := newCA(t, policy.PublicTrust), catest.Request(t)
	const workers, each = 8, 4
	var mu sync.Mutex
	serials := map[string]bool{}
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				r := base
				r.Sequence = w*each + i + 1
				tbs, err := c.Prepare(t.Context(), r)
				if err == nil {
					_, err = c.Sign(t.Context(), tbs)
				}
				mu.Lock()
				if err != nil {
					t.Errorf("issue: %v", err)
				}
				serials[tbs.Serial] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(t, serials, workers*each, "no serial number twice")
}
