package portal_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

func TestDownloadPageShowsTheCertificate(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	s.engine.answer = func(order.DomainApproved) (order.Outcome, error) {
		return order.Outcome{}, errors.New("not for downloads")
	}
	cert, _ := s.issue(1)
	p := s.get(s.visitor(), "/download/"+s.download)
	require.Equal(t, http.StatusOK, p.StatusCode)
	sum := sha256.Sum256(cert.DER)
	for _, fact := range []string{
		number, "smime-contact@example.co.jp", "Sample Trading K.K.", "Example Issuing CA", "5E:ED:00:00:00:00:00:00:00:01",
		strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":"), "2028年11月22日", `value="p7b" checked`, `value="zip"`, `value="pem"`,
	} {
		require.Contains(t, strings.ReplaceAll(p.text, "<wbr>", ""), fact)
	}
	require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
}

func TestDownloadFiles(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ kind, mime string }{
		{"p7b", "application/x-pkcs7-certificates"}, {"zip", "application/zip"}, {"pem", "application/x-pem-file"},
	} {
		t.Run(row.kind, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.Japanese)
			s.issue(1)
			latest, ca := s.issue(2)
			c := s.visitor()
			for range 2 { // not single use
				p := s.get(c, "/download/"+s.download+"/file?type="+row.kind)
				require.Equal(t, http.StatusOK, p.StatusCode)
				require.Equal(t, row.mime, p.Header.Get("Content-Type"))
				require.Equal(t, `attachment; filename="smid-`+number+`.`+row.kind+`"`, p.Header.Get("Content-Disposition"))
				require.Equal(t, row.kind+" "+latest.Serial+" "+ca.ID, p.text, "the latest certificate, whatever the record's order")
				require.Equal(t, "no-store", p.Header.Get("Cache-Control"))
			}
		})
	}
}

func TestDownloadThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows, path string
		prepare     func(*site)
		status      int
	}{
		{"the link has expired", "", func(s *site) { s.issue(1); s.record.use(s.download, func(l *order.Link) { l.ExpiresAt = now }) }, http.StatusGone},
		{"the link has expired, for the file too", "/file?type=p7b", func(s *site) { s.issue(1); s.record.use(s.download, func(l *order.Link) { l.ExpiresAt = now }) }, http.StatusGone},
		{"there is no certificate yet", "", func(*site) {}, http.StatusConflict},
		{"there is no such file type", "/file?type=exe", func(s *site) { s.issue(1) }, http.StatusBadRequest},
		{"a file type with a path in it", "/file?type=../p7b", func(s *site) { s.issue(1) }, http.StatusBadRequest},
		{"no file type", "/file", func(s *site) { s.issue(1) }, http.StatusBadRequest},
		{"the link is for approval", "", func(s *site) { s.download = s.approval }, http.StatusNotFound},
		{"the record does not answer", "", func(s *site) { s.record.down = errors.New("connection refused") }, http.StatusInternalServerError},
		{"a link once used still downloads", "", func(s *site) {
			s.issue(1)
			s.record.use(s.download, func(l *order.Link) { l.UsedAt = now.Add(-time.Hour) })
		}, http.StatusOK},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, order.English)
			row.prepare(s)
			p := s.get(s.visitor(), "/download/"+s.download+row.path)
			require.Equal(t, row.status, p.StatusCode, p.text)
			require.NotContains(t, p.text, "connection refused")
		})
	}
}
