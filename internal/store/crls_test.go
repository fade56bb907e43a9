package store_test

import (
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// publish drafts the next list and publishes it.
func (r *record) publish(issuer string, at time.Time) order.CRLDraft {
	r.t.Helper()
	d, err := r.DraftCRL(r.ctx(), issuer, "", at)
	require.NoError(r.t, err)
	require.NoError(r.t, r.PublishCRL(r.ctx(), list(d)))
	return d
}

func list(d order.CRLDraft) order.CRL {
	return order.CRL{Issuer: d.Issuer, Shard: d.Shard, Number: d.Number, DER: random(20), ThisUpdate: d.At, NextUpdate: d.At.AddDate(0, 0, 7)}
}

func serials(d order.CRLDraft) (out []string) {
	for _, c := range d.Revoked {
		out = append(out, c.Serial)
	}
	return out
}

// While revocations come in and several publishers work at once, every list says at least what the one before it said, and nothing is
// missing from the last.
func TestNoRevocationIsLostBetweenPublishers(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer := r.issuer().ID
	var certs []order.Certificate
	for i := range 12 {
		certs = append(certs, r.issuedBy(issuer, sha256.Sum256([]byte{byte(i)})))
	}
	var mu sync.Mutex
	drafts := map[int64][]string{}
	draft := func() error {
		d, err := r.DraftCRL(r.ctx(), issuer, "", r.tick())
		if err != nil {
			return err
		}
		mu.Lock()
		drafts[d.Number] = serials(d)
		mu.Unlock()
		if err := r.PublishCRL(r.ctx(), list(d)); fault.KindOf(err) != fault.Conflict {
			return err
		}
		return nil // another publisher was quicker, with a later list
	}
	var jobs []func() error
	for _, c := range certs {
		req := r.revocationOf(c, order.ReasonSuperseded)
		jobs = append(jobs, draft, func() error {
			_, err := r.RequestRevocation(r.ctx(), req)
			return err
		})
	}
	for _, err := range race(jobs, func(do func() error) error { return do() }) {
		require.NoError(t, err)
	}
	require.NoError(t, draft())
	last, before := int64(len(certs)+1), []string{}
	for n := int64(1); n <= last; n++ {
		for _, serial := range before {
			require.Contains(t, drafts[n], serial, "list %d says less than the one before", n)
		}
		before = drafts[n]
	}
	require.Len(t, before, len(certs))
	current, err := r.CRL(r.ctx(), issuer)
	require.NoError(t, err)
	require.Equal(t, last, current.Number)
	require.Zero(t, one[int](r, `SELECT count(*) FROM revocations WHERE published_at IS NULL`), "their clocks have stopped")
}

func TestAnExpiredCertificateIsOnOneListAfterItsEnd(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	r.revoked(c, order.ReasonSuperseded)
	end := c.NotAfter
	require.Contains(t, serials(r.publish(c.Issuer, end.Add(-time.Hour))), c.Serial)
	require.Contains(t, serials(r.publish(c.Issuer, end)), c.Serial, "the end counts as valid")
	unpublished, err := r.DraftCRL(r.ctx(), c.Issuer, "", end.Add(time.Hour))
	require.NoError(t, err)
	require.Contains(t, serials(unpublished), c.Serial)
	require.Contains(t, serials(r.publish(c.Issuer, end.Add(2*time.Hour))), c.Serial, "the one list beyond its end (RFC 5280 3.3)")
	require.NotContains(t, serials(r.publish(c.Issuer, end.Add(3*time.Hour))), c.Serial)
}

func TestAListIsNeverOlderThanWhatItSays(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.issued()
	rev := r.revoked(c, order.ReasonSuperseded) // by a machine whose clock is ahead
	d, err := r.DraftCRL(r.ctx(), c.Issuer, "", rev.DecidedAt.Add(-time.Minute))
	require.NoError(t, err)
	require.Equal(t, rev.DecidedAt, d.At)
}

func TestShardsAreListsOfTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	issuer := r.issuer().ID
	whole, part := r.issuedBy(issuer, sha256.Sum256([]byte("a"))), r.issuedBy(issuer, sha256.Sum256([]byte("b")))
	r.exec(`UPDATE certificates SET crl_shard = '1' WHERE serial = $1`, part.Serial)
	r.revoked(whole, order.ReasonSuperseded)
	waiting := r.revoked(part, order.ReasonSuperseded)
	require.Equal(t, []string{whole.Serial}, serials(r.publish(issuer, r.tick())))
	got, err := r.Revocation(r.ctx(), waiting.ID)
	require.NoError(t, err)
	require.Zero(t, got.PublishedAt, "it is on no list yet")
	d, err := r.DraftCRL(r.ctx(), issuer, "1", r.tick())
	require.NoError(t, err)
	require.Equal(t, []string{part.Serial}, serials(d))
	require.NoError(t, r.PublishCRL(r.ctx(), list(d)))
	current, err := r.CRL(r.ctx(), issuer)
	require.NoError(t, err)
	require.Less(t, current.Number, d.Number, "the list of the whole is another")
	got, err = r.Revocation(r.ctx(), waiting.ID)
	require.NoError(t, err)
	require.NotZero(t, got.PublishedAt)
}

// What staff decide late, of an older issuing CA's certificate, while a list is being drafted: it is on that CA's next list and on no other.
func TestARevocationByAnOlderIssuingCAIsOnItsOwnList(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	older, newer := r.issuer().ID, r.issuer().ID
	seed := sha256.Sum256([]byte("moved along"))
	old, renewed := r.issuedBy(older, seed), r.issuedBy(newer, seed)
	draft, err := r.DraftCRL(r.ctx(), older, "", r.tick())
	require.NoError(t, err)
	rev := r.revoked(renewed, order.ReasonKeyCompromise)
	require.ElementsMatch(t, []string{older, newer}, rev.Issuers(), "the key is the same")
	require.NoError(t, r.PublishCRL(r.ctx(), list(draft)))
	r.publish(newer, r.tick())
	got, err := r.Revocation(r.ctx(), rev.ID)
	require.NoError(t, err)
	require.Zero(t, got.PublishedAt, "the older CA's list was drafted before: the clock runs on")
	require.Equal(t, []string{old.Serial}, serials(r.publish(older, r.tick())))
	got, err = r.Revocation(r.ctx(), rev.ID)
	require.NoError(t, err)
	require.NotZero(t, got.PublishedAt)
	for _, c := range []order.Certificate{old, renewed} {
		st, err := r.CertificateStatus(r.ctx(), c.Issuer, c.Serial)
		require.NoError(t, err)
		require.Equal(t, order.ReasonKeyCompromise, st.Reason, "as OCSP says it")
	}
}
