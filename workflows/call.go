package workflows

import (
	"context"

	"go.temporal.io/sdk/workflow"
)

// call runs an activity with types: what goes in and what comes out are those of the activity, checked by the compiler.
func call[In, Out any](ctx workflow.Context, o workflow.ActivityOptions, activity func(context.Context, In) (Out, error), in In) (Out, error) {
	return start(ctx, o, activity, in).get(ctx)
}

// pending is an activity under way.
type pending[Out any] struct{ future workflow.Future }

// start schedules an activity and returns at once.
func start[In, Out any](ctx workflow.Context, o workflow.ActivityOptions, activity func(context.Context, In) (Out, error), in In) pending[Out] {
	return pending[Out]{workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), activity, in)}
}

func (p pending[Out]) ready() bool { return p.future.IsReady() }

func (p pending[Out]) get(ctx workflow.Context) (Out, error) {
	var out Out
	err := p.future.Get(ctx, &out)
	return out, err
}
