package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
)

// Workflows that Schedules run (internal/engine/schedules.go).
const (
	PublishCRLsType       = "PublishCRLs"
	TakeUpRevocationsType = "TakeUpRevocations"
)

// PublishCRLs publishes new lists of every issuing CA, before the last ones grow old.
func PublishCRLs(ctx workflow.Context) (activities.PublishResult, error) {
	return call(ctx, publishOptions("publish the revocation lists"), publishing.PublishCRLs, activities.PublishInput{})
}

// TakeUpRevocations sees to revocation requests that nobody looks after.
func TakeUpRevocations(ctx workflow.Context) (activities.TakeUpResult, error) {
	return call(ctx, askedOptions("take up unfinished revocations"), revoking.TakeUpRevocations, activities.TakeUpInput{})
}
