package policy

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

var profiles = []Profile{Guide, PublicTrust}

func open(t *testing.T, p Profile) Book {
	t.Helper()
	b, ok := Open(p)
	require.True(t, ok)
	return b
}

// on is noon of a day, far from any question of time zones.
func on(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 12, 0, 0, 0, time.UTC) }

func TestOpenKnowsTwoProfiles(t *testing.T) {
	t.Parallel()
	for _, p := range []Profile{"", "legacy", "Guide"} {
		_, ok := Open(p)
		require.False(t, ok, "%q", p)
	}
}

// TestDatesAhead walks the dates of rules.md H, and C2's steps before them, with the clock on each side.
func TestDatesAhead(t *testing.T) {
	t.Parallel()
	b := open(t, PublicTrust)
	for name, row := range map[string]struct {
		turn          time.Time
		before, after any
		ask           func(Rules) any
	}{
		"4 remote perspectives (C2)":         {date(2026, 6, 15), 3, 4, func(r Rules) any { return r.RemotePerspectives }},
		"5 remote perspectives (C2)":         {date(2026, 12, 15), 4, 5, func(r Rules) any { return r.RemotePerspectives }},
		"e-mail DCV ends (A8)":               {date(2028, 3, 15), Discouraged, Forbidden, func(r Rules) any { return r.Methods[order.DCVEmail] }},
		"only emailProtection allowed (E)":   {date(2027, 7, 1), []string{emailProtection}, []string{emailProtection}, func(r Rules) any { return r.SubscriberEKUs }},
		"issuing CA of 3072 bits or more":    {date(2027, 9, 15), true, true, func(r Rules) any { return r.MinIssuingCABits >= 3072 }},
		"issuing CA of 4096 bits, new":       {date(2026, 9, 15), true, true, func(r Rules) any { return r.MinIssuingCABits >= 4096 }},
		"no phone DCV to end (A15)":          {date(2027, 3, 15), 4, 4, func(r Rules) any { return len(r.Methods) }},
		"e-mail leaves the form's choice":    {date(2028, 3, 15), true, false, offersEmail},
		"the version names the row (A2)":     {date(2026, 12, 15), "public-trust/2026-06-15", "public-trust/2026-12-15", func(r Rules) any { return r.Version }},
		"and the last one":                   {date(2028, 3, 15), "public-trust/2026-12-15", "public-trust/2028-03-15", func(r Rules) any { return r.Version }},
		"one perspective may disagree (C3)":  {date(2026, 12, 15), 1, 1, func(r Rules) any { return r.PerspectiveFailures }},
		"DNS methods stay allowed meanwhile": {date(2028, 3, 15), Allowed, Allowed, func(r Rules) any { return r.Methods[order.DCVTXT] }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.before, row.ask(b.At(row.turn.Add(-time.Second))))
			require.Equal(t, row.after, row.ask(b.At(row.turn)))
		})
	}
}

func offersEmail(r Rules) any {
	for _, m := range r.Limits().Methods {
		if m == order.DCVEmail {
			return true
		}
	}
	return false
}

// TestEveryTurnIsNamed holds that the version changes exactly when a rule does, so that evidence tells under which rules it was gathered.
func TestEveryTurnIsNamed(t *testing.T) {
	t.Parallel()
	b := open(t, PublicTrust)
	for i, turn := range turns[1:] {
		before, after := b.At(turn.Add(-time.Nanosecond)), b.At(turn)
		require.Equal(t, "public-trust/"+turns[i].Format(time.DateOnly), before.Version)
		require.Equal(t, "public-trust/"+turn.Format(time.DateOnly), after.Version)
		before.Version, after.Version = "", ""
		require.NotEqual(t, before, after, "nothing changes on %s", turn)
	}
	for day := on(2026, 3, 15); day.Before(on(2029, 1, 1)); day = day.AddDate(0, 0, 1) {
		today, tomorrow := b.At(day), b.At(day.AddDate(0, 0, 1))
		if today.Version == tomorrow.Version {
			require.Equal(t, today, tomorrow, "a rule changes on %s without a turn", day)
		}
	}
}

