package e2e_test

import (
	"errors"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

var (
	staff     = order.Actor{Actor: "staff/test"}
	applicant = order.Actor{Actor: "applicant"}

	numberVerified = order.PhoneNumberVerified{
		Actor: staff, Number: "+81312345600", Source: order.SourceGovernment, Reference: "register of the ministry",
	}
	reached   = order.RepresentativeReached{Actor: staff, How: order.ReachedByTransfer}
	confirmed = order.RepresentativeConfirmed{Actor: staff}
)

// phoneSteps are the three commands of G20.
func phoneSteps() []order.Command { return []order.Command{numberVerified, reached, confirmed} }

// command sends a command as an Update, which must succeed.
func (w *world) command(number string, c order.Command) order.Outcome {
	w.t.Helper()
	out, err := w.desk.Orders.Command(w.ctx, number, c)
	require.NoError(w.t, err)
	return out
}

// refused sends a command as an Update, which must be refused, and returns why.
func (w *world) refused(number string, c order.Command) *fault.Error {
	w.t.Helper()
	_, err := w.desk.Orders.Command(w.ctx, number, c)
	f, ok := errors.AsType[*fault.Error](err)
	require.Truef(w.t, ok, "no fault but %v", err)
	require.NotEmpty(w.t, f.Text.JA)
	require.NotEmpty(w.t, f.Text.EN)
	return f
}

// signal sends a command as a Signal.
func (w *world) signal(number string, c order.Command) {
	w.t.Helper()
	require.NoError(w.t, w.desk.Orders.Signal(w.ctx, number, c))
}

// phone takes the three phone steps as signals.
func (w *world) phone(number string) {
	w.t.Helper()
	for _, c := range phoneSteps() {
		w.signal(number, c)
	}
}
