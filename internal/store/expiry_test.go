package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

const aDay = 24 * time.Hour

var milestones = []int{60, 30, 14, 7, 1}

// expiring is an issued certificate of a year for the address, of an order of its own.
func (r *record) expiring(address string) order.Certificate {
	r.t.Helper()
	c := r.issued()
	r.exec(`UPDATE orders SET certificate_email = $2, application = jsonb_set(application, '{certificate_email}', to_jsonb($2::text)) WHERE number = $1`, c.Order, address)
	return c
}

// due asks for the reminders that are due, and returns them by order with their milestone.
func (r *record) due(at time.Time) map[string]order.Expiring {
	r.t.Helper()
	list, err := r.ExpiringCertificates(r.ctx(), order.ExpiryQuery{At: at, Milestones: milestones, Limit: 100})
	require.NoError(r.t, err)
	out := map[string]order.Expiring{}
	for _, e := range list {
		out[e.Order] = e
	}
	return out
}

// reminders are the letters of a certificate and milestone, each with its two links.
func reminders(e order.Expiring, at time.Time) []order.Letter {
	var out []order.Letter
	for _, to := range e.Recipients() {
		l := letter(e.Order, order.LetterExpiryReminder, fmt.Sprintf("%d/%d/%s", e.Sequence, e.Days, to), at)
		l.Recipient = to
		for _, p := range []order.LinkPurpose{order.LinkRenewal, order.LinkStopReminders} {
			l.Links = append(l.Links, order.Link{ID: uuid.NewString(), Hash: random(32), Order: e.Order, Purpose: p, Recipient: to, ExpiresAt: e.NotAfter})
		}
		out = append(out, l)
	}
	return out
}

// run reminds of all that is due at the time, as a day's run does, and returns how many letters that made.
func (r *record) run(at time.Time) int {
	r.t.Helper()
	letters := 0
	for _, e := range r.due(at) {
		posted, err := r.RemindExpiry(r.ctx(), e, reminders(e, at), at)
		require.NoError(r.t, err)
		letters += len(posted)
	}
	return letters
}

func TestEachMilestoneIsRemindedOfOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.expiring("info@example.co.jp")
	var sent []string
	for at := c.NotAfter.Add(-70 * aDay); at.Before(c.NotAfter.Add(5 * aDay)); at = at.Add(aDay) {
		for _, e := range r.due(at) {
			sent = append(sent, fmt.Sprintf("%d at %d", e.Days, e.DaysLeft(at)))
			require.Equal(t, []string{"tech@example.co.jp", "info@example.co.jp"}, e.Recipients())
			require.Equal(t, [3]any{c.Order, 1, c.Serial}, [3]any{e.Order, e.Sequence, e.Serial})
			require.True(t, c.NotAfter.Equal(e.NotAfter))
		}
		n := r.run(at)
		require.Contains(t, []int{0, 2}, n, "two letters or none")
		require.Zero(t, r.run(at.Add(time.Hour)), "a second run on the same day finds nothing")
	}
	require.Equal(t, []string{"60 at 60", "30 at 30", "14 at 14", "7 at 7", "1 at 1"}, sent)
	require.Equal(t, 10, one[int](r, `SELECT count(*) FROM expiry_reminders`))
	require.Equal(t, 10, one[int](r, `SELECT count(*) FROM letters WHERE kind = 'expiry-reminder'`))
	require.Equal(t, 20, one[int](r, `SELECT count(*) FROM links WHERE purpose IN ('renewal', 'stop-reminders')`))
	_, err := r.VerifyAudit(r.ctx(), nil)
	require.NoError(t, err)
}

func TestWhoIsRemindedOfWhat(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	plain := r.expiring("plain@example.co.jp")
	at := plain.NotAfter.Add(-10 * aDay)
	newer := func(of order.Certificate, address string, days int) order.Certificate {
		c := r.expiring(address)
		r.exec(`UPDATE certificates SET not_after = $2 WHERE order_number = $1`, c.Order, of.NotAfter.AddDate(0, 0, days))
		return c
	}
	for _, row := range []struct {
		why   string
		given func() order.Certificate
		days  int // 0: nothing is due
	}{
		{"milestones that were missed are one reminder, the nearest", func() order.Certificate { return plain }, 14},
		{"a revoked certificate ends nothing any more", func() order.Certificate {
			c := r.expiring("revoked@example.co.jp")
			r.exec(`UPDATE certificates SET revoked_at = $2, revocation_reason = 4 WHERE order_number = $1`, c.Order, noon)
			return c
		}, 0},
		{"one that has been renewed", func() order.Certificate {
			c := r.expiring("renewed@example.co.jp")
			newer(c, "renewed@example.co.jp", 365)
			return c
		}, 0},
		{"one that has been reissued, with the same end", func() order.Certificate {
			c := r.expiring("reissued@example.co.jp")
			newer(c, "reissued@example.co.jp", 0)
			return c
		}, 0},
		{"one whose renewal has been revoked is in use again", func() order.Certificate {
			c := r.expiring("back@example.co.jp")
			n := newer(c, "back@example.co.jp", 365)
			r.exec(`UPDATE certificates SET revoked_at = $2, revocation_reason = 1 WHERE order_number = $1`, n.Order, noon)
			return c
		}, 14},
		{"a later one that ends earlier is for another device", func() order.Certificate {
			c := r.expiring("device@example.co.jp")
			newer(c, "device@example.co.jp", -100)
			return c
		}, 14},
		{"a certificate for another address", func() order.Certificate {
			c := r.expiring("other@example.co.jp")
			newer(c, "another@example.co.jp", 365)
			return c
		}, 14},
		{"a milestone that lay before the issue is nothing to remind of", func() order.Certificate {
			c := r.expiring("fresh@example.co.jp")
			r.exec(`UPDATE certificates SET issued_at = $2 WHERE order_number = $1`, c.Order, at.Add(-aDay))
			return c
		}, 0},
		{"one that has ended", func() order.Certificate {
			c := r.expiring("ended@example.co.jp")
			r.exec(`UPDATE certificates SET not_after = $2 WHERE order_number = $1`, c.Order, at)
			return c
		}, 0},
		{"both recipients have had enough", func() order.Certificate {
			c := r.expiring("quiet@example.co.jp")
			require.NoError(t, r.StopReminders(r.ctx(), c.Order, "tech@example.co.jp", noon))
			require.NoError(t, r.StopReminders(r.ctx(), c.Order, "quiet@example.co.jp", noon))
			return c
		}, 0},
	} {
		c := row.given()
		require.Equal(t, row.days, r.due(at)[c.Order].Days, row.why)
	}
}

