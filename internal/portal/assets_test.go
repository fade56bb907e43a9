package portal_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

func TestStaticFilesTravelPacked(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	want, err := os.ReadFile("static/keys.js")
	require.NoError(t, err)
	for _, row := range []struct {
		shows, accept, file string
		packed              bool
	}{
		{"a browser takes gzip", "gzip, deflate, br, zstd", "keys.js", true},
		{"with a weight too", "br;q=1.0, GZIP;q=0.5", "keys.js", true},
		{"who refuses it gets the file", "gzip;q=0, identity", "keys.js", false},
		{"and so does who says nothing of it", "br", "keys.js", false},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			r := s.request(http.MethodGet, "/static/"+row.file, nil)
			r.Header.Set("Accept-Encoding", row.accept)
			p := s.do(s.visitor(), r)
			require.Equal(t, http.StatusOK, p.StatusCode)
			require.Equal(t, "text/javascript; charset=utf-8", p.Header.Get("Content-Type"))
			require.Equal(t, "Accept-Encoding", p.Header.Get("Vary"))
			if !row.packed {
				require.Empty(t, p.Header.Get("Content-Encoding"))
				require.Equal(t, string(want), p.text)
				return
			}
			require.Equal(t, "gzip", p.Header.Get("Content-Encoding"))
			unpacked, err := gzip.NewReader(strings.NewReader(p.text))
			require.NoError(t, err)
			got, err := io.ReadAll(unpacked)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))

			again := s.request(http.MethodGet, "/static/"+row.file, nil)
			again.Header.Set("Accept-Encoding", row.accept)
			again.Header.Set("If-None-Match", p.Header.Get("ETag"))
			require.Equal(t, http.StatusNotModified, s.do(s.visitor(), again).StatusCode)
		})
	}
}
