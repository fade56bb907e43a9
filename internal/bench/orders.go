package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	taskqueuepb "go.temporal.io/api/taskqueue/v1"

	"securemailid.example/internal/bench/stand"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

const (
	orderRounds   = 4
	ordersARound  = 120
	ordersAtATime = 48
	ordersPoll    = time.Second             // between two looks; the server does not retry sooner
	ordersPhone   = 3500 * time.Millisecond // from the form to the phone call, so that the domain is proved by then
)

// measureOrders compares whole orders, from the form to the end of the workflow with its last mail out, with bare workflows of the
// same events on the same server. PostgreSQL syncs to disk; DNS, mailbox and the users run in this process for both.
func measureOrders(ctx context.Context, _ settings, t *table) (err error) {
	s, err := stand.Open(ctx, stand.Options{Poll: ordersPoll})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close(context.WithoutCancel(ctx))) }()
	bare, err := startBareWorker(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.Stop(context.WithoutCancel(ctx))) }()
	database, err := postmaster(s.Options.Dir + "/postgres")
	if err != nil {
		return err
	}
	ours, limit := &orderRound{stand: s}, &bareRound{stand: s}
	c, err := takeTurns(ctx, orderRounds, side{ours.prepare, ours.run}, side{do: limit.run}, database)
	if err != nil {
		return err
	}
	t.compared("whole orders / bare workflows of the same events", "orders", c, 0.9)
	t.count("an order costs the engine", "%d events, %d state transitions, %d bytes of history", ours.Events, ours.Transitions, ours.Bytes)
	t.count("a bare workflow costs the engine", "%d events, %d state transitions, %d bytes of history", limit.Events, limit.Transitions, limit.Bytes)
	return nil
}

// orderRound carries orders.
type orderRound struct {
	stand.Cost // of one order
	stand      *stand.Stand
	forms      []order.Application
}

// prepare fills in the forms, and removes the last round's records, since the lab writes all of them at every change.
func (r *orderRound) prepare(ctx context.Context) error {
	for _, form := range r.forms {
		_, domain, _ := strings.Cut(form.CertificateEmail, "@")
		if err := r.stand.Lab.Remove(domain, "TXT"); err != nil {
			return err
		}
	}
	var err error
	r.forms, err = r.stand.Applications(ctx, order.DCVTXT, ordersARound)
	return err
}

func (r *orderRound) run(ctx context.Context) (float64, error) {
	numbers := make([]string, len(r.forms))
	rate, err := each(ctx, len(numbers), ordersAtATime, func(ctx context.Context, i int) (err error) {
		numbers[i], err = r.carry(ctx, r.forms[i])
		return err
	})
	if err != nil {
		return 0, err
	}
	r.Cost, err = r.stand.Cost(ctx, numbers[len(numbers)/2])
	return rate, err
}

// carry is one order, and what its people do.
func (r *orderRound) carry(ctx context.Context, form order.Application) (string, error) {
	phone := time.After(ordersPhone)
	receipt, err := r.stand.Desk.Submit(ctx, form, "")
	if err != nil {
		return "", err
	}
	var c dcv.Challenge
	err = proc.Await(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		c, err = r.stand.Desk.Records.Challenge(ctx, receipt.Number)
		return err
	})
	if err != nil {
		return "", err
	}
	if err := r.stand.Lab.SetTXT(c.Instruction().RecordName, c.Instruction().RecordValue); err != nil {
		return "", err
	}
	<-phone
	for _, step := range stand.PhoneSteps() {
		if err := r.stand.Command(ctx, receipt.Number, step); err != nil {
			return "", err
		}
	}
	return receipt.Number, r.stand.Temporal.GetWorkflow(ctx, workflows.OrderID(receipt.Number), "").Get(ctx, nil)
}

// bareRound carries bare workflows, driven as orders are.
type bareRound struct {
	stand.Cost // of one workflow
	stand      *stand.Stand
}

func (r *bareRound) run(ctx context.Context) (float64, error) {
	ids := make([]string, ordersARound)
	rate, err := each(ctx, len(ids), ordersAtATime, func(ctx context.Context, i int) (err error) {
		ids[i], err = r.carry(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	d, err := r.stand.Temporal.DescribeWorkflowExecution(ctx, ids[len(ids)/2], "")
	i := d.GetWorkflowExecutionInfo()
	r.Cost = stand.Cost{Events: i.GetHistoryLength(), Transitions: i.GetStateTransitionCount(), Bytes: i.GetHistorySizeBytes()}
	return rate, err
}

func (r *bareRound) carry(ctx context.Context) (string, error) {
	phone := time.After(ordersPhone)
	in := message{Number: uuid.NewString()}
	id := "bare-" + in.Number
	start := r.stand.Temporal.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: bareQueue, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary: "bare workflow", TypedSearchAttributes: temporal.NewSearchAttributes(workflows.OrderState.ValueSet("accepted")),
	}, bareType, in)
	submitted, err := r.stand.Temporal.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start, UpdateOptions: r.update(id, workflows.SubmitUpdate, in),
	})
	if err == nil {
		err = submitted.Get(ctx, nil)
	}
	if err != nil {
		return "", err
	}
	<-phone
	for range 3 {
		step, err := r.stand.Temporal.UpdateWorkflow(ctx, r.update(id, bareStep, in))
		if err == nil {
			err = step.Get(ctx, nil)
		}
		if err != nil {
			return "", err
		}
	}
	return id, r.stand.Temporal.GetWorkflow(ctx, id, "").Get(ctx, nil)
}

func (r *bareRound) update(id, name string, in message) client.UpdateWorkflowOptions {
	return client.UpdateWorkflowOptions{
		WorkflowID: id, UpdateID: uuid.NewString(), UpdateName: name, Args: []any{in}, WaitForStage: client.WorkflowUpdateStageCompleted,
	}
}

// startBareWorker runs this program again, as the worker of the bare workflow.
func startBareWorker(ctx context.Context, s *stand.Stand) (*proc.Process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return proc.Start(ctx, proc.Spec{
		Name: "bare worker", Path: path, Args: []string{"-bare-worker", s.Stack.Temporal.HostPort()}, Grace: 20 * time.Second,
		Ready: func(ctx context.Context) error {
			q, err := s.Temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
				Namespace: client.DefaultNamespace, TaskQueue: &taskqueuepb.TaskQueue{Name: bareSigningQueue}, TaskQueueType: enumspb.TASK_QUEUE_TYPE_ACTIVITY,
			})
			if err == nil && len(q.GetPollers()) == 0 {
				err = errors.New("it does not poll yet")
			}
			return err
		},
	})
}
