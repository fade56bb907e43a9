package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/workflows"
)

// The bare workflow costs the server what an order costs it, event by event, and does nothing: the same updates, activities, timer and
// search attributes, in the same order, on two task queues, with payloads of about the same size. What orders per second are
// measured against is how many of these the same server and the same kind of worker carry.
const (
	bareQueue        = "bare"
	bareSigningQueue = "bare-signing"
	bareType         = "Bare"
	bareStep         = "step"
)

// message is what goes in and out of everything bare.
type message struct {
	Number string `json:"number"`
	Text   string `json:"text,omitempty"`
}

const outcome = "記録しました。 / Recorded. It is about as long as the answers of an order are, in two languages."

// bareOrder mirrors workflows.Order on its way by a DNS record.
type bareOrder struct {
	ctx      workflow.Context
	lock     workflow.Mutex
	in       message
	accepted bool
	steps    int
}

func bareWorkflow(ctx workflow.Context, in message) (message, error) {
	o := &bareOrder{ctx: ctx, lock: workflow.NewMutex(ctx), in: in}
	if err := o.handlers(); err != nil {
		return message{}, err
	}
	if err := o.do(bareQueue, "redeem the voucher, record the order").Get(ctx, nil); err != nil {
		return message{}, err
	}
	o.accepted = true
	clock, stopClock := workflow.WithCancel(ctx)
	workflow.NewTimerWithOptions(clock, 90*24*time.Hour, workflow.TimerOptions{Summary: "next reminder"})
	if err := o.locked(ctx, func() error { return o.do(bareQueue, "challenge 1 by dns-txt, first").Get(ctx, nil) }); err != nil {
		return message{}, err
	}
	o.upsert("domain-validation")
	mail := o.do(bareQueue, "deliver mail")
	if err := o.poll().Get(ctx, nil); err != nil {
		return message{}, err
	}
	o.upsert("organization-validation")
	if err := workflow.Await(ctx, func() bool { return o.steps == 3 && mail.IsReady() }); err != nil {
		return message{}, err
	}
	if err := o.issue(stopClock); err != nil {
		return message{}, err
	}
	return message{Number: in.Number, Text: "issued"}, o.do(bareQueue, "deliver mail").Get(ctx, nil)
}

func (o *bareOrder) issue(stopClock workflow.CancelFunc) error {
	err := o.locked(o.ctx, func() error { return o.do(bareSigningQueue, "check CAA, lint, reserve").Get(o.ctx, nil) })
	if err != nil {
		return err
	}
	o.upsert("issuing")
	if err := o.do(bareSigningQueue, "sign the reserved certificate").Get(o.ctx, nil); err != nil {
		return err
	}
	stopClock()
	o.upsert("issued")
	return nil
}

func (o *bareOrder) handlers() error {
	err := workflow.SetUpdateHandler(o.ctx, bareStep, func(ctx workflow.Context, in message) (message, error) {
		if err := workflow.Await(ctx, func() bool { return o.accepted }); err != nil {
			return message{}, err
		}
		err := o.locked(ctx, func() error { return o.do(bareQueue, "record phone-number-verified").Get(ctx, nil) })
		o.steps++
		return message{Number: in.Number, Text: outcome}, err
	})
	if err != nil {
		return err
	}
	return workflow.SetUpdateHandler(o.ctx, workflows.SubmitUpdate, func(ctx workflow.Context, in message) (message, error) {
		return in, workflow.Await(ctx, func() bool { return o.accepted })
	})
}

func (o *bareOrder) locked(ctx workflow.Context, do func() error) error {
	if err := o.lock.Lock(ctx); err != nil {
		return err
	}
	defer o.lock.Unlock()
	return do()
}

func (o *bareOrder) do(queue, summary string) workflow.Future {
	return workflow.ExecuteActivity(workflow.WithActivityOptions(o.ctx, workflow.ActivityOptions{
		TaskQueue: queue, StartToCloseTimeout: 30 * time.Second, Summary: summary,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumInterval: time.Minute},
	}), bareActivity, o.in)
}

func (o *bareOrder) poll() workflow.Future {
	return workflow.ExecuteActivity(workflow.WithActivityOptions(o.ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Minute, Summary: "poll dns-txt",
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Minute, BackoffCoefficient: 1, MaximumInterval: time.Minute},
	}), barePoll, o.in)
}

func (o *bareOrder) upsert(state string) {
	now := workflow.Now(o.ctx)
	err := workflow.UpsertTypedSearchAttributes(o.ctx, workflows.OrderState.ValueSet(state), workflows.WaitingOn.ValueSet("nobody"),
		workflows.WaitingSince.ValueSet(now), workflows.NeedsStaff.ValueSet(false), workflows.DeadlineAt.ValueSet(now))
	if err != nil {
		workflow.GetLogger(o.ctx).Error("Search attributes could not be written", "error", err)
	}
}

func bareActivity(_ context.Context, in message) (message, error) {
	return message{Number: in.Number, Text: outcome}, nil
}

// barePoll finds what it looks for at the second look, as an order's poll does whose applicant is quick.
func barePoll(ctx context.Context, in message) (message, error) {
	if activity.GetInfo(ctx).Attempt > 1 {
		return message{Number: in.Number, Text: outcome}, nil
	}
	return message{}, temporal.NewApplicationErrorWithOptions("dns-txt: missing", "not-yet", temporal.ApplicationErrorOptions{
		Category: temporal.ApplicationErrorCategoryBenign, NextRetryDelay: ordersPoll,
	})
}

// runBareWorker is a worker process with the options of the real one (internal/app), until it is told to stop.
func runBareWorker(hostPort string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c, err := client.DialContext(ctx, client.Options{HostPort: hostPort, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler))})
	if err != nil {
		return err
	}
	defer c.Close()
	orders := worker.New(c, bareQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: 100, MaxConcurrentWorkflowTaskExecutionSize: 100,
		MaxConcurrentActivityTaskPollers: 8, MaxConcurrentWorkflowTaskPollers: 8, DeadlockDetectionTimeout: 10 * time.Second,
	})
	orders.RegisterWorkflowWithOptions(bareWorkflow, workflow.RegisterOptions{Name: bareType})
	signing := worker.New(c, bareSigningQueue, worker.Options{MaxConcurrentActivityExecutionSize: signers, DisableWorkflowWorker: true})
	for _, w := range []worker.Worker{orders, signing} {
		w.RegisterActivity(bareActivity)
		w.RegisterActivity(barePoll)
		if err := w.Start(); err != nil {
			return err
		}
		defer w.Stop() //nolint:gocritic // both stop when the function ends, which is what is wanted
	}
	<-ctx.Done()
	return nil
}
