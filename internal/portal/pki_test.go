package portal_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

const caID = "0123456789abcdef"

func TestCACertificateOverHTTP(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	_, ca := s.issue(1)
	p := s.get(s.visitor(), "/ca/"+caID+".cer")
	require.Equal(t, http.StatusOK, p.StatusCode)
	require.Equal(t, "application/pkix-cert", p.Header.Get("Content-Type"))
	require.Equal(t, string(ca.DER), p.text)
	require.Equal(t, now.AddDate(-1, 0, 0).Format(http.TimeFormat), p.Header.Get("Last-Modified"))
	require.Equal(t, "public, max-age=604800", p.Header.Get("Cache-Control"))
	require.Empty(t, p.Cookies())
}

func TestCRLCaching(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows string
		next  time.Duration
		want  string
	}{
		{"days to go: an hour, so that a list published early is seen", 7 * 24 * time.Hour, "public, max-age=3600"},
		{"minutes to go: never beyond the next update", 10 * time.Minute, "public, max-age=600"},
		{"overdue: served, never cached", -time.Minute, "public, max-age=0"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			s.record.crls[caID] = order.CRL{Issuer: caID, Number: 4, DER: []byte{0x30, 0x01, 0x02}, ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(row.next)}
			p := s.get(s.visitor(), "/crl/"+caID+".crl")
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Equal(t, "application/pkix-crl", p.Header.Get("Content-Type"))
			require.Equal(t, "\x30\x01\x02", p.text)
			require.Equal(t, row.want, p.Header.Get("Cache-Control"))
		})
	}
}

func TestCRLIsAskedForConditionally(t *testing.T) {
	t.Parallel()
	c := &clock{now: now}
	s := open(t, order.Japanese, c.of)
	crl := order.CRL{Issuer: caID, DER: []byte("first"), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	s.record.crls[caID] = crl
	v := s.visitor()
	first := s.get(v, "/crl/"+caID+".crl")
	ask := func(header, value string) page {
		r := s.request(http.MethodGet, "/crl/"+caID+".crl", nil)
		r.Header.Set(header, value)
		return s.do(v, r)
	}
	require.Equal(t, http.StatusNotModified, ask("If-None-Match", first.Header.Get("ETag")).StatusCode)
	require.Equal(t, http.StatusNotModified, ask("If-Modified-Since", first.Header.Get("Last-Modified")).StatusCode)

	crl.DER, crl.ThisUpdate = []byte("second"), now
	s.record.do(func() { s.record.crls[caID] = crl })
	c.later(5 * time.Second)
	require.Equal(t, "second", ask("If-None-Match", first.Header.Get("ETag")).text)
	head := s.do(v, s.request(http.MethodHead, "/crl/"+caID+".crl", nil))
	require.Equal(t, http.StatusOK, head.StatusCode)
	require.EqualValues(t, len("second"), head.ContentLength)

	plain, part := s.get(v, "/crl/"+caID+".crl"), ask("Range", "bytes=0-2")
	require.Equal(t, "sec", part.text)
	require.Equal(t, http.StatusPartialContent, part.StatusCode)
	for _, name := range []string{"ETag", "Last-Modified", "Cache-Control", "Content-Type", "Content-Length", "Accept-Ranges"} {
		require.NotEmpty(t, plain.Header.Get(name), name)
		require.Equal(t, head.Header.Get(name), plain.Header.Get(name), name)
	}
	require.Equal(t, http.StatusPreconditionFailed, ask("If-Match", first.Header.Get("ETag")).StatusCode)
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.issue(1)
	for _, path := range []string{
		"/ca/ffffffffffffffff.cer", "/ca/0123456789ABCDEF.cer", "/ca/0123456789abcde.cer", "/ca/" + caID, "/ca/" + caID + ".crl",
		"/ca/0123456789abcdeg.cer", "/ca/.cer", "/ca/%2e%2e%2f.cer", "/crl/ffffffffffffffff.crl", "/crl/" + caID + ".cer", "/static/none.css", "/static/..%2fportal.go",
	} {
		require.Equal(t, http.StatusNotFound, s.get(s.visitor(), path).StatusCode, path)
	}
}

func TestCAWhileTheRecordIsAway(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.record.down = fault.New(fault.Unavailable, "record", "停止中", "down").Because(errors.New("host db-1"))
	for _, path := range []string{"/ca/" + caID + ".cer", "/crl/" + caID + ".crl"} {
		p := s.get(s.visitor(), path)
		require.Equal(t, http.StatusServiceUnavailable, p.StatusCode)
		require.NotEmpty(t, p.Header.Get("Retry-After"))
		require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
	}
}

// clock is one that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) of(cfg *portal.Config) {
	cfg.Clock = func() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }
}

