package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"

	"securemailid.example/activities"
	"securemailid.example/internal/config"
	"securemailid.example/internal/engine"
	"securemailid.example/internal/store"
	"securemailid.example/workflows"
)

// Worker runs orders: workflows and activities on the task queue of orders, polls and mail on that of the outside world, and, where it
// holds the CA key, signing.
type Worker struct {
	Config config.Worker
	Logger *slog.Logger
	Clock  func() time.Time // nil: time.Now
}

// cachedOrders bounds the memory of a worker, at some 100 kB an order: an order that waits for weeks is replayed when it wakes.
const cachedOrders = 2000

// stopTimeout lets an activity under way end before the worker does: above the longest normal one, a look at a slow domain.
const stopTimeout = 35 * time.Second

// Run works until ctx ends, then lets what is under way end. It starts only with complete settings and a record that answers.
func (w *Worker) Run(ctx context.Context) error {
	if w.Clock == nil {
		w.Clock = time.Now
	}
	records, err := store.Open(ctx, w.Config.Database.URL)
	if err != nil {
		return err
	}
	defer func() { _ = records.Disconnect() }()
	p, err := w.build(records)
	if err != nil {
		return err
	}
	defer func() { _ = p.prober.Close() }()
	if p.signing != nil {
		if err := w.publishFirst(ctx, p.signing.Publishing); err != nil {
			return err
		}
	}
	c, err := engine.Dial(ctx, w.Config.Temporal, w.Logger)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := engine.EnsureSearchAttributes(ctx, c, engine.Namespace()); err != nil {
		return err
	}
	if err := engine.EnsureSchedules(ctx, c); err != nil {
		return err
	}
	orders := &engine.Orders{Client: c}
	p.connect(orders)
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	workers, err := w.start(c, p, fail)
	if err != nil {
		return err
	}
	defer stopAll(workers)
	w.Logger.Info("worker is ready", "signing", w.Config.Signing, "policy", string(w.Config.Policy))
	err = serveHealth(ctx, w.Config.Health, records.Ping)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("polling ended: %w", cause)
	}
	return err
}

// publishFirst makes the issuing CAs known and publishes the lists that are due. One that cannot be published now keeps nobody from working: a
// Schedule tries it every hour and says so.
func (w *Worker) publishFirst(ctx context.Context, p *activities.Publishing) error {
	if err := p.Register(ctx); err != nil {
		return err
	}
	if _, err := p.PublishCRLs(ctx, activities.PublishInput{IfDue: true}); err != nil {
		w.Logger.ErrorContext(ctx, "a revocation list could not be published at the start", "error", err)
	}
	return nil
}

// start begins polling. Slots are fixed and few: on small machines more of them only wait for the database.
func (w *Worker) start(c client.Client, p parts, fail context.CancelCauseFunc) ([]worker.Worker, error) {
	worker.SetStickyWorkflowCacheSize(cachedOrders)
	border := []interceptor.WorkerInterceptor{&activities.Border{}}
	orders := worker.New(c, workflows.TaskQueue, worker.Options{
		MaxConcurrentActivityExecutionSize:     w.Config.Concurrency,
		MaxConcurrentWorkflowTaskExecutionSize: w.Config.Concurrency,
		MaxConcurrentActivityTaskPollers:       8,
		MaxConcurrentWorkflowTaskPollers:       8,
		WorkerStopTimeout:                      stopTimeout,
		Interceptors:                           border,
		OnFatalError:                           fail,
		DeadlockDetectionTimeout:               10 * time.Second, // a busy machine is no deadlock
	})
	workflows.Register(orders, p.orders)
	outbound := worker.New(c, workflows.OutboundQueue, worker.Options{
		MaxConcurrentActivityExecutionSize: w.Config.Concurrency,
		MaxConcurrentActivityTaskPollers:   4,
		DisableWorkflowWorker:              true,
		WorkerStopTimeout:                  stopTimeout,
		Interceptors:                       border,
		OnFatalError:                       fail,
	})
	workflows.RegisterOutbound(outbound, p.orders)
	workers := []worker.Worker{orders, outbound}
	if p.signing != nil {
		signing := worker.New(c, workflows.SigningQueue, worker.Options{
			MaxConcurrentActivityExecutionSize: 4, // the key, or the HSM behind it, is one
			DisableWorkflowWorker:              true,
			WorkerStopTimeout:                  stopTimeout,
			Interceptors:                       border,
			OnFatalError:                       fail,
		})
		workflows.RegisterSigning(signing, *p.signing)
		workers = append(workers, signing)
		for _, issuing := range p.ca.All() {
			workers = append(workers, issuerWorker(c, issuing.ID(), *p.signing, border, fail))
		}
	}
	for i, each := range workers {
		if err := each.Start(); err != nil {
			stopAll(workers[:i])
			return nil, fmt.Errorf("start polling: %w", err)
		}
	}
	return workers, nil
}

// issuerWorker polls for what only the key of one issuing CA can sign. Its lists queue behind each other anyway.
func issuerWorker(c client.Client, id string, s workflows.Signing, border []interceptor.WorkerInterceptor, fail context.CancelCauseFunc) worker.Worker {
	w := worker.New(c, workflows.IssuerQueue(id), worker.Options{
		MaxConcurrentActivityExecutionSize: 2,
		MaxConcurrentActivityTaskPollers:   2,
		DisableWorkflowWorker:              true,
		WorkerStopTimeout:                  stopTimeout,
		Interceptors:                       border,
		OnFatalError:                       fail,
	})
	workflows.RegisterIssuer(w, s)
	return w
}

// stopAll stops workers at the same time, so that the whole takes as long as the slowest.
func stopAll(workers []worker.Worker) {
	var wait sync.WaitGroup
	for _, w := range workers {
		wait.Go(w.Stop)
	}
	wait.Wait()
}
