package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
)

// IssuerQueue is polled by the workers that hold the key of the issuing CA. What only that key can sign waits there for one of them, however
// many workers with other keys are idle.
func IssuerQueue(issuer string) string { return SigningQueue + "-" + issuer }

// publishEach publishes a new list of each issuing CA, all at the same time: none waits for another, and none is repeated because another
// has failed.
func publishEach(ctx workflow.Context, issuers []string, options func(issuer string) workflow.ActivityOptions) (lists []activities.PublishedList, failed []string) {
	under := make([]pending[activities.PublishedList], len(issuers))
	for i, id := range issuers {
		under[i] = start(ctx, options(id), publishing.PublishCRL, activities.ListInput{Issuer: id})
	}
	for i, id := range issuers {
		list, err := under[i].get(ctx)
		if err != nil {
			workflow.GetLogger(ctx).Error("A revocation list could not be published", "issuer", id, "error", err)
			failed = append(failed, id)
			continue
		}
		lists = append(lists, list)
		showLeft(ctx, list.Issuer, list.NextUpdate)
	}
	return lists, failed
}

// notPublished fails a run for its lists that are missing. What was published is its detail.
func notPublished(done activities.PublishResult, failed []string) error {
	return temporal.NewApplicationErrorWithOptions("no new revocation list of issuing CA "+strings.Join(failed, ", "), "lists-not-published",
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{done}})
}

// showLeft measures how long the issuing CA's list is still good: of every list in service, so that a measurement of one that was late does
// not outlive its successor. One that has never been published has no end.
func showLeft(ctx workflow.Context, issuer string, end time.Time) {
	if end.IsZero() {
		return
	}
	workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"issuer": issuer}).Gauge("smid_crl_late_seconds_left").Update(end.Sub(workflow.Now(ctx)).Seconds())
}

// warnOfLate makes lists heard whose end comes near although they are tried every hour: log, search attributes. The run stays open
// while it tries, so that operators find it among what waits for them.
func warnOfLate(ctx workflow.Context, due []activities.DueList) {
	details, end := late(ctx, due)
	if details == "" {
		return
	}
	workflow.SetCurrentDetails(ctx, "**a worker with the CA's key is missing, or its list is refused**\n\n"+details)
	updates := []temporal.SearchAttributeUpdate{NeedsStaff.ValueSet(true), OrderState.ValueSet("crl"), WaitingOn.ValueSet("publication"),
		WaitingSince.ValueSet(workflow.Now(ctx))}
	if end != nil {
		updates = append(updates, DeadlineAt.ValueSet(*end))
	}
	if err := workflow.UpsertTypedSearchAttributes(ctx, updates...); err != nil {
		workflow.GetLogger(ctx).Error("Search attributes could not be written", "error", err)
	}
}

// late describes the late lists, and says when the first of them ends; nil: none of them has ever been published.
func late(ctx workflow.Context, due []activities.DueList) (details string, end *time.Time) {
	for _, l := range due {
		if !l.Late {
			continue
		}
		if l.NextUpdate.IsZero() && workflow.GetVersion(ctx, noEndWithoutList, workflow.DefaultVersion, 1) > workflow.DefaultVersion {
			workflow.GetLogger(ctx).Error("A revocation list has never been published", "issuer", l.Issuer)
			details += fmt.Sprintf("- issuing CA %s has published no list yet\n", l.Issuer)
			continue
		}
		workflow.GetLogger(ctx).Error("A revocation list has no successor and nears its end", "issuer", l.Issuer, "next_update", l.NextUpdate)
		details += fmt.Sprintf("- list of issuing CA %s ends %s\n", l.Issuer, l.NextUpdate.UTC().Format(time.DateTime+" UTC"))
		if end == nil || end.IsZero() || l.NextUpdate.Before(*end) {
			end = &l.NextUpdate
		}
	}
	return details, end
}
