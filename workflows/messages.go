package workflows

import (
	"time"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

// Names by which the engine and operators reach an order. They are an API.
const (
	OrderType    = "Order"
	SubmitUpdate = "submit"
)

// TaskQueue is where orders run; OutboundQueue holds what waits for other people's servers (polls, mail), so that a resolver or relay
// that hangs keeps no slot from submissions and commands; SigningQueue is polled only by workers that hold the CA key.
const (
	TaskQueue     = "orders"
	OutboundQueue = "outbound"
	SigningQueue  = "signing"
)

// OrderID is the workflow id of an order. It holds the order number and nothing else.
func OrderID(number string) string { return "order-" + number }

// OrderInput starts an order. What the applicant wrote lies in the record under Number, so no history holds it.
type OrderInput struct {
	Number  string   `json:"number"`
	Carried *Carried `json:"carried,omitempty"` // from the run before, after continue-as-new
}

// OrderResult is what an order came to.
type OrderResult struct {
	State  order.State `json:"state,omitempty"`
	Serial string      `json:"serial,omitempty"`
	// Refused is the code of the fault for which the submission was not accepted; no order exists then.
	Refused string `json:"refused,omitempty"`
}

// SubmitInput is empty: the order number is in the workflow id.
type SubmitInput struct{}

// Carried is the state that outlives a run.
type Carried struct {
	Plan         activities.Plan       `json:"plan"`
	State        order.State           `json:"state"`
	Challenge    activities.OpenResult `json:"challenge"`
	Phone        PhoneDone             `json:"phone"`
	OpenInquiry  bool                  `json:"open_inquiry,omitempty"`
	Reminded     int                   `json:"reminded,omitempty"` // reminders that are behind us
	Refusals     []string              `json:"refusals,omitempty"` // the last ones, for the current details
	Since        time.Time             `json:"since"`              // of State
	WaitingSince time.Time             `json:"waiting_since"`
	Corrected    int                   `json:"corrected,omitempty"`
	Reused       order.Reused          `json:"reused,omitzero"`
	Answered     bool                  `json:"answered,omitempty"`
	Restarted    bool                  `json:"restarted,omitempty"` // by reconciliation, out of the record

	Compromised *activities.OriginalInput `json:"compromised,omitempty"` // reissue: its original is still to be revoked
	End         *CarriedEnd               `json:"end,omitempty"`         // decided before the last run was cut off, and not carried out by it
}

// CarriedEnd is an end without a certificate that the record holds as decided.
type CarriedEnd struct {
	State  order.State `json:"state"`
	Actor  string      `json:"actor"`
	Reason string      `json:"reason"` // one of the reasons of activities.CloseInput
}

// PhoneDone says which of the three phone steps are done (G20).
type PhoneDone struct {
	Number    bool `json:"number,omitempty"`
	Reached   bool `json:"reached,omitempty"`
	Confirmed bool `json:"confirmed,omitempty"`
}

func (p PhoneDone) all() bool { return p.Number && p.Reached && p.Confirmed }
