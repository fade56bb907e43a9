package order

// State is where an order stands. The strings are stored and shown to operators: they are an API.
type State string

const (
	Accepted               State = "accepted"
	Review                 State = "review" // reissues only (G26)
	DomainValidation       State = "domain-validation"
	OrganizationValidation State = "organization-validation"
	Issuing                State = "issuing"
	Issued                 State = "issued"
	Rejected               State = "rejected"
	Cancelled              State = "cancelled"
	Expired                State = "expired"
)

// transitions is the order's life: from each state, the states that may follow. Ends have none.
var transitions = map[State][]State{
	Accepted:               {Review, DomainValidation, Rejected, Cancelled, Expired},
	Review:                 {DomainValidation, Rejected, Cancelled, Expired},
	DomainValidation:       {OrganizationValidation, Rejected, Cancelled, Expired},
	OrganizationValidation: {DomainValidation, Issuing, Rejected, Cancelled, Expired}, // back where reused evidence has lapsed
	Issuing:                {Issued, Rejected},
}

// CanBecome reports whether next may follow s directly.
func (s State) CanBecome(next State) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Final reports whether the order has ended in s.
func (s State) Final() bool {
	switch s {
	case Issued, Rejected, Cancelled, Expired:
		return true
	default:
		return false
	}
}

// States lists every state, in the order of an order's life.
var States = []State{Accepted, Review, DomainValidation, OrganizationValidation, Issuing, Issued, Rejected, Cancelled, Expired}
