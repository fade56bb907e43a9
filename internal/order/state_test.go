package order

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTransitionsKeepTheLifeOfAnOrder(t *testing.T) {
	t.Parallel()
	for _, s := range States {
		for _, next := range States {
			if s.Final() {
				require.False(t, s.CanBecome(next), "%s is an end, yet may become %s", s, next)
			}
		}
		require.False(t, s.CanBecome(s), "%s", s)
		require.False(t, s.CanBecome(Accepted), "no way leads back to the start")
		require.Equal(t, s == Issuing, s.CanBecome(Issued), "a certificate comes from issuing only")
	}
	require.False(t, Issuing.CanBecome(Cancelled), "once bytes are reserved for signing it is too late")
}

func TestAwaited(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	done := PhoneSteps{NumberVerifiedAt: now, ReachedAt: now, ConfirmedAt: now}
	require.True(t, done.Done())
	require.False(t, PhoneSteps{NumberVerifiedAt: now, ConfirmedAt: now}.Done(), "two of three steps are not enough (G20)")
	phone := []string{"phone-number staff", "phone-reach staff", "phone-confirm staff"}
	for name, row := range map[string]struct {
		p    Progress
		want []string
	}{
		"a DNS order waits for the record, and staff may call already": {
			Progress{State: DomainValidation, Method: DCVTXT}, append([]string{"dns-record technical-contact"}, phone...),
		},
		"a file order": {Progress{State: DomainValidation, Method: DCVFile, Phone: done}, []string{"file technical-contact"}},
		"a mail order waits for the domain owner": {Progress{State: Accepted, Method: DCVEmail, Phone: done}, []string{"domain-approval domain-owner"}},
		"the domain is proven":                    {Progress{State: OrganizationValidation, Method: DCVTXT}, phone},
		"an open question comes first": {
			Progress{State: OrganizationValidation, Method: DCVTXT, OpenInquiry: true}, append([]string{"inquiry-answer technical-contact"}, phone...),
		},
		"while the representative is asked nobody else is bothered": {
			Progress{State: Accepted, Method: DCVTXT, ReuseAsked: true}, []string{"reuse-confirmation representative"},
		},
		"what was validated before is not awaited": {Progress{State: DomainValidation, Method: DCVTXT, PhoneReused: true}, []string{"dns-record technical-contact"}},
		"everything was validated before":          {Progress{State: OrganizationValidation, Method: DCVTXT, PhoneReused: true}, []string{"issuance ca"}},
		"a reissue in review":                      {Progress{State: Review}, []string{"review staff"}},
		"a blocked issuance is settled by staff first": {
			Progress{State: OrganizationValidation, Phone: done, OpenInquiry: true, Blocked: true}, []string{"blocked staff", "inquiry-answer technical-contact"},
		},
		"a blocked signature":      {Progress{State: Issuing, Phone: done, Blocked: true}, []string{"blocked staff"}},
		"all validated":            {Progress{State: Issuing, Phone: done}, []string{"issuance ca"}},
		"an end waits for nothing": {Progress{State: Rejected, OpenInquiry: true, Blocked: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, a := range row.p.Awaited() {
				require.NotEmpty(t, a.Text.JA)
				require.NotEmpty(t, a.Text.EN)
				got = append(got, a.Code+" "+string(a.Party))
			}
			require.Equal(t, row.want, got)
		})
	}
}
