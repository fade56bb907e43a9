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
}
