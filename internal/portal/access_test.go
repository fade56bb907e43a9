package portal_test

import (
	"context"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/chromium"
	"securemailid.example/internal/order"
)

// What a page may cost the visitor, the page itself included. A browser with a window also asks for the icon, the fifth request.
const (
	maxRequests  = 4
	maxPageBytes = 60_000
)

// TestPagesAreAccessible: axe-core finds nothing on any page, and no page costs more than it may or complains in the console.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	tab := chromium.Tab(t)
	traffic := chromium.Watch(t, tab)
	for _, language := range []order.Language{order.Japanese, order.English} {
		s := open(t, language)
		s.issue(1)
		for _, row := range []struct{ page, path, complaint string }{
			{"home", "/", ""},
			{"enroll", "/enroll", ""},
			{"reissue", "/reissue", ""},
			{"approve", "/approve/" + s.approval, ""},
			{"download", "/download/" + s.download, ""},
			{"reuse", "/confirm/" + s.offer(), ""},
			{"error", "/approve/unknown", "404"}, // Chromium reports the status of the page itself
		} {
			traffic.Reset()
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+row.path+"?lang="+string(language))))
			requireCheap(t, traffic, row.page, row.complaint)
			chromium.Axe(t, tab, row.page+" "+string(language))
		}
		revoking := open(t, language)
		link, cert := revoking.revocation()
		for _, page := range []string{"revoke", "revoked"} {
			traffic.Reset()
			require.NoError(t, chromedp.Do(tab, chromedp.Navigate(revoking.URL+"/revoke/"+link)))
			requireCheap(t, traffic, page, "")
			chromium.Axe(t, tab, page+" "+string(language))
			_, err := revoking.desk.Revoke(t.Context(), order.RevocationRequest{Issuer: cert.Issuer, Serial: cert.Serial}, false)
			require.NoError(t, err)
		}
		for _, answer := range []string{"approve", "deny"} {
			decide(t, tab, open(t, language), answer)
			chromium.Axe(t, tab, "decided "+answer+" "+string(language))
		}
	}
}

// requireCheap holds the page just loaded to its limits. complaint is part of the only console message that it may cause.
func requireCheap(t *testing.T, traffic *chromium.Traffic, page, complaint string) {
	t.Helper()
	require.LessOrEqual(t, len(traffic.Requests()), maxRequests, "%s: %v", page, traffic.Requests())
	require.LessOrEqual(t, traffic.Bytes(), int64(maxPageBytes), page)
	for _, e := range traffic.Errors() {
		if complaint == "" {
			t.Errorf("%s: %s", page, e)
			continue
		}
		require.Contains(t, e, complaint, page)
	}
	t.Logf("%s: %d requests, %d bytes", page, len(traffic.Requests()), traffic.Bytes())
}

func decide(t *testing.T, tab context.Context, s *site, answer string) {
	t.Helper()
	require.NoError(t, chromedp.Do(tab, chromedp.Navigate(s.URL+"/approve/"+s.approval)))
	res, err := chromedp.RunResponse(tab, chromedp.Click(`button[value="`+answer+`"]`))
	require.NoError(t, err)
	require.EqualValues(t, 200, res.Status)
}