func TestTurnsAreInUTC(t *testing.T) {
	t.Parallel()
	tokyo := time.FixedZone("JST", 9*60*60)
	b := open(t, PublicTrust)
	require.Equal(t, 4, b.At(time.Date(2026, 12, 15, 8, 59, 59, 0, tokyo)).RemotePerspectives)
	require.Equal(t, 5, b.At(time.Date(2026, 12, 15, 9, 0, 0, 0, tokyo)).RemotePerspectives)
}

// TestPublicTrust is the rules page today, a line each.
func TestPublicTrust(t *testing.T) {
	t.Parallel()
	r := open(t, PublicTrust).At(on(2026, 11, 22))
	require.False(t, r.WHOISContacts, "A13")
	require.Equal(t, 4, r.RemotePerspectives, "C2")
	require.True(t, r.RequireDNSSEC, "C10, C11")
	require.False(t, r.OrganizationalUnit, "E")
	require.True(t, r.OrganizationIdentifier, "E")
	require.Equal(t, "NTRJP", r.IdentifierScheme, "E")
	require.NotContains(t, r.PhoneSources, order.SourceDatabase, "D2")
	require.Len(t, r.PhoneSources, 3)
	require.True(t, r.CorrectionNeedsConsent, "D7, D8")
	require.Equal(t, "2.23.140.1.5.2.3", r.CertificatePolicy, "E: Strict")
	require.Equal(t, Discouraged, r.Methods[order.DCVEmail], "A8")
}

// TestGuide is what the service guide says, whatever the date.
func TestGuide(t *testing.T) {
	t.Parallel()
	b := open(t, Guide)
	r := b.At(on(2026, 11, 22))
	for _, m := range order.DCVMethods {
		require.Equal(t, Allowed, r.Methods[m], "G8: %s", m)
	}
	require.True(t, r.WHOISContacts, "G17")
	require.True(t, r.OrganizationalUnit, "G9")
	require.False(t, r.OrganizationIdentifier, "G9 has no field for it")
	require.Empty(t, r.CertificatePolicy, "a private CA claims no public policy")
	require.Contains(t, r.PhoneSources, order.SourceDatabase)
	require.Equal(t, r, b.At(on(2029, 1, 1)))
}

