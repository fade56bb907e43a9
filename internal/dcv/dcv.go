// Package dcv is domain control validation without sockets: challenges, what to publish for them, how an answer is judged,
// and the evidence that remains.
package dcv

import (
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Challenge is one random value given out for one order and domain. A later challenge of the same order replaces it.
type Challenge struct {
	ID        string // UUID
	Order     string
	Sequence  int // 1, 2, … within the order
	Method    order.DCVMethod
	Domain    string // A-labels, lower case, no trailing dot
	Token     string // random value, at least 112 bits (A7); empty for e-mail, where each link is its own
	Target    string // CNAME target (G19)
	OpenedAt  time.Time
	ExpiresAt time.Time // age limit of the random value (A8–A11)

	MailsAfter  time.Time // e-mail: nobody was asked, since the domain had too many approval mails; they can be sent from then on
	SatisfiedAt time.Time // when evidence for it was recorded; zero: not yet
}

// Instruction is what the technical contact must publish.
type Instruction = order.Instruction

// Observation is one look at the world, kept as evidence whether it succeeded or not.
type Observation struct {
	At      time.Time `json:"at"`
	From    string    `json:"from"`             // resolver or address that answered
	Asked   string    `json:"asked"`            // question or URL
	Answer  []string  `json:"answer,omitempty"` // shortened
	Problem string    `json:"problem,omitempty"`
	Secure  bool      `json:"secure,omitempty"` // validated by DNSSEC (C10, C11)
}

// Finding is the judgement of one check.
type Finding struct {
	Found        bool          `json:"found"`
	Code         string        `json:"code"` // CodeMatch, CodeMissing, …
	Text         fault.Text    `json:"text"` // for the applicant: what was seen and what to do
	Observations []Observation `json:"observations,omitempty"`
}

// Evidence is a proof of domain control that was accepted.
type Evidence struct {
	ID            string
	Order         string
	Challenge     string
	Domain        string
	Method        order.DCVMethod
	PolicyVersion string // the rules it was gathered under (A2)
	Finding       Finding
	Actor         string // "system", or who approved
	At            time.Time
}

// CAADecision is the outcome of the CAA check (RFC 9495).
type CAADecision struct {
	Permitted    bool          `json:"permitted"`
	Code         string        `json:"code"` // CAANoRestriction, CAAIssuerNamed, …
	Text         fault.Text    `json:"text"`
	Observations []Observation `json:"observations,omitempty"`
}
