package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"
)

// Every timeout and retry policy of the program, each with its reason. Activities without a MaximumAttempts are tried until they
// succeed or fail for good: what an order waits for is ended by a workflow timer, never by an activity timeout, because a paused
// activity does not time out and a deadline shorter than the next delay ends it at once.

// recordOptions is for activities that read and write the record. PostgreSQL may be away for hours; a statement is bounded by
// its own timeout of seconds.
func recordOptions(summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
		Summary:             summary,
	}
}

// lookOptions is for activities that ask somebody else's servers: WHOIS, DNS, web. A minute covers their slowest answer.
func lookOptions(summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: 10 * time.Minute},
		Summary:             summary,
	}
}

// pollOptions is for the one activity that polls for days. The activity itself says when to look again; this interval counts
// only when it could not look at all.
func pollOptions(summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:           OutboundQueue,
		StartToCloseTimeout: time.Minute,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Minute, BackoffCoefficient: 1, MaximumInterval: time.Minute},
		Summary:             summary,
	}
}

// askedOptions is for a look that a person waits for: three tries, then they hear that it did not work.
func askedOptions(summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		StartToCloseTimeout: 30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumInterval: time.Second, MaximumAttempts: 3},
		Summary:             summary,
	}
}

// glanceOptions is for a look that what follows can do without: a minute, whatever it is that does not answer.
func glanceOptions(summary string) workflow.ActivityOptions {
	o := askedOptions(summary)
	o.ScheduleToCloseTimeout = time.Minute
	return o
}

// prepareOptions is for preparing a certificate, on the queue of the workers that hold the CA key. The order's lock is held
// meanwhile and staff wait, so it gives up within minutes: the resolver, the key or the worker may be away for hours, and then the order
// shows that it is blocked and tries again by itself.
func prepareOptions(summary string) workflow.ActivityOptions {
	o := recordOptions(summary)
	o.TaskQueue = SigningQueue
	o.StartToCloseTimeout = time.Minute
	o.ScheduleToStartTimeout = time.Minute
	o.RetryPolicy.MaximumAttempts = 4
	return o
}

// signOptions is for signing: an attempt that nobody takes up is given up as well, since another one signs the same bytes.
func signOptions(summary string) workflow.ActivityOptions {
	return prepareOptions(summary)
}

// publishOptions is for signing and publishing revocation lists, on the queue of the workers that hold the CA keys. It is tried until it
// succeeds: those who wait have a clock of their own, and several issuing CAs may be signed for in one go.
func publishOptions(summary string) workflow.ActivityOptions {
	o := recordOptions(summary)
	o.TaskQueue = SigningQueue
	o.StartToCloseTimeout = 2 * time.Minute
	return o
}

// listOptions is publishOptions for the list of one issuing CA, on the queue of the workers that hold its key.
func listOptions(issuer string) workflow.ActivityOptions {
	o := publishOptions("publish the list of " + issuer)
	o.TaskQueue = IssuerQueue(issuer)
	return o
}

// scheduledListOptions is listOptions for a Schedule that comes again within the hour: a run ends before the next, which would be skipped
// otherwise, and with it the lists of all issuing CAs.
func scheduledListOptions(issuer string) workflow.ActivityOptions {
	o := listOptions(issuer)
	o.ScheduleToCloseTimeout = 50 * time.Minute
	return o
}

// mailOptions retries for as long as mail servers do: five days, at most every half hour. Then the letters stay in the outbox,
// where staff see them and may have them sent again.
func mailOptions(summary string) workflow.ActivityOptions {
	return workflow.ActivityOptions{
		TaskQueue:              OutboundQueue,
		StartToCloseTimeout:    5 * time.Minute,
		ScheduleToCloseTimeout: 5 * 24 * time.Hour,
		RetryPolicy:            &temporal.RetryPolicy{InitialInterval: 5 * time.Second, BackoffCoefficient: 2, MaximumInterval: 30 * time.Minute},
		Summary:                summary,
	}
}

const (
	// blockedRetry is how long issuance waits after it was forbidden (CAA, lint) before it looks again by itself. CAA records
	// change within hours; a correction by staff is taken up at once.
	blockedRetry = time.Hour
	// awayRetry is the same where nothing forbade it: the resolver, the CA key or the record did not answer.
	awayRetry = 5 * time.Minute
	// publishRetry is how long a revocation waits after its list was refused for good; then somebody may have mended what was wrong.
	publishRetry = 5 * time.Minute
	// lookAgain is how often a revocation that waits for staff looks into the record unasked.
	lookAgain = 24 * time.Hour
	// checkInterval is the shortest time between two checks that are asked for by hand.
	checkInterval = 10 * time.Second
	// maxRefusals bounds the refused messages that are recorded one by one in a run; later ones are only logged.
	maxRefusals = 100
	// shownName is how much is kept of the name of a signal that no command bears, in characters.
	shownName = 60
	// shownRefusals is how many of them the current details show.
	shownRefusals = 5
)
