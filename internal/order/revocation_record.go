package order

import (
	"slices"
	"strings"
	"time"
)

// Revocation is a request as it stands in the record.
type Revocation struct {
	ID           string            `json:"id"`
	Origin       RevocationOrigin  `json:"origin"`
	Actor        string            `json:"actor"`
	Reason       RevocationReason  `json:"reason"`
	Note         string            `json:"note,omitempty"`
	RequestedAt  time.Time         `json:"requested_at"`
	DueAt        time.Time         `json:"due_at"`
	DecidedAt    time.Time         `json:"decided_at,omitzero"` // zero: waits for staff
	Declined     bool              `json:"declined,omitempty"`
	Answer       string            `json:"answer,omitempty"` // why it was declined
	PublishedAt  time.Time         `json:"published_at,omitzero"`
	NotifiedAt   time.Time         `json:"notified_at,omitzero"` // its letters are written
	Escalations  int               `json:"escalations,omitempty"`
	Certificates []RevocationOfOne `json:"certificates"`

	Reporter    string    `json:"reporter,omitempty"`
	AnswerDueAt time.Time `json:"answer_due_at,omitzero"` // zero: no problem report
	AnsweredAt  time.Time `json:"answered_at,omitzero"`
	Findings    string    `json:"findings,omitempty"` // the preliminary answer
}

// RevocationOfOne is one certificate of a request.
type RevocationOfOne struct {
	Order     string    `json:"order"`
	Sequence  int       `json:"sequence"`
	Issuer    string    `json:"issuer"`
	Serial    string    `json:"serial"`
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	RevokedBy string    `json:"revoked_by,omitempty"` // the request that did
	Named     bool      `json:"named,omitempty"`      // by the request itself; false: it is there because it has the same key
}

// Undecided reports whether the request waits for staff.
func (r Revocation) Undecided() bool { return r.DecidedAt.IsZero() }

// Unanswered reports whether reporter and subscriber wait for a preliminary answer. A decision is one.
func (r Revocation) Unanswered() bool {
	return !r.AnswerDueAt.IsZero() && r.AnsweredAt.IsZero() && r.Undecided()
}

// Done reports whether nothing is left to do: declined, or published with its letters written.
func (r Revocation) Done() bool {
	return r.Declined || !r.PublishedAt.IsZero() && !r.NotifiedAt.IsZero()
}

// Reported is the certificate that the request names, whatever others have its key; zero if it names a key.
func (r Revocation) Reported() RevocationOfOne {
	for _, c := range r.Certificates {
		if c.Named {
			return c
		}
	}
	return RevocationOfOne{}
}

// Orders are the numbers of the orders whose certificates the request concerns, each once.
func (r Revocation) Orders() []string {
	var out []string
	for _, c := range r.Certificates {
		out = append(out, c.Order)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// SerialsOf are the serial numbers of the order's certificates in the request, as a letter shows them.
func (r Revocation) SerialsOf(number string) string {
	var out []string
	for _, c := range r.Certificates {
		if c.Order == number {
			out = append(out, c.Serial)
		}
	}
	return strings.Join(out, ", ")
}

// Issuers are the issuing CAs whose lists the request changes, each once.
func (r Revocation) Issuers() []string {
	var out []string
	for _, c := range r.Certificates {
		if !slices.Contains(out, c.Issuer) {
			out = append(out, c.Issuer)
		}
	}
	return out
}
