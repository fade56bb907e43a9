package activities

import (
	"context"
	"slices"
	"time"

	"go.temporal.io/sdk/activity"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// ReconcileRecords is what reconciliation needs of the record.
type ReconcileRecords interface {
	// Order returns the order as it stands.
	Order(ctx context.Context, number string) (order.Status, error)
	// OpenOrders returns orders that have not ended, by their number, those above after.
	OpenOrders(ctx context.Context, after string, limit int) ([]order.Standing, error)
	// Standings returns where orders and submissions stand; what is not known is left out.
	Standings(ctx context.Context, numbers []string) ([]order.Standing, error)
	// NoteDrift writes a disagreement into the audit trail, and reports whether it was not there yet.
	NoteDrift(ctx context.Context, number string, d order.Drift, detail string, at time.Time) (bool, error)
	// WaitingLetters returns letters that wait for their delivery.
	WaitingLetters(ctx context.Context, q order.PendingQuery) ([]order.PendingLetter, error)
	// ForgetSubmissions deletes what was handed in before the time and never became an order.
	ForgetSubmissions(ctx context.Context, before time.Time) (int, error)
}

// Run is how the last run of an order's workflow stands.
type Run string

const (
	RunNone       Run = "none" // the engine knows no run, or none any more
	RunOpen       Run = "open"
	RunTerminated Run = "terminated"
	RunTimedOut   Run = "timed-out"
	RunEnded      Run = "ended" // by itself: completed, failed or cancelled
)

// cutOff reports whether the order can be taken up where the record has it: no run has come to an end of its own that the record would
// have to know of.
func (r Run) cutOff() bool { return r == RunNone || r == RunTerminated || r == RunTimedOut }

// Engine is what reconciliation asks of Temporal.
type Engine interface {
	Poster

	// RunningOrders lists the orders above after, up to and including to, whose workflow is open. The list may be seconds old.
	RunningOrders(ctx context.Context, after, to string) ([]string, error)
	// OrderRun says how the order's last run stands, at this moment.
	OrderRun(ctx context.Context, number string) (Run, error)
	// RestartOrder starts the order's workflow where the record has it, unless there is one. After a run that has completed it never does.
	RestartOrder(ctx context.Context, st order.Status, plan Plan, at time.Time) (started bool, err error)
}

// Reconciling compares what the record holds with what the engine runs, and mends what can be mended without a doubt.
type Reconciling struct {
	Records ReconcileRecords
	Engine  Engine
	Policy  policy.Book
	Clock   func() time.Time
}

const (
	// comparePage is how many open orders one activity compares: even if each has to be started again, it ends within its time.
	comparePage = 200
	// lastNumber is the highest order number there can be.
	lastNumber = "9999999999"
	// mailPatience is how long an order that has ended, or a letter's own workflow, may still be busy with mail: delivery is tried for five days.
	mailPatience = 6 * 24 * time.Hour
	// postAfter is how long a letter may lie in the outbox before somebody looks whether anything delivers it.
	postAfter = time.Hour
	// postPage is how many letters one activity takes.
	postPage = 100
)

// CompareInput says where the last page ended.
type CompareInput struct {
	After string `json:"after,omitempty"` // order number
}

// CompareResult counts what a page came to.
type CompareResult struct {
	Open      int `json:"open"`                // orders that have not ended, by the record
	Restarted int `json:"restarted,omitempty"` // had no workflow and have one again
	Ended     int `json:"ended,omitempty"`     // their workflow has ended without the record: for staff
	Stray     int `json:"stray,omitempty"`     // workflows of what is not open: for operators

	Next string `json:"next,omitempty"` // empty: this was the last page
}

// CompareOrders compares a page of open orders with the workflows in the same range of numbers, in both directions. The engine's list is
// cheap and may lag behind; whatever differs in it is asked for one by one, and read from the record again, before anything is done.
func (r *Reconciling) CompareOrders(ctx context.Context, in CompareInput) (CompareResult, error) {
	open, err := r.Records.OpenOrders(ctx, in.After, comparePage)
	if err != nil {
		return CompareResult{}, err
	}
	out, to := CompareResult{Open: len(open)}, lastNumber
	if len(open) == comparePage {
		to = open[len(open)-1].Number
		out.Next = to
	}
	running, err := r.Engine.RunningOrders(ctx, in.After, to)
	if err != nil {
		return out, err
	}
	isRunning, isOpen := map[string]bool{}, map[string]bool{}
	for _, n := range running {
		isRunning[n] = true
	}
	for _, o := range open {
		isOpen[o.Number] = true
		if !isRunning[o.Number] {
			if err := r.missing(ctx, o.Number, &out); err != nil {
				return out, err
			}
		}
	}
	running = slices.DeleteFunc(running, func(n string) bool { return isOpen[n] })
	out.Stray, err = r.strays(ctx, running)
	return out, err
}

// missing settles an open order that is not in the list of open workflows.
func (r *Reconciling) missing(ctx context.Context, number string, out *CompareResult) error {
	run, err := r.Engine.OrderRun(ctx, number)
	if err != nil || run == RunOpen {
		return err
	}
	st, err := r.Records.Order(ctx, number)
	if err != nil || st.State.Final() { // it has ended between the two looks
		return err
	}
	now := r.Clock()
	if !run.cutOff() {
		out.Ended++
		return r.report(ctx, number, order.DriftEnded, string(run), now)
	}
	started, err := r.Engine.RestartOrder(ctx, st, planOf(st, r.Policy.At(now)), now)
	if err != nil || !started {
		return err
	}
	out.Restarted++
	return r.report(ctx, number, order.DriftRestarted, string(run), now)
}

// strays counts the open workflows among these whose order is not open, and not for as long as its last mail could take.
func (r *Reconciling) strays(ctx context.Context, numbers []string) (stray int, err error) {
	if len(numbers) == 0 {
		return 0, nil
	}
	known, err := r.Records.Standings(ctx, numbers)
	if err != nil {
		return 0, err
	}
	now := r.Clock()
	fine := map[string]bool{}
	for _, k := range known {
		over := k.State == "" || k.State.Final()
		fine[k.Number] = !over || now.Sub(k.Since) < mailPatience
	}
	for _, n := range numbers {
		if fine[n] {
			continue
		}
		run, err := r.Engine.OrderRun(ctx, n)
		if err != nil {
			return stray, err
		}
		if run != RunOpen { // it has ended since it was listed
			continue
		}
		stray++
		if err := r.report(ctx, n, order.DriftStray, string(run), now); err != nil {
			return stray, err
		}
	}
	return stray, nil
}

// report tells operators by the log and keeps a line in the audit trail.
func (r *Reconciling) report(ctx context.Context, number string, d order.Drift, run string, at time.Time) error {
	noted, err := r.Records.NoteDrift(ctx, number, d, run, at)
	if noted {
		activity.GetLogger(ctx).Warn("Record and engine disagree", "order", number, "drift", string(d), "run", run)
	}
	return err
}

// WaitingInput says where the last page ended.
type WaitingInput struct {
	After *order.PendingLetter `json:"after,omitempty"`
}

// WaitingResult counts what a page came to.
type WaitingResult struct {
	Waiting  int `json:"waiting"`            // letters that had waited for long with no order's workflow to deliver them; each is on its way now
	Unposted int `json:"unposted,omitempty"` // of them: could not be started

	Next *order.PendingLetter `json:"next,omitempty"` // nil: this was the last page
}

// PostWaiting starts the delivery of letters that have lain in the outbox for an hour and that no order's workflow will deliver. Those that
// are on their way stay so; those that have been tried for days are left to staff.
func (r *Reconciling) PostWaiting(ctx context.Context, in WaitingInput) (WaitingResult, error) {
	now := r.Clock()
	q := order.PendingQuery{From: now.Add(-mailPatience), To: now.Add(-postAfter), Limit: postPage}
	if in.After != nil {
		q.From, q.AfterID = in.After.CreatedAt, in.After.ID
	}
	letters, err := r.Records.WaitingLetters(ctx, q)
	if err != nil {
		return WaitingResult{}, err
	}
	var out WaitingResult
	runs := map[string]Run{}
	for _, l := range letters {
		if _, asked := runs[l.Order]; !asked {
			if runs[l.Order], err = r.Engine.OrderRun(ctx, l.Order); err != nil {
				return out, err
			}
		}
		if runs[l.Order] != RunOpen {
			out.Waiting++
			out.Unposted += postAll(ctx, r.Engine, l.Order, []string{l.ID})
		}
	}
	if len(letters) == postPage {
		out.Next = &letters[len(letters)-1]
	}
	return out, nil
}

// ForgetInput is empty.
type ForgetInput struct{}

// ForgetResult counts the submissions that were deleted.
type ForgetResult struct {
	Forgotten int `json:"forgotten"`
}

// ForgetSubmissions deletes what was handed in long ago and never became an order, with its personal data.
func (r *Reconciling) ForgetSubmissions(ctx context.Context, _ ForgetInput) (ForgetResult, error) {
	now := r.Clock()
	n, err := r.Records.ForgetSubmissions(ctx, now.Add(-r.Policy.At(now).SubmissionRetention))
	return ForgetResult{Forgotten: n}, err
}
