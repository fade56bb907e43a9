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
	}
	return lists, failed
}

// notPublished fails a run for its lists that are missing. What was published is its detail.
func notPublished(done activities.PublishResult, failed []string) error {
	return temporal.NewApplicationErrorWithOptions("no new revocation list of issuing CA "+strings.Join(failed, ", "), "lists-not-published",
		temporal.ApplicationErrorOptions{NonRetryable: true, Details: []any{done}})
}

// warnOfLate makes lists heard whose end comes near although they are tried every hour: metric, log, search attributes. The run stays open
// while it tries, so that operators find it among what waits for them.
func warnOfLate(ctx workflow.Context, due []activities.DueList) {
	var first time.Time
	var details strings.Builder
	for _, l := range due {
		if !l.Late {
			continue
		}
		left := l.NextUpdate.Sub(workflow.Now(ctx))
		workflow.GetMetricsHandler(ctx).WithTags(map[string]string{"issuer": l.Issuer}).Gauge("smid_crl_late_seconds_left").Update(left.Seconds())
		workflow.GetLogger(ctx).Error("A revocation list has no successor and nears its end", "issuer", l.Issuer, "next_update", l.NextUpdate)
		fmt.Fprintf(&details, "- list of issuing CA %s ends %s\n", l.Issuer, l.NextUpdate.UTC().Format(time.DateTime+" UTC"))
		if first.IsZero() || l.NextUpdate.Before(first) {
			first = l.NextUpdate
		}
	}
	if details.Len() == 0 {
		return
	}
	workflow.SetCurrentDetails(ctx, "**a worker with the CA's key is missing, or its list is refused**\n\n"+details.String())
	if err := workflow.UpsertTypedSearchAttributes(ctx, NeedsStaff.ValueSet(true), OrderState.ValueSet("crl"), WaitingOn.ValueSet("publication"),
		WaitingSince.ValueSet(workflow.Now(ctx)), DeadlineAt.ValueSet(first)); err != nil {
		workflow.GetLogger(ctx).Error("Search attributes could not be written", "error", err)
	}
}