// TestBothProfiles is what contradicts neither the guide nor the rules, on every date.
func TestBothProfiles(t *testing.T) {
	t.Parallel()
	for _, p := range profiles {
		for _, at := range append([]time.Time{on(2026, 11, 22), on(2030, 1, 1)}, turns...) {
			r := open(t, p).At(at)
			require.Equal(t, p, r.Profile)
			require.Equal(t, 30*day, r.RandomValueMaxAge, "A8 to A11")
			require.Equal(t, 398*day, r.DomainReuse, "B")
			require.Equal(t, 825*day, r.OrganizationReuse, "B")
			require.Less(t, r.ReuseWait, r.ApprovalLinkLife, "the representative can still answer while everything is validated anew")
			require.Less(t, r.RenewalCarryOver, r.RenewalBefore, "whoever renews early loses something: it is no way to a longer certificate")
			require.True(t, r.CheckCAA, "C7")
			require.LessOrEqual(t, r.CAAMaxAge, 8*time.Hour, "C7")
			require.Equal(t, 825, r.MaxValidityDays, "E")
			require.Equal(t, []string{emailProtection}, r.SubscriberEKUs, "E")
			require.True(t, r.LintNoticeBlocks)
			require.LessOrEqual(t, r.CRLEvery, 7*day, "F")
			require.LessOrEqual(t, r.CRLValidity, 10*day, "F")
			require.Greater(t, r.CRLValidity, r.CRLEvery, "a CRL is replaced before it ends")
			require.LessOrEqual(t, r.ApprovalLinkLife, r.RandomValueMaxAge, "A8")
			require.Equal(t, 180*day, r.StatusLinkLife)
			require.GreaterOrEqual(t, r.StatusLinkLife, r.OrderLifetime, "an order can be followed to its end")
			require.IsIncreasing(t, r.Reminders)
			require.Less(t, r.Reminders[len(r.Reminders)-1], r.OrderLifetime, "a reminder comes before the end")
			require.Equal(t, []time.Duration{60 * day, 30 * day, 14 * day, 7 * day, day}, r.ExpiryReminders)
			require.Positive(t, r.RenewalAfter, "G3: who is late can still renew")
			require.Greater(t, r.SubmissionRetention, 7*day, "a form that could not be accepted can be handed in again for a while")
		}
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	require.Equal(t, order.Limits{Methods: order.DCVMethods, Unit: true, ReissueAfterCompromise: true}, open(t, Guide).At(on(2026, 11, 22)).Limits())
	require.Equal(t, order.Limits{
		Methods: []order.DCVMethod{order.DCVFile, order.DCVTXT, order.DCVCNAME}, Identifier: true, IdentifierScheme: "NTRJP",
		ReissueAfterCompromise: true,
	}, open(t, PublicTrust).At(on(2028, 3, 15)).Limits())
	require.Contains(t, open(t, PublicTrust).At(on(2028, 3, 14)).Limits().Methods, order.DCVEmail, "discouraged is not forbidden")
}

// TestRulesAreNobodysToChange: a caller that edits its rules edits no one else's.
func TestRulesAreNobodysToChange(t *testing.T) {
	t.Parallel()
	for _, p := range profiles {
		b, at := open(t, p), on(2026, 11, 22)
		r := b.At(at)
		want := b.At(at)
		r.Methods[order.DCVTXT] = Forbidden
		r.PhoneSources[0], r.Reminders[0], r.ExpiryReminders[0], r.SubscriberEKUs[0] = "mine", 0, 0, "mine"
		require.Equal(t, want, b.At(at))
	}
}

// TestRevocationAndStatusKeepToTheirLimits holds SBR 4.9.1.1, 4.9.7, 4.9.9 and 4.9.10.
func TestRevocationAndStatusKeepToTheirLimits(t *testing.T) {
	t.Parallel()
	for _, p := range profiles {
		r := open(t, p).At(on(2026, 11, 22))
		require.LessOrEqual(t, r.CRLEvery, 7*day)
		require.LessOrEqual(t, r.CRLValidity, 10*day)
		require.Greater(t, r.CRLValidity, r.CRLEvery)
		for _, reason := range order.SubscriberReasons() {
			require.Equal(t, 24*time.Hour, r.RevocationClock(order.RevocationByMail, reason), "the subscriber asks")
			require.LessOrEqual(t, r.RevocationClock(order.RevocationByStaff, reason), 5*day)
		}
		require.Equal(t, 24*time.Hour, r.RevocationClock(order.RevocationByStaff, order.ReasonKeyCompromise))
		require.Equal(t, 24*time.Hour, r.RevocationClock(order.RevocationByKey, order.ReasonKeyCompromise))
		require.Equal(t, 5*day, r.RevocationClock(order.RevocationByStaff, order.ReasonPrivilegeWithdrawn))
		require.Equal(t, 24*time.Hour, r.RevocationClock(order.RevocationByStaff, 7), "what the table does not know is urgent")
		require.True(t, slices.IsSortedFunc(r.RevocationWarnings, func(a, b time.Duration) int { return int(b - a) }))

		require.GreaterOrEqual(t, r.OCSPValidity, 16*time.Hour)
		require.LessOrEqual(t, r.OCSPValidity, 10*day)
		require.GreaterOrEqual(t, r.OCSPValidity-r.OCSPRefresh, 8*time.Hour)
		require.LessOrEqual(t, r.OCSPRefresh, 4*day)
		require.Greater(t, r.OCSPSignerRenew, r.OCSPValidity, "no answer outlives its signer")
	}
}