func TestOneWhoStopsRemindersStopsTheirOwn(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.expiring("info@example.co.jp")
	at := c.NotAfter.Add(-30 * aDay)
	e := r.due(at)[c.Order]
	require.NoError(t, r.StopReminders(r.ctx(), c.Order, "tech@example.co.jp", at))
	for recipient, want := range map[string]bool{"tech@example.co.jp": true, "info@example.co.jp": false} {
		stopped, err := r.RemindersStopped(r.ctx(), c.Order, recipient)
		require.NoError(t, err)
		require.Equal(t, want, stopped, recipient)
	}
	r.unchanged(func() { require.NoError(t, r.StopReminders(r.ctx(), c.Order, "tech@example.co.jp", at.Add(time.Hour))) })
	posted, err := r.RemindExpiry(r.ctx(), e, reminders(e, at), at)
	require.NoError(t, err)
	require.Len(t, posted, 1, "also between the look and the letter")
	require.Equal(t, "info@example.co.jp", one[string](r, `SELECT recipient FROM letters WHERE id = $1`, posted[0]))
	require.Zero(t, r.run(at.Add(time.Minute)))
	require.Equal(t, 1, r.run(c.NotAfter.Add(-14*aDay)))
	isFault(t, r.StopReminders(r.ctx(), "1000000000", "tech@example.co.jp", at), "not-found", "order.unknown")
}

// TestWhatHappensBetweenTheLookAndTheLetter: the list is a moment old when the letter is written.
func TestWhatHappensBetweenTheLookAndTheLetter(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.expiring("info@example.co.jp")
	at := c.NotAfter.Add(-7 * aDay)
	e := r.due(at)[c.Order]
	r.exec(`UPDATE certificates SET revoked_at = $2, revocation_reason = 4 WHERE order_number = $1`, c.Order, at)
	r.unchanged(func() {
		posted, err := r.RemindExpiry(r.ctx(), e, reminders(e, at), at)
		require.NoError(t, err)
		require.Empty(t, posted)
	})
}

func TestTwoRunsAtOnceWriteEachLetterOnce(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	certs := []order.Certificate{r.expiring("a@example.co.jp"), r.expiring("b@example.co.jp"), r.expiring("c@example.co.jp")}
	at := certs[0].NotAfter.Add(-30 * aDay)
	due := r.due(at)
	require.Len(t, due, 3)
	var wait sync.WaitGroup
	var mu sync.Mutex
	letters := map[string]int{}
	for range 4 {
		wait.Go(func() {
			for _, e := range due {
				posted, err := r.RemindExpiry(r.ctx(), e, reminders(e, at), at)
				mu.Lock()
				letters[e.Order] += len(posted)
				mu.Unlock()
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	for _, c := range certs {
		require.Equal(t, 2, letters[c.Order])
	}
	require.Equal(t, 6, one[int](r, `SELECT count(*) FROM letters WHERE kind = 'expiry-reminder'`))
	require.Equal(t, 12, one[int](r, `SELECT count(*) FROM links WHERE purpose IN ('renewal', 'stop-reminders')`), "no link without its letter")
}

func TestExpiringCertificatesComeInPages(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	var want []string
	for i := range 5 {
		c := r.expiring(fmt.Sprintf("n%d@example.co.jp", i))
		r.exec(`UPDATE certificates SET not_after = $2 WHERE order_number = $1`, c.Order, noon.AddDate(1, 0, i/2)) // some end at the same instant
		want = append(want, c.Order)
	}
	q := order.ExpiryQuery{At: noon.AddDate(1, 0, -3), Milestones: milestones, Limit: 2}
	var got []string
	for {
		page, err := r.ExpiringCertificates(r.ctx(), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page), 2)
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			got = append(got, e.Order)
		}
		q.After = page[len(page)-1].Mark()
	}
	slices.Sort(got)
	slices.Sort(want)
	require.Equal(t, want, got)
}

// TestARefusedReminderLosesItsLinks: what was refused for good keeps its facts for staff, without what opens anything.
func TestARefusedReminderLosesItsLinks(t *testing.T) {
	t.Parallel()
	r := newRecord(t)
	c := r.expiring("info@example.co.jp")
	at := c.NotAfter.Add(-30 * aDay)
	e := r.due(at)[c.Order]
	l := reminders(e, at)[0]
	l.Facts.StopLink = "https://portal.example.jp/stop/secret"
	posted, err := r.RemindExpiry(r.ctx(), e, []order.Letter{l}, at)
	require.NoError(t, err)
	require.NoError(t, r.LetterDone(r.ctx(), posted[0], order.LetterFailed, "550", at.Add(time.Minute)))
	require.NotContains(t, one[string](r, `SELECT facts::text FROM letters WHERE id = $1`, posted[0]), "secret")
}
