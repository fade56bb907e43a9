// Package policy is the table of named, dated limits that the code asks instead of holding constants. Two profiles ship:
// guide, which follows the service guide to the letter for a private CA, and public-trust, which follows the rules in force at
// a date for publicly trusted S/MIME certificates.
package policy

import (
	"time"

	"securemailid.example/internal/order"
)

// Profile names a table.
type Profile string

const (
	Guide       Profile = "guide"
	PublicTrust Profile = "public-trust"
)

// Standing is how a profile regards a DCV method at a date.
type Standing string

const (
	Allowed     Standing = "allowed"
	Discouraged Standing = "discouraged" // works, with a warning (rules A8)
	Forbidden   Standing = "forbidden"
)

// Rules is every limit that holds at one moment. Durations of reuse count back from issuance.
type Rules struct {
	Profile Profile
	Version string // names the table and the date from which this row holds; stored with each evidence (rules A2)

	Methods             map[order.DCVMethod]Standing
	WHOISContacts       bool          // mail the addresses that WHOIS publishes (G17; forbidden by A13)
	RandomValueMaxAge   time.Duration // replaced when older (A8–A11: 30 days)
	DomainReuse         time.Duration // B: 398 days
	OrganizationReuse   time.Duration // B: 825 days
	ReuseWait           time.Duration // so long the representative is waited for, before everything is validated anew
	RemotePerspectives  int           // C2; 0: none asked
	PerspectiveFailures int           // C3
	RequireDNSSEC       bool          // C10, C11: SERVFAIL and bogus answers are no permission
	CheckCAA            bool          // C7; on in both
	CAAMaxAge           time.Duration // C7: 8 hours

	OrganizationalUnit     bool   // department as OU (G9); public trust: affiliates only (E)
	OrganizationIdentifier bool   // E: required
	IdentifierScheme       string // E: scheme and country of the organizationIdentifier; NTR is the trade register
	PhoneSources           []order.PhoneSource
	CorrectionNeedsConsent bool // D7, D8: the applicant confirms a correction

	MaxValidityDays   int    // E: 825, any fraction counts as a day
	CertificatePolicy string // OID
	MinIssuingCABits  int
	SubscriberEKUs    []string
	LintNoticeBlocks  bool          // any finding above "pass" stops issuance
	CRLEvery          time.Duration // F: at least every 7 days
	CRLValidity       time.Duration // F: at most 10 days
	CRLWarnBefore     time.Duration // so long before its nextUpdate a list that has no successor is an alarm: some attempts have failed by then

	ReissueAfterCompromise bool                                     // a certificate revoked for the compromise of its key may be issued again with another key, validated anew (G25, D9)
	RevokeAsked            time.Duration                            // F: the subscriber asks, or the key is compromised
	RevokeWithin           map[order.RevocationReason]time.Duration // F: what the CA finds or is told by others
	ReportAnswer           time.Duration                            // F: a problem report has its preliminary answer (SBR 4.9.5)
	RevocationWarnings     []time.Duration                          // before the clock of a revocation ends, the earliest first; 0 is its end
	RevocationLinkLife     time.Duration                            // link that confirms a revocation

	OCSPValidity    time.Duration // F: 8 hours to 10 days
	OCSPRefresh     time.Duration // F: age at which an answer is signed anew: 8 hours and more before its end, at most 4 days
	OCSPSignerLife  time.Duration // of the responder's certificate, which nobody can revoke (nocheck)
	OCSPSignerRenew time.Duration // before its end another one is asked for

	RenewalAfter        time.Duration   // G3: a certificate can be renewed until so long after it has ended
	ExpiryReminders     []time.Duration // before a certificate ends, the earliest reminder first, in whole days; each is sent once
	SubmissionRetention time.Duration   // what was handed in and never became an order is deleted when it is so old
	RenewalBefore       time.Duration   // G3: a certificate can be renewed so long before it ends, and RenewalAfter after it
	RenewalCarryOver    time.Duration   // at most so much of what is left of it is added to the new one

	// How many applications that name one technical contact may end without a certificate in a day: each has written three mails to them, and its
	// voucher comes back, so that the same one could be used to write to a stranger again and again.
	EndedOfContact int

	OrderLifetime    time.Duration   // from submission to expiry without a certificate
	Reminders        []time.Duration // after submission, while something waits for the applicant
	ApprovalLinkLife time.Duration   // e-mail approval link; never longer than RandomValueMaxAge
	DownloadLinkLife time.Duration
	StatusLinkLife   time.Duration // never shorter than OrderLifetime: who has applied can follow the order to its end
}

// Book answers which rules hold when.
type Book struct{ profile Profile }

// Open returns the book of a profile, or false for a name that is none.
func Open(p Profile) (Book, bool) { return Book{profile: p}, p == Guide || p == PublicTrust }

// RevocationClock is how long after the request the certificate must be on a CRL (SBR 4.9.1.1).
func (r Rules) RevocationClock(origin order.RevocationOrigin, reason order.RevocationReason) time.Duration {
	within, known := r.RevokeWithin[reason]
	if !known || origin.Subscriber() || origin == order.RevocationByKey {
		return r.RevokeAsked
	}
	return within
}

// Limits returns what an application form is checked against. The blocklist is not part of a table; the caller adds it.
func (r Rules) Limits() order.Limits {
	l := order.Limits{Unit: r.OrganizationalUnit, Identifier: r.OrganizationIdentifier, IdentifierScheme: r.IdentifierScheme,
		ReissueAfterCompromise: r.ReissueAfterCompromise}
	for _, m := range order.DCVMethods {
		if s := r.Methods[m]; s == Allowed || s == Discouraged {
			l.Methods = append(l.Methods, m)
		}
	}
	return l
}
