package activities

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"securemailid.example/internal/fault"
)

// ToTemporal translates err at the border to Temporal: a fault becomes an ApplicationError of its kind, not retryable where
// trying again cannot help, with the fault as detail. Other errors become internal ones whose text is hidden, because failure
// messages lie in clear in the history.
func ToTemporal(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*temporal.ApplicationError](err); ok || temporal.IsCanceledError(err) {
		return err
	}
	f := fault.Public(err)
	return temporal.NewApplicationErrorWithOptions(f.Text.EN, string(f.Kind), temporal.ApplicationErrorOptions{
		NonRetryable: fault.Permanent(f),
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
