package portal_test

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/pem"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/portal"
)

func TestFormsAreLimited(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, func(c *portal.Config) { c.Limits.Forms, c.Limits.Previews = 2, 1 })
	c := s.visitor()
	form := filled(t)
	s.confirm(c, form)
	_, carried := s.confirm(c, form)
	for path, sent := range map[string]url.Values{"/enroll": form, "/enroll/submit": carried} {
		p := s.post(c, path, sent)
		require.Equal(t, http.StatusTooManyRequests, p.StatusCode)
		require.NotEmpty(t, p.Header.Get("Retry-After"))
		requireKept(t, p, filled(t))
	}
	require.Zero(t, s.desk.calls)
	require.Equal(t, http.StatusOK, s.post(c, "/enroll/csr", form).StatusCode)
	require.Equal(t, http.StatusTooManyRequests, s.post(c, "/enroll/csr", form).StatusCode)
}

// TestVouchersCannotBeGuessed: wrong numbers are looked up so often and no more, for one address and for all.
func TestVouchersCannotBeGuessed(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese, unlimited, func(c *portal.Config) {
		c.TrustProxyTLS, c.Limits.VoucherRefusals, c.Limits.VoucherRefusalsInAll = true, 3, 5
	})
	s.desk.refuse = func(order.Application) error {
		return fault.New(fault.NotFound, "voucher.unknown", "このバウチャー/クーポン番号は登録されていません。", "This voucher number is not known.")
	}
	guess := func(address string) page {
		c := s.visitor()
		_, carried := s.confirm(c, filled(t))
		r := s.request(http.MethodPost, "/enroll/submit", carried)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("X-Forwarded-For", address)
		return s.do(c, r)
	}
	for range 3 {
		require.Equal(t, http.StatusUnprocessableEntity, guess("192.0.2.1").StatusCode)
	}
	p := guess("192.0.2.1")
	require.Equal(t, http.StatusTooManyRequests, p.StatusCode)
	requireKept(t, p, filled(t))
	require.Equal(t, 3, s.desk.calls, "the fourth number is not looked up")
	require.Equal(t, http.StatusUnprocessableEntity, guess("192.0.2.2").StatusCode, "others are not held up")
	require.Equal(t, http.StatusUnprocessableEntity, guess("192.0.2.3").StatusCode)
	require.Equal(t, http.StatusTooManyRequests, guess("192.0.2.4").StatusCode, "all together have had their share")
	require.Equal(t, 5, s.desk.calls)
}

// multipartOf sends a form as the browser does, with a file.
func (s *site) multipartOf(c *http.Client, form url.Values, file []byte) page {
	s.t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name := range form {
		require.NoError(s.t, w.WriteField(name, form.Get(name)))
	}
	part, err := w.CreateFormFile("csr_file", "request.csr")
	require.NoError(s.t, err)
	_, err = part.Write(file)
	require.NoError(s.t, err)
	require.NoError(s.t, w.Close())
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.URL+"/enroll", &b)
	require.NoError(s.t, err)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return s.do(c, r)
}

func TestTheFileTakesThePlaceOfTheText(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	text := request(t, pkix.Name{Organization: []string{"From The File"}})
	block, _ := pem.Decode([]byte(text))
	for shows, file := range map[string][]byte{"PEM": []byte(text), "DER": block.Bytes} {
		p := s.multipartOf(s.visitor(), filled(t), file)
		require.Equal(t, http.StatusOK, p.StatusCode, shows)
		require.Contains(t, p.text, "From The File", shows)
	}
	p := s.multipartOf(s.visitor(), filled(t), nil)
	require.Equal(t, http.StatusOK, p.StatusCode, "no file was chosen")
	p = s.multipartOf(s.visitor(), filled(t), []byte{0xff, 0xd8, 0xff, 0xe0})
	require.Equal(t, http.StatusUnprocessableEntity, p.StatusCode, "a picture")
	require.Contains(t, p.text, `id="csr-fault"`)
}

// TestWhatIsTooLargeIsSaidSo: a field of 1 MB gets a page that helps, in either encoding.
func TestWhatIsTooLargeIsSaidSo(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	form := filled(t)
	form.Set("organization.name", strings.Repeat("x", 1<<20))
	for _, p := range []page{s.post(s.visitor(), "/enroll", form), s.multipartOf(s.visitor(), filled(t), bytes.Repeat([]byte("x"), 1<<20))} {
		require.Equal(t, http.StatusRequestEntityTooLarge, p.StatusCode)
		require.Contains(t, p.text, "64 KiB")
	}
}

func TestFormsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	for _, row := range []struct{ shows, kind, body string }{
		{"a field twice", "application/x-www-form-urlencoded", "voucher=1&voucher=2"},
		{"a broken escape", "application/x-www-form-urlencoded", "voucher=%zz"},
		{"multipart without a boundary", "multipart/form-data", "x"},
		{"multipart that ends too early", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"voucher\"\r\n\r\n1"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/enroll", strings.NewReader(row.body))
		require.NoError(t, err)
		r.Header.Set("Content-Type", row.kind)
		require.Equal(t, http.StatusBadRequest, s.do(s.visitor(), r).StatusCode, row.shows)
	}
}
