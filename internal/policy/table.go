package policy

import (
	"slices"
	"time"

	"securemailid.example/internal/order"
)

const day = 24 * time.Hour

// emailProtection is id-kp-emailProtection, alone as Strict demands and as every issuer must from 2027-07-01 (E, H).
const emailProtection = "1.3.6.1.5.5.7.3.4"

// At returns the rules of the book's profile in force at t.
func (b Book) At(t time.Time) Rules {
	if b.profile == PublicTrust {
		return publicTrust(t)
	}
	return guide()
}

// guide is what the service guide says, with what contradicts neither profile.
func guide() Rules {
	return Rules{
		Profile: Guide, Version: "guide/2021-10-01",
		Methods: map[order.DCVMethod]Standing{
			order.DCVEmail: Allowed, order.DCVFile: Allowed, order.DCVTXT: Allowed, order.DCVCNAME: Allowed, // G8
		},
		WHOISContacts:     true, // G17
		RandomValueMaxAge: 30 * day, DomainReuse: 398 * day, OrganizationReuse: 825 * day, ReuseWait: 3 * day,
		RenewalBefore: 90 * day, RenewalCarryOver: 30 * day,
		CheckCAA: true, CAAMaxAge: 8 * time.Hour,
		OrganizationalUnit: true, // G9
		PhoneSources:       []order.PhoneSource{order.SourceGovernment, order.SourceDirectory, order.SourceDatabase, order.SourceAttestation},
		MaxValidityDays:    825,
		MinIssuingCABits:   4096, // E; performance is measured with the same size
		SubscriberEKUs:     []string{emailProtection},
		LintNoticeBlocks:   true,
		CRLEvery:           day, CRLValidity: 7 * day, CRLWarnBefore: 5 * day,
		ReissueAfterCompromise: true,

		RevokeAsked: day, ReportAnswer: day,
		RevokeWithin: map[order.RevocationReason]time.Duration{
			order.ReasonUnspecified: day, order.ReasonKeyCompromise: day,
			order.ReasonAffiliationChanged: 5 * day, order.ReasonSuperseded: 5 * day, order.ReasonCessationOfOperation: 5 * day,
			order.ReasonPrivilegeWithdrawn: 5 * day,
		},
		RevocationWarnings: []time.Duration{12 * time.Hour, 4 * time.Hour, 0},
		RevocationLinkLife: day,
		OCSPValidity:       2 * day, OCSPRefresh: day,
		OCSPSignerLife: 30 * day, OCSPSignerRenew: 10 * day,

		RenewalAfter:        30 * day,
		ExpiryReminders:     []time.Duration{60 * day, 30 * day, 14 * day, 7 * day, day},
		SubmissionRetention: 30 * day,

		EndedOfContact: 10,

		OrderLifetime:    90 * day,
		Reminders:        []time.Duration{3 * day, 7 * day, 14 * day, 30 * day, 60 * day},
		ApprovalLinkLife: 30 * day, DownloadLinkLife: 90 * day, StatusLinkLife: 180 * day,
	}
}

// publicTrust is the rules page for publicly trusted S/MIME at t.
func publicTrust(t time.Time) Rules {
	r := guide()
	r.Profile, r.Version = PublicTrust, "public-trust/"+since(t).Format(time.DateOnly)
	r.WHOISContacts = false // A13
	r.RequireDNSSEC = true  // C10, C11
	r.OrganizationalUnit, r.OrganizationIdentifier, r.IdentifierScheme = false, true, "NTRJP"
	r.CertificatePolicy = "2.23.140.1.5.2.3"                                                                                // E: organisation-validated, Strict
	r.PhoneSources = slices.DeleteFunc(r.PhoneSources, func(s order.PhoneSource) bool { return s == order.SourceDatabase }) // D2
	r.CorrectionNeedsConsent = true                                                                                         // D7, D8
	r.Methods = map[order.DCVMethod]Standing{
		order.DCVEmail: Discouraged, order.DCVFile: Allowed, order.DCVTXT: Allowed, order.DCVCNAME: Allowed,
	}
	if !t.Before(date(2028, 3, 15)) { // A8
		r.Methods[order.DCVEmail] = Forbidden
	}
	r.RemotePerspectives, r.PerspectiveFailures = 3, 1 // C2, C3
	if !t.Before(date(2026, 6, 15)) {
		r.RemotePerspectives = 4
	}
	if !t.Before(date(2026, 12, 15)) {
		r.RemotePerspectives = 5
	}
	return r
}

// turns are the dates on which a row of the public-trust table changes.
var turns = []time.Time{date(2026, 3, 15), date(2026, 6, 15), date(2026, 12, 15), date(2028, 3, 15)}

// since returns the latest turn at or before t.
func since(t time.Time) time.Time {
	last := turns[0]
	for _, d := range turns {
		if !t.Before(d) {
			last = d
		}
	}
	return last
}

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
