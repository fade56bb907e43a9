package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
	"securemailid.example/internal/order"
)

// RemindExpiryType names the workflow that tells people of certificates that end; a Schedule starts it every day.
const RemindExpiryType = "RemindExpiry"

// postPause lies between two pages of letters that no order waits for: a day's reminders must not keep a receipt waiting.
const postPause = time.Minute

// RemindExpiryInput is empty at the start of a run.
type RemindExpiryInput struct {
	After order.ExpiryMark   `json:"after,omitzero"` // from the run before, after continue-as-new
	Done  RemindExpiryResult `json:"done,omitzero"`
}

// RemindExpiryResult counts what a run came to.
type RemindExpiryResult struct {
	Certificates int `json:"certificates"`
	Letters      int `json:"letters"`
	Unposted     int `json:"unposted,omitempty"` // of the letters: reconciliation starts their delivery
}

// RemindExpiry looks once through the certificates that end soon, page by page, and has a reminder sent of each that has reached a
// milestone. The record knows what has been sent, so a run that fails, is repeated or comes days late does no harm.
func RemindExpiry(ctx workflow.Context, in RemindExpiryInput) (RemindExpiryResult, error) {
	for {
		page, err := call(ctx, recordOptions("remind of certificates that end"), reminding.RemindExpiry, activities.ExpiryInput{After: in.After})
		if err != nil {
			return in.Done, err
		}
		in.Done.Certificates += page.Certificates
		in.Done.Letters += page.Letters
		in.Done.Unposted += page.Unposted
		if page.Next == nil {
			return in.Done, nil
		}
		in.After = *page.Next
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return in.Done, workflow.NewContinueAsNewError(ctx, RemindExpiry, in)
		}
		if err := workflow.Sleep(ctx, postPause); err != nil {
			return in.Done, err
		}
	}
}
