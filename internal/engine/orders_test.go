package engine

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/mocks"

	"securemailid.example/activities"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

var confirmed = order.RepresentativeConfirmed{Actor: order.Actor{Actor: "staff/test"}}

// server is a client whose updates are answered by one error after the other, then by success. It keeps the update ids.
func server(t *testing.T, errs ...error) (orders *Orders, ids *[]string) {
	t.Helper()
	handle, c := mocks.NewWorkflowUpdateHandle(t), mocks.NewClient(t)
	handle.On("Get", mock.Anything, mock.Anything).Return(nil).Maybe()
	ids = &[]string{}
	c.On("UpdateWorkflow", mock.Anything, mock.Anything).Return(
		func(_ context.Context, o client.UpdateWorkflowOptions) (client.WorkflowUpdateHandle, error) {
			*ids = append(*ids, o.UpdateID)
			if n := len(*ids); n <= len(errs) {
				return nil, errs[n-1]
			}
			return handle, nil
		})
	return &Orders{Client: c}, ids
}

func TestACommandIsRepeatedUnderOneIDUntilTheServerAnswers(t *testing.T) {
	t.Parallel()
	orders, ids := server(t, client.NewWorkflowUpdateServiceTimeoutOrCanceledError(errors.New("a minute is over")), serviceerror.NewUnavailable("down"))
	_, err := orders.Command(t.Context(), "1000000001", confirmed)
	require.NoError(t, err)
	require.Len(t, *ids, 3)
	require.Equal(t, (*ids)[0], (*ids)[1])
	require.Equal(t, (*ids)[0], (*ids)[2])
}

func TestARefusedCommandIsNotRepeated(t *testing.T) {
	t.Parallel()
	why := fault.New(fault.Conflict, "order.ended", "終了しています。", "It has ended.")
	orders, ids := server(t, activities.ToTemporal(why))
	_, err := orders.Command(t.Context(), "1000000001", confirmed)
	require.ErrorIs(t, err, why)
	require.Len(t, *ids, 1)
}

func TestACommandEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	orders, _ := server(t, serviceerror.NewUnavailable("down"))
	_, err := orders.Command(ctx, "1000000001", confirmed)
	require.ErrorIs(t, err, fault.New(fault.Unavailable, "engine.unavailable", "", ""))
}

// numbers gives every submission the same number.
type numbers struct{}

func (numbers) ReserveNumber(context.Context, order.Submission) (string, bool, error) {
	return "1000000001", false, nil
}

func TestASubmissionIsRepeatedUnderOneIDUntilTheServerAnswers(t *testing.T) {
	t.Parallel()
	handle, c := mocks.NewWorkflowUpdateHandle(t), mocks.NewClient(t)
	handle.On("Get", mock.Anything, mock.Anything).Return(nil)
	c.On("NewWithStartWorkflowOperation", mock.Anything, mock.Anything, mock.Anything).Return(nil)
	var ids []string
	c.On("UpdateWithStartWorkflow", mock.Anything, mock.Anything).Return(
		func(_ context.Context, o client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
			if ids = append(ids, o.UpdateOptions.UpdateID); len(ids) == 1 {
				return nil, serviceerror.NewUnavailable("down")
			}
			return handle, nil
		})
	_, err := (&Orders{Client: c, Numbers: numbers{}}).Submit(t.Context(), order.Submission{})
	require.NoError(t, err)
	require.Len(t, ids, 2)
	require.Equal(t, ids[0], ids[1])
}

// TestPostStartsOneDeliveryOfALetter: asked for twice, the letter is still one workflow; and an engine that is away says so.
func TestPostStartsOneDeliveryOfALetter(t *testing.T) {
	t.Parallel()
	c := mocks.NewClient(t)
	in := activities.PostInput{Number: "1000000001", Letter: "0197f1f2"}
	c.On("ExecuteWorkflow", mock.Anything, mock.MatchedBy(func(o client.StartWorkflowOptions) bool {
		return o.ID == "post-0197f1f2" && o.WorkflowIDConflictPolicy == enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING &&
			o.WorkflowIDReusePolicy == enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE // staff may have it sent again after five days
	}), "Post", in).Return(nil, nil).Once()
	orders := &Orders{Client: c}
	require.NoError(t, orders.Post(t.Context(), in.Number, in.Letter))

	down := fault.New(fault.Unavailable, "engine.unavailable", "", "")
	c.On("ExecuteWorkflow", mock.Anything, mock.Anything, "Post", in).Return(nil, serviceerror.NewUnavailable("down")).Once()
	require.ErrorIs(t, orders.Post(t.Context(), in.Number, in.Letter), down)
	c.On("CheckHealth", mock.Anything, mock.Anything).Return(nil, errors.New("connection refused")).Once()
	require.ErrorIs(t, orders.Ping(t.Context()), down)
}
