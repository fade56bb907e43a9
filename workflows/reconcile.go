package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
)

// ReconcileType names the workflow that compares the record with the engine; a Schedule starts it every hour.
const ReconcileType = "Reconcile"

// ReconcileInput is empty.
type ReconcileInput struct{}

// ReconcileResult counts what a run came to. Everything but Open should be zero on a good day.
type ReconcileResult struct {
	Open      int `json:"open"`                // orders that have not ended
	Restarted int `json:"restarted,omitempty"` // of them: had lost their workflow and have one again
	Ended     int `json:"ended,omitempty"`     // of them: their workflow has ended without the record; staff look at them
	Stray     int `json:"stray,omitempty"`     // workflows whose order is not open
	Waiting   int `json:"waiting,omitempty"`   // letters that nothing was delivering
	Unposted  int `json:"unposted,omitempty"`  // of them: could not be started either
	Forgotten int `json:"forgotten,omitempty"` // submissions that never became orders
}

// Reconcile compares the orders that the record has open with the workflows that the engine runs, has letters delivered that were left
// behind, and deletes forms that never became orders. One run is some hundred events for ten thousand open orders.
func Reconcile(ctx workflow.Context, _ ReconcileInput) (ReconcileResult, error) {
	var out ReconcileResult
	if err := out.compare(ctx); err != nil {
		return out, err
	}
	if err := out.post(ctx); err != nil {
		return out, err
	}
	forgotten, err := call(ctx, recordOptions("forget old submissions"), reconciling.ForgetSubmissions, activities.ForgetInput{})
	out.Forgotten = forgotten.Forgotten
	return out, err
}

// compare goes through the open orders and workflows.
func (r *ReconcileResult) compare(ctx workflow.Context) error {
	var in activities.CompareInput
	for {
		page, err := call(ctx, recordOptions("compare open orders with workflows"), reconciling.CompareOrders, in)
		if err != nil {
			return err
		}
		r.Open += page.Open
		r.Restarted += page.Restarted
		r.Ended += page.Ended
		r.Stray += page.Stray
		if page.Next == "" {
			return nil
		}
		in.After = page.Next
	}
}

// post goes through the letters that have waited for long.
func (r *ReconcileResult) post(ctx workflow.Context) error {
	var in activities.WaitingInput
	for {
		page, err := call(ctx, recordOptions("deliver what was left behind"), reconciling.PostWaiting, in)
		if err != nil {
			return err
		}
		r.Waiting += page.Waiting
		r.Unposted += page.Unposted
		if page.Next == nil {
			return nil
		}
		in.After = page.Next
		if err := workflow.Sleep(ctx, postPause); err != nil {
			return err
		}
	}
}
