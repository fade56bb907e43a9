package order

import "time"

// Standing is where the record has an order, for comparing it with the engine.
type Standing struct {
	Number string
	State  State // empty: a submission that has not become an order
	Since  time.Time
}

// Drift is a way in which record and engine disagree on an order. The strings are actions of the audit trail.
type Drift string

const (
	DriftRestarted Drift = "workflow-restarted" // an open order had no workflow: it was started again where the order stands
	DriftEnded     Drift = "workflow-ended"     // an open order whose workflow has come to its end: staff look at it
	DriftStray     Drift = "workflow-stray"     // an open workflow for what has ended, or is not known at all
)

// PendingLetter is a letter that lies in the outbox.
type PendingLetter struct {
	ID        string    `json:"id"`
	Order     string    `json:"order"`
	CreatedAt time.Time `json:"created_at"`
}

// PendingQuery asks for letters that lie in the outbox, the oldest first.
type PendingQuery struct {
	From, To time.Time // written at or after From and before To
	AfterID  string    // of those written at From
	Limit    int
}
