package portal_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
	"securemailid.example/internal/secret"
)

var (
	regexpReopen    = regexp.MustCompile(`<a class="button primary" href="/approve/`)
	regexpReference = regexp.MustCompile(`<span class="code ref">([A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4})</span>`)
)

// TestEveryFailureIsAPage: each kind of failure has its status and a page in both languages with a reference that the log knows,
// and shows nothing internal.
func TestEveryFailureIsAPage(t *testing.T) {
	t.Parallel()
	inner := errors.New("pq: password authentication failed for user smid at 10.9.8.7")
	for _, row := range []struct {
		err    error
		status int
	}{
		{fault.New(fault.Invalid, "x", "日本語の説明", "English text").Because(inner), http.StatusBadRequest},
		{fault.New(fault.Conflict, "x", "日本語の説明", "English text").Because(inner), http.StatusConflict},
		{fault.New(fault.Forbidden, "x", "日本語の説明", "English text").Because(inner), http.StatusForbidden},
		{fault.New(fault.TooMany, "x", "日本語の説明", "English text").Because(inner), http.StatusTooManyRequests},
		{fault.New(fault.Unavailable, "x", "日本語の説明", "English text").Because(inner), http.StatusServiceUnavailable},
		{fmt.Errorf("wrapped: %w", fault.New(fault.Conflict, "x", "日本語の説明", "English text").Because(inner)), http.StatusConflict},
		{fault.New(fault.Internal, "x", "内部", "10.9.8.7").Because(inner), http.StatusInternalServerError},
		{inner, http.StatusInternalServerError},
		{fmt.Errorf("query: %w", context.DeadlineExceeded), http.StatusServiceUnavailable},
	} {
		for _, lang := range []string{"ja", "en"} {
			t.Run(fmt.Sprintf("%v in %s", row.err, lang), func(t *testing.T) {
				t.Parallel()
				s := open(t, order.Japanese)
				s.record.down = row.err
				p := s.get(s.visitor(), "/download/"+s.download+"?lang="+lang)
				require.Equal(t, row.status, p.StatusCode)
				require.Contains(t, p.text, `<html lang="`+lang+`">`)
				require.NotContains(t, p.text, "10.9.8.7")
				m := regexpReference.FindStringSubmatch(p.text)
				require.Len(t, m, 2)
				require.Contains(t, s.log.String(), "ref="+m[1])
				require.Equal(t, m[1], p.Header.Get("X-Request-Id"))
			})
		}
	}
}

func TestPanicIsAPageWithoutAStack(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, func(c *portal.Config) { c.Records = panicking{} })
	p := s.get(s.visitor(), "/approve/"+s.approval)
	require.Equal(t, http.StatusInternalServerError, p.StatusCode)
	require.NotContains(t, p.text, "goroutine")
	require.NotContains(t, p.text, "nil pointer")
	require.Contains(t, s.log.String(), "nil pointer")
	require.Contains(t, s.log.String(), regexpReference.FindStringSubmatch(p.text)[1])
}

// panicking is a Records whose every method panics.
type panicking struct{ portal.Records }

func TestUnroutedRequests(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	for _, row := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/nowhere", http.StatusNotFound, ""},
		{"GET", "/approve/", http.StatusNotFound, ""},
		{"GET", "/approve/a/b", http.StatusNotFound, ""},
		{"DELETE", "/approve/" + s.approval, http.StatusMethodNotAllowed, "GET, HEAD, POST"},
		{"POST", "/", http.StatusMethodNotAllowed, "GET, HEAD"},
		{"POST", "/download/" + s.download, http.StatusMethodNotAllowed, "GET, HEAD"},
		{"PROPFIND", "/", http.StatusMethodNotAllowed, "GET, HEAD"},
	} {
		p := s.do(s.visitor(), s.request(row.method, row.path, nil))
		require.Equal(t, row.status, p.StatusCode, row.method+" "+row.path)
		require.Equal(t, row.allow, p.Header.Get("Allow"))
		require.Regexp(t, regexpReference, p.text)
	}
}

func TestLargeAndBrokenForms(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows, body string
		status      int
	}{
		{"a body beyond the limit", "decision=" + strings.Repeat("a", 65<<10), http.StatusRequestEntityTooLarge},
		{"a body that is no form", "decision=%zz", http.StatusBadRequest},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/approve/"+s.approval, strings.NewReader(row.body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			require.Equal(t, row.status, s.do(s.visitor(), r).StatusCode)
		})
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	few := func(c *portal.Config) { c.Limits = portal.Limits{Decisions: 3, Misses: 3} }
	t.Run("guessing links ends in 429, even for a link that exists", func(t *testing.T) {
		t.Parallel()
		s := open(t, order.Japanese, few)
		c := s.visitor()
		for range 3 {
			require.Equal(t, http.StatusNotFound, s.get(c, "/download/"+secret.Token()).StatusCode)
		}
		p := s.get(c, "/approve/"+s.approval)
		require.Equal(t, http.StatusTooManyRequests, p.StatusCode)
		require.NotEmpty(t, p.Header.Get("Retry-After"))
	})
	t.Run("good links are never counted", func(t *testing.T) {
		t.Parallel()
		s := open(t, order.Japanese, few)
		c := s.visitor()
		for range 10 {
			require.Equal(t, http.StatusOK, s.get(c, "/approve/"+s.approval).StatusCode)
		}
	})
	t.Run("decisions are counted", func(t *testing.T) {
		t.Parallel()
		s := open(t, order.Japanese, few)
		c := s.visitor()
		send := func() int {
			return s.do(c, s.request(http.MethodPost, "/approve/"+s.approval, url.Values{"decision": {"approve"}})).StatusCode
		}
		for range 3 {
			require.Equal(t, http.StatusForbidden, send())
		}
		require.Equal(t, http.StatusTooManyRequests, send())
	})
	t.Run("behind our proxy each visitor counts alone, and cannot invent addresses", func(t *testing.T) {
		t.Parallel()
		s := open(t, order.Japanese, few, func(c *portal.Config) { c.TrustProxyTLS = true })
		c := s.visitor()
		miss := func(forwarded string) int {
			r := s.request(http.MethodGet, "/approve/"+secret.Token(), nil)
			r.Header.Set("X-Forwarded-For", forwarded)
			return s.do(c, r).StatusCode
		}
		for i := range 3 {
			require.Equal(t, http.StatusNotFound, miss(fmt.Sprintf("203.0.113.%d, 192.0.2.1", i)))
		}
		require.Equal(t, http.StatusTooManyRequests, miss("203.0.113.99, 192.0.2.1"))
		require.Equal(t, http.StatusNotFound, miss("192.0.2.2"))
		require.Equal(t, http.StatusNotFound, miss("not an address"))
	})
	t.Run("without a proxy the header is ignored", func(t *testing.T) {
		t.Parallel()
		s := open(t, order.Japanese, few)
		c := s.visitor()
		status := 0
		for i := range 4 {
			r := s.request(http.MethodGet, "/approve/"+secret.Token(), nil)
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
			status = s.do(c, r).StatusCode
		}
		require.Equal(t, http.StatusTooManyRequests, status)
	})
}