func (c *clock) later(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// shelved is a portal with a list and a CA certificate, and how to ask for either.
func shelved(t *testing.T) (s *site, c *clock, ask func(path string) page) {
	t.Helper()
	c = &clock{now: now}
	s = open(t, order.Japanese, c.of)
	s.issue(1)
	s.record.crls[caID] = order.CRL{Issuer: caID, Number: 4, DER: []byte("first"), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(time.Hour)}
	v := s.visitor()
	return s, c, func(path string) page { return s.get(v, path) }
}

const listPath, certificatePath = "/crl/" + caID + ".crl", "/ca/" + caID + ".cer"

func TestWhatIsAskedForAgainCostsNoQuery(t *testing.T) {
	t.Parallel()
	s, c, ask := shelved(t)
	for range 5 {
		require.Equal(t, "first", ask(listPath).text)
		require.Equal(t, http.StatusOK, ask(certificatePath).StatusCode)
	}
	require.Equal(t, 2, s.record.files)
	c.later(5 * time.Second)
	require.Equal(t, "first", ask(listPath).text)
	require.Equal(t, http.StatusOK, ask(certificatePath).StatusCode)
	require.Equal(t, 3, s.record.files, "a list may have been replaced, a certificate never is")
}

func TestManyVisitorsAtOnceCostOneQuery(t *testing.T) {
	t.Parallel()
	s, c, ask := shelved(t)
	ask(listPath)
	for round := range 3 {
		c.later(time.Minute)
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() { s.get(s.visitor(), listPath) })
		}
		group.Wait()
		require.Equal(t, round+2, s.record.files)
	}
}

func TestANewListIsSeenWithinSeconds(t *testing.T) {
	t.Parallel()
	s, c, ask := shelved(t)
	first := ask(listPath)
	s.record.do(func() {
		s.record.crls[caID] = order.CRL{Issuer: caID, Number: 5, DER: []byte("second"), ThisUpdate: now, NextUpdate: now.Add(time.Hour)}
	})
	c.later(5 * time.Second)
	second := ask(listPath)
	require.Equal(t, "second", second.text)
	require.NotEqual(t, first.Header.Get("ETag"), second.Header.Get("ETag"))
	require.Equal(t, now.Format(http.TimeFormat), second.Header.Get("Last-Modified"))
}

func TestWhatIsKeptIsServedWhileTheRecordIsAway(t *testing.T) {
	t.Parallel()
	s, c, ask := shelved(t)
	ask(listPath)
	ask(certificatePath)
	s.record.do(func() { s.record.down = fault.New(fault.Unavailable, "record", "停止中", "down") })
	before := s.record.files
	c.later(5 * time.Second)
	for range 5 {
		require.Equal(t, "first", ask(listPath).text)
		require.Equal(t, http.StatusOK, ask(certificatePath).StatusCode)
	}
	require.Equal(t, before+1, s.record.files, "who does not answer is not asked by every visitor")
	require.Contains(t, s.log.String(), "the record does not answer")

	c.later(2 * time.Hour)
	overdue := ask(listPath)
	require.Equal(t, "first", overdue.text)
	require.Equal(t, "public, max-age=0", overdue.Header.Get("Cache-Control"))

	s.record.do(func() {
		s.record.down = nil
		s.record.crls[caID] = order.CRL{Issuer: caID, Number: 5, DER: []byte("second"), ThisUpdate: now.Add(2 * time.Hour), NextUpdate: now.Add(9 * time.Hour)}
	})
	c.later(5 * time.Second)
	require.Equal(t, "second", ask(listPath).text)
}

func TestWhatIsNotThereIsNotRemembered(t *testing.T) {
	t.Parallel()
	s, _, ask := shelved(t)
	const other = "/crl/00000000000000aa.crl"
	require.Equal(t, http.StatusNotFound, ask(other).StatusCode)
	require.Equal(t, "no-store", ask(other).Header.Get("Cache-Control"))
	s.record.do(func() {
		s.record.crls["00000000000000aa"] = order.CRL{Issuer: "00000000000000aa", DER: []byte("new"), NextUpdate: now.Add(time.Hour)}
	})
	require.Equal(t, "new", ask(other).text, "the first list of a new CA is there at once")
}

func TestARecordThatHangsHoldsUpNobodyForLong(t *testing.T) {
	t.Parallel()
	s, c, ask := shelved(t)
	ask(listPath)
	s.record.do(func() { s.record.hangs = true })
	c.later(5 * time.Second)
	var answers [12]page
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = s.get(s.visitor(), fmt.Sprintf("/crl/%016x.crl", i)) })
	}
	require.Equal(t, "first", ask(listPath).text)
	group.Wait()
	for _, a := range answers {
		require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	}
	require.Equal(t, 4, s.record.most, "made-up names do not take all connections")
	looked := s.record.files
	require.Equal(t, "first", ask(listPath).text)
	require.Equal(t, looked, s.record.files, "who has just not been answered does not ask and wait again")
}
