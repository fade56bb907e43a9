package order

import "time"

// Acceptance is what turns a submission into an order.
type Acceptance struct {
	Submission Submission
	Domain     string
	At         time.Time
	DeadlineAt time.Time
	Policy     string // version of the rules it was accepted under
	Letters    []Letter

	Renews *Renewed // renewal: the certificate that it renews; nil: there is none, and it goes on as a new application

	EndedOfContact int // how many applications that name its technical contact may have ended without a certificate in a day

	AfterCompromise bool // reissue: what the policy says of an original revoked for the compromise of its key
}
