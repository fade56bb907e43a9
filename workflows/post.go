package workflows

import (
	"go.temporal.io/sdk/workflow"

	"securemailid.example/activities"
)

// PostType names the workflow that delivers one letter.
const PostType = "Post"

// PostID is the workflow id of a letter's delivery: the letter's id is no secret.
func PostID(letter string) string { return "post-" + letter }

// Post delivers one letter that was put into the outbox apart from its order's workflow, which may have ended. A mail server that is
// away is tried for five days; then the workflow fails, where operators see it, and the letter stays in the outbox for staff.
func Post(ctx workflow.Context, in activities.PostInput) (activities.DeliverResult, error) {
	return call(ctx, mailOptions("deliver one mail"), mailing.DeliverLetter, in)
}
