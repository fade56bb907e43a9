package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"securemailid.example/workflows"
)

// schedule is something that the system does by itself at intervals.
type schedule struct {
	id       string // also the beginning of the ids of its workflows
	workflow string
	every    time.Duration
	offset   time.Duration // after the multiples of every since 1970 in UTC
	note     string        // why, for operators
}

// schedules is everything that runs by the clock.
var schedules = []schedule{
	{"publish-crl", workflows.PublishCRLsType, time.Hour, 30 * time.Minute, "CRLs before they are older than the policy has it, of each issuing CA by itself"},
	{"take-up-revocations", workflows.TakeUpRevocationsType, 15 * time.Minute, 0, "revocations that nobody looks after"},
	{"remind-expiry", workflows.RemindExpiryType, 24 * time.Hour, 10 * time.Minute, "reminders of certificates that end; 09:10 in Japan"},
	{"reconcile", workflows.ReconcileType, time.Hour, 5 * time.Minute, "orders without their workflow, letters left behind, forms to forget"},
}

// catchUp is how long after its time a run is still made up for when the server was away: a daily one, half a day.
func (s schedule) catchUp() time.Duration { return max(time.Hour, s.every/2) }

// EnsureSchedules creates the schedules and brings those that are there up to date; whether one is paused stays as operators left it.
// Several workers may do so at once.
func EnsureSchedules(ctx context.Context, c client.Client) error {
	for _, s := range schedules {
		if err := s.ensure(ctx, c.ScheduleClient()); err != nil {
			return fmt.Errorf("schedule %s: %w", s.id, err)
		}
	}
	return nil
}

func (s schedule) ensure(ctx context.Context, c client.ScheduleClient) error {
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: s.every, Offset: s.offset % s.every}}}
	action := &client.ScheduleWorkflowAction{ID: s.id, Workflow: s.workflow, TaskQueue: workflows.TaskQueue, StaticSummary: s.note}
	// A run that cannot end, because the CA key is away, is left to end: another one beside it would wait for the same.
	const overlap = enumspb.SCHEDULE_OVERLAP_POLICY_SKIP
	_, err := c.Create(ctx, client.ScheduleOptions{ID: s.id, Spec: spec, Action: action, Overlap: overlap, CatchupWindow: s.catchUp(), Note: s.note})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return c.GetHandle(ctx, s.id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			now := in.Description.Schedule
			now.Spec, now.Action = &spec, action
			now.Policy = &client.SchedulePolicies{Overlap: overlap, CatchupWindow: s.catchUp()}
			return &client.ScheduleUpdate{Schedule: &now}, nil
		},
	})
}
