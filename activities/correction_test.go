package activities

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
)

// corrections is a record of one order that takes corrections, and the start of deliveries.
type corrections struct {
	Records // what a test does not expect panics
	status  order.Status
	letters []order.Letter
	posted  []string
	away    bool      // Temporal
	sent    int       // commands: each has a moment of its own
	known   time.Time // moment of the last one that was recorded
}

func (c *corrections) Order(context.Context, string) (order.Status, error) { return c.status, nil }

func (c *corrections) PendingLetters(context.Context, string) ([]order.Letter, error) {
	return c.letters, nil
}

func (c *corrections) Post(_ context.Context, _, letter string) error {
	if c.away {
		return errors.New("away")
	}
	c.posted = append(c.posted, letter)
	return nil
}

func (c *corrections) RecordCommand(_ context.Context, _ string, cmd order.Command, at time.Time, letters []order.Letter) (order.Recorded, error) {
	if at.Equal(c.known) {
		return order.Recorded{Applied: true}, nil // a retry
	}
	after := cmd.(order.SubjectCorrected).Apply(c.status.Subject)
	if after == c.status.Subject {
		return order.Recorded{}, nil
	}
	c.status.Subject, c.known = after, at
	c.letters = append(c.letters, letters...)
	return order.Recorded{Applied: true}, nil
}

// correct sends a command.
func correct(t *testing.T, c *corrections, cmd order.SubjectCorrected) CommandResult {
	t.Helper()
	c.sent++
	out, err := attempt(t, c, cmd)
	require.NoError(t, err)
	return out
}

// attempt is an attempt at the last command.
func attempt(t *testing.T, c *corrections, cmd order.SubjectCorrected) (CommandResult, error) {
	t.Helper()
	cmd.Actor, cmd.Reason = order.Actor{Actor: "staff/test"}, "an internal reason"
	body, err := json.Marshal(cmd)
	require.NoError(t, err)
	book, _ := policy.Open(policy.Guide)
	a := &Commands{Records: c, Poster: c, Policy: book, Addresses: Addresses{PublicURL: "https://id.example.jp"}, Clock: func() time.Time { return now }}
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(a)
	at := now.Add(time.Duration(c.sent) * time.Second)
	var out CommandResult
	value, err := env.ExecuteActivity(a.RecordCommand, CommandInput{Number: c.status.Number, Name: cmd.Name(), Command: body, At: at})
	if err != nil {
		return out, err
	}
	err = value.Get(&out)
	return out, err
}

func correctable() *corrections {
	st := sampleOrder()
	st.Application.Organization = order.Organization{Name: "Sample Trading", State: "Tokyo", City: "Chiyoda-ku"}
	st.Application.Representative = order.Representative{FamilyName: "Shinsei", GivenName: "Sekinin", Email: "rep@example.co.jp"}
	st.Subject = st.Application.Subject()
	return &corrections{status: st}
}

func TestACorrectionIsToldToContactAndRepresentative(t *testing.T) {
	t.Parallel()
	c := correctable()
	require.True(t, correct(t, c, order.SubjectCorrected{Organization: "Sample Trading K.K."}).Applied)
	require.Len(t, c.letters, 2)
	contact, representative := c.letters[0], c.letters[1]
	_, rules := writer(t)
	opens(t, contact, contact.Facts.StatusLink, "/status/", order.LinkStatus, now.Add(rules.StatusLinkLife))
	require.Equal(t, "tech@example.co.jp", contact.Recipient)
	require.Equal(t, "rep@example.co.jp", representative.Recipient)
	require.Equal(t, "Sekinin Shinsei", representative.Facts.ContactName)
	require.Empty(t, representative.Links, "the page is the technical contact's")
	for _, l := range c.letters {
		require.Equal(t, order.LetterCorrected, l.Kind)
		require.Equal(t, []order.Correction{{Field: "organization", Entered: "Sample Trading", Certified: "Sample Trading K.K."}}, l.Facts.Corrections)
		require.NotContains(t, l.Facts.Reason, "internal")
	}
	require.Equal(t, []string{contact.ID, representative.ID}, c.posted, "delivered at once: the order's workflow does not know of them")

	require.False(t, correct(t, c, order.SubjectCorrected{Organization: "Sample Trading K.K."}).Applied)
	require.Len(t, c.letters, 2, "a repeat tells nothing new")
	require.Len(t, c.posted, 2)

	correct(t, c, order.SubjectCorrected{City: "Minato-ku"})
	require.Len(t, c.letters, 4)
	require.Equal(t, []order.Correction{
		{Field: "organization", Entered: "Sample Trading", Certified: "Sample Trading K.K."}, {Field: "city", Entered: "Chiyoda-ku", Certified: "Minato-ku"},
	}, c.letters[3].Facts.Corrections, "the latest letter says everything")
	correct(t, c, order.SubjectCorrected{Organization: "Sample Trading", City: "Chiyoda-ku"})
	require.Empty(t, c.letters[5].Facts.Corrections, "as it was entered, after all")
}

func TestOneReaderGetsOneLetterOfACorrection(t *testing.T) {
	t.Parallel()
	c := correctable()
	c.status.Application.Representative.Email = "Tech@example.co.jp"
	correct(t, c, order.SubjectCorrected{City: "Minato-ku"})
	require.Len(t, c.letters, 1)
	require.NotEmpty(t, c.letters[0].Links)
}

func TestACorrectionIsTriedAgainUntilItsLettersAreOnTheirWay(t *testing.T) {
	t.Parallel()
	c := correctable()
	c.away = true
	_, err := attempt(t, c, order.SubjectCorrected{City: "Minato-ku"})
	require.Error(t, err)
	require.Len(t, c.letters, 2, "recorded once, with its letters")
	c.away = false
	out, err := attempt(t, c, order.SubjectCorrected{City: "Minato-ku"})
	require.NoError(t, err)
	require.True(t, out.Applied)
	require.Len(t, c.letters, 2)
	require.Len(t, c.posted, 2)
}

func TestACorrectionsLetterIsRenewedForTheContactAlone(t *testing.T) {
	t.Parallel()
	w, _ := writer(t)
	for key, links := range map[string]int{"x/contact": 1, "x/representative": 0} {
		l, ok := w.Renew(order.Letter{Order: "4711000001", Kind: order.LetterCorrected, Key: key, Recipient: "tech@example.co.jp"})
		require.True(t, ok)
		require.Len(t, l.Links, links, key)
	}
}
