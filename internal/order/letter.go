package order

import "time"

// LetterKind names a mail that the system sends.
type LetterKind string

const (
	LetterReceipt           LetterKind = "receipt"            // to the technical contact (G14)
	LetterReissueReceipt    LetterKind = "reissue-receipt"    // the same for a reissue (G24)
	LetterReissueNotice     LetterKind = "reissue-notice"     // somebody asks for a reissue: to the address and the technical contact of the original
	LetterChallenge         LetterKind = "challenge"          // file and DNS: what to publish, to the technical contact (G15)
	LetterDomainApproval    LetterKind = "domain-approval"    // e-mail DCV, to the domain's addresses (G17)
	LetterApprovalsHeld     LetterKind = "approvals-held"     // e-mail DCV: the domain has had too many of these mails, to the technical contact
	LetterInquiry           LetterKind = "inquiry"            // question of staff, to the technical contact (G12)
	LetterCorrected         LetterKind = "corrected"          // other content will be certified than was entered, to the technical contact and the representative (G10)
	LetterReminder          LetterKind = "reminder"           // something still waits for the applicant
	LetterRejected          LetterKind = "rejected"           // ends without a certificate, with the reason
	LetterCancelled         LetterKind = "cancelled"          //
	LetterExpired           LetterKind = "expired"            //
	LetterIssuedCertificate LetterKind = "issued-certificate" // to the certificate address (G21)
	LetterIssuedContact     LetterKind = "issued-contact"     // to the technical contact (G21)
	LetterExpiryReminder    LetterKind = "expiry-reminder"    // a certificate ends soon, to the technical contact and the certificate address
	LetterStatusLink        LetterKind = "status-link"        // a fresh status link that was asked for, to the technical contact
	LetterRevocationLink    LetterKind = "revocation-link"    // a link that confirms a revocation, to an address of the order
	LetterRevoked           LetterKind = "revoked"            // to the certificate address and the technical contact
	LetterRevocationClock   LetterKind = "revocation-clock"   // to the operator: a revocation's time is running out
	LetterReportAnswer      LetterKind = "report-answer"      // to whoever reported a problem with a certificate, and to its technical contact
	LetterReuse             LetterKind = "reuse-confirmation" // is this application yours? To the representative, where they are known (G16)
)

// Letter is one mail to one recipient, as it lies in the outbox. Facts are wiped once it has been delivered, and lose their secret
// links when it is refused for good.
type Letter struct {
	ID        string // UUID; also the left part of the Message-ID
	Order     string
	Kind      LetterKind
	Key       string // distinguishes letters of one kind in one order, such as "2/admin@example.jp"; (order, kind, key) is unique
	Recipient string
	Language  Language
	Facts     Facts
	CreatedAt time.Time
	Links     []Link // made for this letter, whose facts hold their addresses; kept as hashes with it
}

// Facts is what letters speak about; each kind uses what it needs.
type Facts struct {
	Number           string    `json:"number,omitempty"`
	CertificateEmail string    `json:"certificate_email,omitempty"`
	Domain           string    `json:"domain,omitempty"`
	Method           DCVMethod `json:"method,omitempty"`
	Organization     string    `json:"organization,omitempty"`
	ContactName      string    `json:"contact_name,omitempty"` // whom the letter greets
	Other            Names     `json:"other,omitzero"`         // Organization and ContactName for the half in the other language
	RecordName       string    `json:"record_name,omitempty"`  // DNS owner name to create
	RecordValue      string    `json:"record_value,omitempty"` // TXT value or CNAME target
	FileURL          string    `json:"file_url,omitempty"`     // where the file must be served
	FileContent      string    `json:"file_content,omitempty"` // what it must contain
	Link             string    `json:"link,omitempty"`         // approval or download page
	StatusLink       string    `json:"status_link,omitempty"`  // status page, where the reader follows the order and acts
	LinkExpires      time.Time `json:"link_expires,omitzero"`  // of Link; in a status-link letter of StatusLink
	ValueExpires     time.Time `json:"value_expires,omitzero"` // age limit of the random value
	Deadline         time.Time `json:"deadline,omitzero"`      // when the order expires
	MailsAfter       time.Time `json:"mails_after,omitzero"`   // approvals-held: when they can be sent
	ValidityYears    int       `json:"validity_years,omitempty"`
	NotAfter         time.Time `json:"not_after,omitzero"`
	Serial           string    `json:"serial,omitempty"`
	Question         string    `json:"question,omitempty"`
	Reason           string    `json:"reason,omitempty"`
	News             News      `json:"news,omitempty"`    // challenge: what is new about it
	Awaited          []Awaited `json:"awaited,omitempty"` // reminder: what the order waits for
	RevokedAt        time.Time `json:"revoked_at,omitzero"`
	RevocationReason string    `json:"revocation_reason,omitempty"` // as RFC 5280 names it
	Request          string    `json:"request,omitempty"`           // id of a revocation request, for staff

	Preliminary bool   `json:"preliminary,omitempty"` // revocation-clock: what is due is the answer to a report
	Outcome     string `json:"outcome,omitempty"`     // report-answer: "" while it is looked into, else "revoked" or "declined"; Reason has the words of staff

	DaysLeft int    `json:"days_left,omitempty"` // expiry-reminder: until NotAfter; its Link is the renewal form
	StopLink string `json:"stop_link,omitempty"` // expiry-reminder: ends these reminders for its reader

	Corrections []Correction `json:"corrections,omitempty"` // corrected: what was entered, and what is certified

	ReissueReason ReissueReason `json:"reissue_reason,omitempty"`
	Original      string        `json:"original,omitempty"` // reissue-notice: order number of the certificate that is to be issued again; its Link revokes it
	Renewal       RenewalFacts  `json:"renewal,omitzero"`   // receipt of a renewal (G3)
}

// Names are what a letter calls the organisation and whom it greets in one language.
type Names struct {
	Organization string `json:"organization,omitempty"`
	ContactName  string `json:"contact_name,omitempty"`
}

// News is what is new about a challenge to whoever is told of it.
type News string

const (
	NewsFirst    News = ""               // it is the first
	NewsReplaced News = "replaced"       // another value instead of one that has reached its age limit
	NewsResent   News = "resent"         // the same value once more
	NewsMethod   News = "method-changed" // the first value by another method
)

// LetterState is what became of a letter.
type LetterState string

const (
	LetterPending LetterState = "pending"
	LetterSent    LetterState = "sent"
	LetterFailed  LetterState = "failed" // refused for good by the recipient's server; staff look at it and may have it sent again
)
