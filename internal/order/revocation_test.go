package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReasonsReadBack(t *testing.T) {
	t.Parallel()
	for _, w := range reasonWords {
		got, ok := ParseRevocationReason(w.reason.String())
		require.True(t, ok)
		require.Equal(t, w.reason, got)
		require.NotEmpty(t, w.reason.Text().JA)
		require.NotEmpty(t, w.reason.Text().EN)
	}
	rapid.Check(t, func(t *rapid.T) {
		r := RevocationReason(rapid.IntRange(-1, 12).Draw(t, "reason"))
		if r.String() == "" { // unused, an authority's, a hold or its end
			require.Contains(t, []RevocationReason{-1, 2, 6, 7, 8, 10, 11, 12}, r)
		}
	})
	require.NotContains(t, SubscriberReasons(), ReasonPrivilegeWithdrawn, "that is for the CA to find")
}

func TestRevocationRequestsAreChecked(t *testing.T) {
	t.Parallel()
	key := make([]byte, 32)
	good := RevocationRequest{Origin: RevocationByStaff, Actor: "staff/ops", Reason: ReasonPrivilegeWithdrawn, Issuer: "00", Serial: "4a"}
	require.Empty(t, good.Check())
	for why, row := range map[string]struct {
		change func(*RevocationRequest)
		path   string
	}{
		"an origin that is none":                   {func(r *RevocationRequest) { r.Origin = "letter" }, "origin"},
		"somebody who is not staff":                {func(r *RevocationRequest) { r.Actor = "applicant" }, "actor"},
		"a reason that is none":                    {func(r *RevocationRequest) { r.Reason = 7 }, "reason"},
		"hold":                                     {func(r *RevocationRequest) { r.Reason = 6 }, "reason"},
		"a subscriber withdraws no privilege":      {func(r *RevocationRequest) { r.Origin, r.Actor = RevocationByMail, "applicant" }, "reason"},
		"no certificate":                           {func(r *RevocationRequest) { r.Serial = "" }, "certificate"},
		"a certificate and a key":                  {func(r *RevocationRequest) { r.Key = key }, "certificate"},
		"a key that is not said to be compromised": {func(r *RevocationRequest) { r.Origin, r.Key, r.Issuer, r.Serial = RevocationByKey, key, "", "" }, "reason"},
		"a key that staff mean as a certificate":   {func(r *RevocationRequest) { r.Key, r.Issuer, r.Serial = key, "", "" }, "certificate"},
		"a subscriber's request that waits for staff": {func(r *RevocationRequest) {
			r.Origin, r.Reason, r.Undecided = RevocationByProof, ReasonSuperseded, true
		}, "undecided"},
		"a note that hides something": {func(r *RevocationRequest) { r.Note = "a\u202eb" }, "note"},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			r := good
			row.change(&r)
			found := r.Check()
			require.Len(t, found, 1)
			require.Equal(t, row.path, found[0].Path)
		})
	}
}

func TestDecisionsAreChecked(t *testing.T) {
	t.Parallel()
	yes := RevocationDecision{Actor: "staff/ops", Revoke: true, Reason: ReasonSuperseded}
	require.Empty(t, yes.Check())
	no := RevocationDecision{Actor: "staff/ops", Answer: "the report is about another CA"}
	require.Empty(t, no.Check())
	no.Answer = ""
	require.Equal(t, "answer", no.Check()[0].Path, "who is declined hears why")
	yes.Actor = "applicant"
	require.Equal(t, "actor", yes.Check()[0].Path)
}

func TestARevocationIsDoneWhenItIsPublishedAndTold(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := Revocation{Certificates: []RevocationOfOne{{Issuer: "a"}, {Issuer: "b"}, {Issuer: "a"}}}
	require.True(t, r.Undecided())
	require.Equal(t, []string{"a", "b"}, r.Issuers())
	r.DecidedAt, r.PublishedAt = now, now
	require.False(t, r.Done())
	r.NotifiedAt = now
	require.True(t, r.Done())
	require.True(t, Revocation{DecidedAt: now, Declined: true}.Done())
}
