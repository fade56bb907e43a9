package activities

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// toContact ends the key of a letter of which the technical contact's form differs from others'.
const toContact = "/contact"

// corrected are the letters that tell what will be certified instead of what was entered (G10): to the technical contact, with a link to the
// order's page, and to the applicant representative, who speaks for the organisation. What changes nothing has none. Why staff corrected it is theirs.
func (c *Commands) corrected(cmd order.SubjectCorrected, st order.Status, rules policy.Rules, now time.Time) []order.Letter {
	after, app := cmd.Apply(st.Subject), st.Application
	if after == st.Subject {
		return nil
	}
	facts := order.Facts{Domain: st.Domain, Deadline: st.DeadlineAt, Corrections: after.CorrectedFrom(app.Subject())}
	key := uuid.NewString() // each correction is a letter of its own; a repeat of one is not recorded, and so not posted
	contact := c.Addresses.withStatus(letter(order.LetterCorrected, key+toContact, st.Number, app, now, facts), now.Add(rules.StatusLinkLife))
	if strings.EqualFold(app.Representative.Email, contact.Recipient) {
		return []order.Letter{contact}
	}
	representative := letter(order.LetterCorrected, key+"/representative", st.Number, app, now, facts)
	representative.Recipient, representative.Facts = app.Representative.Email, greeting(representative.Facts, app.Language, app.Representative)
	return []order.Letter{contact, representative}
}

// deliver has the order's undelivered letters of the kind sent, each by a workflow of its own: the order's workflow is not told of them, and its
// recorded histories stay what they are. What cannot be started is tried again with the command,
// which is recognised: nobody should read of a correction after the issue.
func (c *Commands) deliver(ctx context.Context, number string, kind order.LetterKind) error {
	pending, err := c.Records.PendingLetters(ctx, number)
	if err != nil {
		return err
	}
	var ids []string
	for _, l := range pending {
		if l.Kind == kind {
			ids = append(ids, l.ID)
		}
	}
	if postAll(ctx, c.Poster, number, ids) > 0 {
		return fault.New(fault.Unavailable, "letter.waiting", "メールの送信を開始できませんでした。自動で再試行します。",
			"A mail could not be set on its way; this is tried again.")
	}
	return nil
}
