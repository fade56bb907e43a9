package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"

	"securemailid.example/internal/fault"
)

// Border is the worker interceptor at which every activity's error is translated, once: the details go to the log, what
// Temporal keeps in clear is fit to be shown.
type Border struct {
	interceptor.WorkerInterceptorBase
}

// InterceptActivity puts the border around an activity.
func (*Border) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &borderControl{interceptor.ActivityInboundInterceptorBase{Next: next}}
}

type borderControl struct {
	interceptor.ActivityInboundInterceptorBase
}

// ExecuteActivity runs the activity and translates its error.
func (b *borderControl) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := b.Next.ExecuteActivity(ctx, in)
	if _, translated := errors.AsType[*temporal.ApplicationError](err); err != nil && !translated {
		activity.GetLogger(ctx).Warn("Activity failed", "detail", fault.Detail(err))
	}
	return out, ToTemporal(err)
}

// ToTemporal translates err at the border to Temporal: a fault becomes an ApplicationError of its kind, not retryable where
// trying again cannot help or, with a limit, only keeps whoever waits for the answer; with the fault as detail. An ApplicationError that
// carries no fault beside it stays what it is. Other errors become internal ones whose text is hidden, because failure messages lie in clear
// in the history.
func ToTemporal(err error) error {
	if err == nil || temporal.IsCanceledError(err) {
		return err
	}
	// A fault that FromTemporal gave back has the ApplicationError that brought it as its cause: the fault counts.
	_, isFault := errors.AsType[*fault.Error](err)
	if _, ok := errors.AsType[*temporal.ApplicationError](err); ok && !isFault {
		return err
	}
	f := fault.Public(err)
	return temporal.NewApplicationErrorWithOptions(f.Text.EN, string(f.Kind), temporal.ApplicationErrorOptions{
		NonRetryable: fault.Permanent(f) || f.Kind == fault.TooMany,
		Details:      []any{f},
	})
}

// FromTemporal gives back the fault that ToTemporal put into an error of an activity or an update. An error that carries none
// is returned as it is.
func FromTemporal(err error) error {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || !app.HasDetails() {
		return err
	}
	var f *fault.Error
	if app.Details(&f) != nil || f == nil || f.Code == "" {
		return err
	}
	return f.Because(err)
}
