package ca_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

func TestCRLSaysWhatIsRevoked(t *testing.T) {
	t.Parallel()
	for _, p := range profiles() {
		t.Run(string(p), func(t *testing.T) {
			t.Parallel()
			c, parts := newCA(t, p), catest.Material(t, p)
			revoked := []order.RevokedCertificate{
				{Serial: "4a0b", RevokedAt: noon().Add(-time.Hour), Reason: 0},
				{Serial: "4a0c", RevokedAt: noon().Add(-time.Minute), Reason: 1},
			}
			got, err := c.CRL(t.Context(), order.CRLDraft{Number: 7, Revoked: revoked, At: noon().Add(300 * time.Millisecond)})
			require.NoError(t, err)
			require.Equal(t, c.ID(), got.Issuer)
			list, err := x509.ParseRevocationList(got.DER)
			require.NoError(t, err)
			require.NoError(t, list.CheckSignatureFrom(parts.Issuing))
			require.Equal(t, int64(7), list.Number.Int64())
			require.Equal(t, parts.Issuing.SubjectKeyId, list.AuthorityKeyId)
			require.Equal(t, noon(), list.ThisUpdate)
			require.Equal(t, got.NextUpdate, list.NextUpdate)
			require.LessOrEqual(t, list.NextUpdate.Sub(list.ThisUpdate), 10*24*time.Hour, "SBR 4.9.7")
			require.Len(t, list.RevokedCertificateEntries, 2)
			require.Empty(t, list.RevokedCertificateEntries[0].Extensions, "unspecified is left out (SBR 7.2.2)")
			require.Equal(t, 1, list.RevokedCertificateEntries[1].ReasonCode)
		})
	}
}

func TestAnEmptyCRLIsACRL(t *testing.T) {
	t.Parallel()
	got, err := newCA(t, policy.Guide).CRL(t.Context(), order.CRLDraft{Number: 1, At: noon()})
	require.NoError(t, err)
	list, err := x509.ParseRevocationList(got.DER)
	require.NoError(t, err)
	require.Empty(t, list.RevokedCertificateEntries)
}

func TestCRLRefuses(t *testing.T) {
	t.Parallel()
	entry := func(serial string, reason order.RevocationReason) []order.RevokedCertificate {
		return []order.RevokedCertificate{{Serial: serial, RevokedAt: noon(), Reason: reason}}
	}
	for name, row := range map[string]struct {
		profile policy.Profile
		number  int64
		revoked []order.RevokedCertificate
		kind    fault.Kind
		code    string
	}{
		"number zero":                       {policy.Guide, 0, nil, fault.Invalid, "crl.number"},
		"a serial that is no number":        {policy.Guide, 1, entry("xyz", 1), fault.Invalid, "crl.serial"},
		"serial zero":                       {policy.Guide, 1, entry("0", 1), fault.Invalid, "crl.serial"},
		"a reason that RFC 5280 leaves out": {policy.Guide, 1, entry("4a0b", 7), fault.Invalid, "crl.reason"},
		"removal from a delta CRL":          {policy.Guide, 1, entry("4a0b", 8), fault.Invalid, "crl.reason"},
		"hold under Strict":                 {policy.PublicTrust, 1, entry("4a0b", 6), fault.Invalid, "crl.reason"},
		"the same certificate twice":        {policy.Guide, 1, append(entry("4a0b", 1), entry("4a0b", 1)...), fault.Conflict, "lint"},
		"revoked in the future": {policy.Guide, 1, []order.RevokedCertificate{{Serial: "4a0b", RevokedAt: noon().Add(time.Hour)}},
			fault.Conflict, "lint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newCA(t, row.profile).CRL(t.Context(), order.CRLDraft{Number: row.number, Revoked: row.revoked, At: noon()})
			require.ErrorIs(t, err, &fault.Error{Kind: row.kind, Code: row.code})
		})
	}
	_, err := newCA(t, policy.Guide).CRL(t.Context(), order.CRLDraft{Number: 1, Revoked: entry("4a0b", 6), At: noon()})
	require.NoError(t, err, "hold is fine where Strict does not rule")
}

func TestAShardNamesItsPart(t *testing.T) {
	t.Parallel()
	whole, err := newCA(t, policy.Guide).CRL(t.Context(), order.CRLDraft{Number: 1, At: noon()})
	require.NoError(t, err)
	part, err := newCA(t, policy.Guide).CRL(t.Context(), order.CRLDraft{Number: 2, Shard: "3", At: noon()})
	require.NoError(t, err)
	require.Equal(t, "3", part.Shard)
	scope := func(c order.CRL) (found []pkix.Extension) {
		list, err := x509.ParseRevocationList(c.DER)
		require.NoError(t, err)
		for _, e := range list.Extensions {
			if e.Id.String() == "2.5.29.28" {
				found = append(found, e)
			}
		}
		return found
	}
	require.Empty(t, scope(whole), "the one list of everything is about everything")
	require.Len(t, scope(part), 1)
	require.True(t, scope(part)[0].Critical, "RFC 5280 5.2.5")
	require.Contains(t, string(scope(part)[0].Value), "http://ca.example.jp/issuing-3.crl")
	d := newDesk(t)
	d.put("part.crl", part.DER)
	text := d.openssl("crl", "-inform", "DER", "-in", "part.crl", "-noout", "-text")
	require.Contains(t, text, "Issuing Distribution Point: critical")
	require.Contains(t, text, "Only User Certificates")
}
