package portal_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

// find sends the form for a fresh link.
func (s *site) find(c *http.Client, number, email string) page {
	s.t.Helper()
	shown := s.get(c, "/status?lang=en")
	require.Equal(s.t, http.StatusOK, shown.StatusCode)
	return s.do(stay(c), s.request(http.MethodPost, "/status", url.Values{
		"form_token": {token(s.t, shown.text, "/status")}, "order_number": {number}, "contact_email": {email},
	}))
}

func TestAskingForALink(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{number, " 4827-1609-35 ", "４８２７１６０９３５"} {
		s := open(t, order.Japanese)
		c := s.visitor()
		start := time.Now()
		p := s.find(c, typed, "technical@EXAMPLE.co.jp")
		require.Equal(t, http.StatusSeeOther, p.StatusCode, p.text)
		require.GreaterOrEqual(t, time.Since(start), 400*time.Millisecond, "how long it takes does not tell whether a mail was written")
		require.Equal(t, []string{number + " technical@example.co.jp"}, s.desk.mailed)
		told := s.get(c, p.Header.Get("Location")).text
		require.Contains(t, told, "If the order number and the address are those of an application")
		require.NotContains(t, told, number)
	}
}

func TestAskingForALinkWithASlip(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ shows, number, email, says string }{
		{"no number", "", "technical@example.co.jp", "An order number has 10 digits."},
		{"too short", "482716093", "technical@example.co.jp", "An order number has 10 digits."},
		{"a first digit that none has", "0827160935", "technical@example.co.jp", "An order number has 10 digits."},
		{"no address", number, "", "This is required."},
		{"no address at all", number, "technical", "An e-mail address is name@domain"},
	} {
		s := open(t, order.English)
		p := s.find(s.visitor(), row.number, row.email)
		require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode, row.shows)
		require.Contains(t, p.text, row.says, row.shows)
		require.Contains(t, p.text, `value="`+row.number+`"`, "what was typed is kept")
		require.Empty(t, s.desk.mailed)
	}
}

func TestAskingForALinkWhileTheEngineIsAway(t *testing.T) {
	t.Parallel()
	s := open(t, order.English)
	c := s.visitor()
	s.desk.mail = errUnreachable
	p := s.find(c, number, "technical@example.co.jp")
	require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
	require.Contains(t, p.text, "The order system does not answer.")
	require.Contains(t, p.text, `value="`+number+`"`)
	s.desk.mail = nil
	require.Equal(t, http.StatusSeeOther, s.find(c, number, "technical@example.co.jp").StatusCode)
}

func TestAskingForLinksIsLimited(t *testing.T) {
	t.Parallel()
	s := open(t, order.English, func(c *portal.Config) { c.Limits.Mails = 2 })
	c := s.visitor()
	for range 2 {
		require.Equal(t, http.StatusSeeOther, s.find(c, number, "technical@example.co.jp").StatusCode)
	}
	p := s.find(c, number, "technical@example.co.jp")
	require.Equal(t, http.StatusTooManyRequests, p.StatusCode)
	require.Equal(t, "60", p.Header.Get("Retry-After"))
	require.Contains(t, p.text, "no mail was sent")
	require.Contains(t, p.text, `value="`+number+`"`, "what was typed is kept")
	require.NotContains(t, p.text, "Your answer may not have been recorded", "nobody was asked anything")
	require.Len(t, s.desk.mailed, 2)
}
