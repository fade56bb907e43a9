package store_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// ofAnother makes the certificate one of another organisation.
func (r *record) ofAnother(c order.Certificate) {
	r.t.Helper()
	r.exec(`UPDATE orders SET subject = jsonb_set(subject, '{organization}', '"Another K.K."') WHERE number = $1`, c.Order)
}

// Anybody may have somebody else's CSR, and a certificate of their own with the key in it.
func TestAClaimAboutAKeyReachesTheClaimantsCertificatesOnly(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		request func(*record, order.Certificate) order.RevocationRequest
		far     bool // it reaches the other organisation's certificate, too
	}{
		{"by a mailed link: the word of whoever reads that mail", func(r *record, c order.Certificate) order.RevocationRequest {
			return r.byMail(c, r.offered(c))
		}, false},
		{"with a reissue: the word of whoever asked for it", func(r *record, c order.Certificate) order.RevocationRequest {
			req := r.revocationOf(c, order.ReasonKeyCompromise)
			req.Reissue = true
			return req
		}, false},
		{"by a signature with the key", func(r *record, c order.Certificate) order.RevocationRequest {
			req := r.revocationOf(c, order.ReasonKeyCompromise)
			req.Origin, req.Actor = order.RevocationByProof, applicant
			return req
		}, true},
		{"by staff, who have found out", func(r *record, c order.Certificate) order.RevocationRequest {
			return r.revocationOf(c, order.ReasonKeyCompromise)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRecord(t)
			issuer, seed := r.issuer().ID, sha256.Sum256([]byte("shared"))
			claimed, mine, victim := r.issuedBy(issuer, seed), r.issuedBy(issuer, seed), r.issuedBy(issuer, seed)
			r.ofAnother(victim)
			req := tt.request(r, claimed)
			req.Reason, req.DueAt = order.ReasonKeyCompromise, req.At.Add(24*time.Hour)
			got, err := r.RequestRevocation(r.ctx(), req)
			require.NoError(t, err)
			blocked, err := r.KeyBlocked(r.ctx(), [32]byte(keyOf(t, claimed)))
			require.NoError(t, err)
			require.Equal(t, tt.far, blocked)
			for _, c := range []order.Certificate{claimed, mine} {
				require.Equal(t, order.ReasonKeyCompromise, r.certificate(c).Reason)
			}
			if tt.far {
				require.NotZero(t, r.certificate(victim).RevokedAt)
				return
			}
			require.Zero(t, r.certificate(victim).RevokedAt)
			require.Equal(t, []string{min(claimed.Order, mine.Order), max(claimed.Order, mine.Order)}, got.Orders())
			open, err := r.UnfinishedRevocations(r.ctx(), req.DueAt)
			require.NoError(t, err)
			var reports []order.Revocation
			for _, each := range open {
				if each.Undecided() {
					reports = append(reports, each)
				}
			}
			require.Len(t, reports, 1, "staff look at the other one")
			require.Equal(t, victim.Serial, reports[0].Reported().Serial)
			require.Equal(t, req.DueAt, reports[0].DueAt)
			require.Contains(t, reports[0].Note, claimed.Order)
			r.unchanged(func() {
				again, err := r.RequestRevocation(r.ctx(), req)
				require.NoError(t, err)
				require.Equal(t, got.ID, again.ID)
			})
		})
	}
}
