package activities

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"securemailid.example/internal/fault"
)

var taken = fault.New(fault.Conflict, "voucher.used", "使用済みです。", "used")

func TestAFaultComesThroughTheBorderAndBackAsOftenAsItIsPassedOn(t *testing.T) {
	t.Parallel()
	err := error(taken.Because(errors.New("the row of a database")))
	for range 3 { // activity to workflow, workflow to update, update to caller
		err = ToTemporal(err)
		app, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(t, ok)
		require.Equal(t, string(fault.Conflict), app.Type())
		require.True(t, app.NonRetryable())
		require.NotContains(t, err.Error(), "database")
		err = FromTemporal(err)
		require.ErrorIs(t, err, taken)
		require.Equal(t, taken.Text, fault.Public(err).Text)
	}
}

func TestWhatNobodyExpectedCrossesTheBorderWithoutItsText(t *testing.T) {
	t.Parallel()
	err := ToTemporal(errors.New("password of the database"))
	require.NotContains(t, err.Error(), "password")
	require.Equal(t, fault.Internal, fault.KindOf(FromTemporal(err)))
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok)
	require.False(t, app.NonRetryable(), "later it may work")
}

func TestALimitIsAnAnswerAndNotTriedAgain(t *testing.T) {
	t.Parallel()
	err := ToTemporal(fault.New(fault.TooMany, "letter.too-often", "", ""))
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok)
	require.True(t, app.NonRetryable(), "a day's limit would hold the order's lock for a day")
	require.Equal(t, fault.TooMany, fault.KindOf(FromTemporal(err)))
}

func TestABorderErrorWithoutAFaultStaysAsItIs(t *testing.T) {
	t.Parallel()
	for what, err := range map[string]error{
		"none":      nil,
		"cancelled": temporal.NewCanceledError(),
		"not yet":   temporal.NewApplicationError("dns-txt: missing", notYet),
	} {
		require.Equal(t, err, ToTemporal(err), what)
	}
}
