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

// PublishCRLsInput is empty when a Schedule starts it.
type PublishCRLsInput struct {
	All bool `json:"all,omitempty"` // by hand: new lists even where none is due
}

// PublishCRLs publishes new lists of the issuing CAs in service, each before the last one is older than the policy has it. A list that
// cannot be published holds up no other, and fails the run in the end, which names it; the next run, within the hour, tries again.
func PublishCRLs(ctx workflow.Context, in PublishCRLsInput) (activities.PublishResult, error) {
	if workflow.GetVersion(ctx, listByList, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return call(ctx, publishOptions("publish the revocation lists"), publishing.PublishCRLs, activities.PublishInput{})
	}
	due, err := call(ctx, recordOptions("find the lists that are due"), overseeing.FindDueLists, activities.DueInput{All: in.All})
	if err != nil {
		return activities.PublishResult{}, err
	}
	for _, l := range due.InService {
		showLeft(ctx, l.Issuer, l.NextUpdate)
	}
	warnOfLate(ctx, due.Lists)
	issuers := make([]string, len(due.Lists))
	for i, l := range due.Lists {
		issuers[i] = l.Issuer
	}
	lists, failed := publishEach(ctx, issuers, scheduledListOptions)
	out := activities.PublishResult{Lists: lists}
	if len(failed) > 0 {
		return out, notPublished(out, failed)
	}
	return out, nil
}

// TakeUpRevocations sees to revocation requests that nobody looks after.
func TakeUpRevocations(ctx workflow.Context) (activities.TakeUpResult, error) {
	return call(ctx, askedOptions("take up unfinished revocations"), revoking.TakeUpRevocations, activities.TakeUpInput{})
}
