package engine

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// Numbers gives an order number to a submission, the same for the same idempotency key, and says whether it has become an order
// already. It refuses a bad voucher before anything is written.
type Numbers interface {
	ReserveNumber(ctx context.Context, s order.Submission) (number string, accepted bool, err error)
}

// Orders is the door to the workflows for everything that is not a worker.
type Orders struct {
	Client  client.Client
	Numbers Numbers
}

// Submit hands in an application and returns once the voucher is accepted or refused. The same key again is the same order,
// whether the first call's answer arrived or not. A refusal is asked for once more, since it may be the stored answer of an earlier
// attempt whose voucher has come back meanwhile.
func (o *Orders) Submit(ctx context.Context, s order.Submission) (order.Receipt, error) {
	receipt, err := o.persist(ctx, s, workflows.SubmitUpdate)
	if fault.KindOf(err) == fault.Conflict {
		return o.persist(ctx, s, uuid.NewString())
	}
	return receipt, err
}

// persist submits until the server answers or ctx ends, under one update id, so that a restart of the server in between counts once.
func (o *Orders) persist(ctx context.Context, s order.Submission, updateID string) (order.Receipt, error) {
	for {
		receipt, err := o.submit(ctx, s, updateID)
		if !errors.Is(err, Unreachable(nil)) || !pause(ctx) {
			return receipt, err
		}
	}
}

// submit reserves a number and starts the order, or joins the one that was started. Calls under one update id share one answer.
func (o *Orders) submit(ctx context.Context, s order.Submission, updateID string) (order.Receipt, error) {
	number, accepted, err := o.Numbers.ReserveNumber(ctx, s)
	if err != nil {
		return order.Receipt{}, err
	}
	if accepted {
		return order.Receipt{Number: number, Repeated: true}, nil
	}
	start := o.Client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID:                       workflows.OrderID(number),
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, // only a refused submission gets here again
		StaticSummary:            "Secure Mail ID order " + number,
		TypedSearchAttributes:    temporal.NewSearchAttributes(workflows.OrderState.ValueSet(string(order.Accepted))),
	}, workflows.OrderType, workflows.OrderInput{Number: number})
	handle, err := o.Client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			UpdateID: updateID, UpdateName: workflows.SubmitUpdate, Args: []any{workflows.SubmitInput{}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err != nil {
		return order.Receipt{}, translate(err)
	}
	var receipt order.Receipt
	if err := handle.Get(ctx, &receipt); err != nil {
		return order.Receipt{}, translate(err)
	}
	return receipt, nil
}

// Command sends a command as an Update and returns its outcome, or the fault for which it was refused. The call is repeated
// under one update id until ctx ends, so that a restart of the server in between applies it once.
func (o *Orders) Command(ctx context.Context, number string, c order.Command) (order.Outcome, error) {
	update := client.UpdateWorkflowOptions{
		WorkflowID: workflows.OrderID(number), UpdateID: uuid.NewString(), UpdateName: string(c.Name()), Args: []any{c},
		WaitForStage: client.WorkflowUpdateStageCompleted,
	}
	for {
		out, err := o.update(ctx, update)
		if !unreachable(err) || !pause(ctx) {
			return out, translate(err)
		}
	}
}

// update is one try, which lasts a minute at most: then the SDK gives up on a server that does not answer.
func (o *Orders) update(ctx context.Context, u client.UpdateWorkflowOptions) (order.Outcome, error) {
	handle, err := o.Client.UpdateWorkflow(ctx, u)
	if err != nil {
		return order.Outcome{}, err
	}
	var out order.Outcome
	err = handle.Get(ctx, &out)
	return out, err
}

// pause waits a moment before the next try, and reports whether there is time for one.
func pause(ctx context.Context) bool {
	moment := time.NewTimer(time.Second)
	defer moment.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-moment.C:
		return true
	}
}

// Signal sends a command as a Signal: it is on its way, and the order's status shows what became of it.
func (o *Orders) Signal(ctx context.Context, number string, c order.Command) error {
	return translate(o.Client.SignalWorkflow(ctx, workflows.OrderID(number), "", string(c.Name()), c))
}

// Post starts the delivery of a letter that lies in the outbox. It may be called again: while the letter is on its way nothing more is
// started, and a letter that has been delivered is not sent twice.
func (o *Orders) Post(ctx context.Context, number, letter string) error {
	_, err := o.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       workflows.PostID(letter),
		TaskQueue:                workflows.TaskQueue,
		WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowIDReusePolicy:    enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
		StaticSummary:            "Secure Mail ID order " + number + ", one mail",
	}, workflows.PostType, activities.PostInput{Number: number, Letter: letter})
	return translate(err)
}

// Ping reports whether the server answers: nil, or a fault of kind Unavailable.
func (o *Orders) Ping(ctx context.Context) error {
	if _, err := o.Client.CheckHealth(ctx, &client.CheckHealthRequest{}); err != nil {
		return Unreachable(err)
	}
	return nil
}

// translate turns errors of the Temporal client into faults.
func translate(err error) error {
	if err == nil {
		return nil
	}
	if err = activities.FromTemporal(err); fault.KindOf(err) != fault.Internal {
		return err
	}
	if _, ok := errors.AsType[*serviceerror.NotFound](err); ok {
		return fault.New(fault.NotFound, "order.not-running", "進行中のオーダーが見つかりません。番号をご確認ください。すでに終了している場合もあります。",
			"No order under way has this number. Check the number; the order may also have ended.").Because(err)
	}
	if unreachable(err) {
		return Unreachable(err)
	}
	return err
}

func unreachable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	switch {
	case is[*serviceerror.Unavailable](err), is[*serviceerror.DeadlineExceeded](err), is[*serviceerror.ResourceExhausted](err),
		is[*client.WorkflowUpdateServiceTimeoutOrCanceledError](err):
		return true
	default:
		return false
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// Unreachable is the fault for a Temporal server that could not be dialled.
func Unreachable(cause error) error {
	return fault.New(fault.Unavailable, "engine.unavailable", "受付システムに接続できません。しばらくしてから同じ内容でもう一度お試しください。",
		"The order system does not answer. Try the same again in a while; nothing is counted twice.").Because(cause)
}
