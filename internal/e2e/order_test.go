package e2e_test

import (
	"crypto/x509"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

// vouchersUsed counts the vouchers that the order has used.
func (w *world) vouchersUsed(number string) int {
	w.t.Helper()
	vs, err := w.desk.Records.Vouchers(w.ctx, store.VoucherFilter{Order: number, State: voucher.Used})
	require.NoError(w.t, err)
	return len(vs)
}

func TestAnOrderGoesFromTheFormToTheCertificateByEachMethod(t *testing.T) {
	t.Parallel()
	for _, method := range order.DCVMethods {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			w := shared(t)
			number := w.order(method)
			w.prove(number)
			w.awaitState(number, order.OrganizationValidation)
			w.phone(number)
			c := w.issuedOnce(number)
			w.closed(number)
			leaf, err := x509.ParseCertificate(c.DER)
			require.NoError(t, err)
			st, err := w.desk.Records.Order(t.Context(), number)
			require.NoError(t, err)
			require.Equal(t, []string{st.CertificateEmail}, leaf.EmailAddresses)
			require.Equal(t, []string{"Sample Trading K.K."}, leaf.Subject.Organization)
			m := w.mail(st.CertificateEmail, "発行のお知らせ")
			page := linkIn(t, m, "/download/")
			for _, kind := range []string{"p7b", "zip", "pem"} {
				status, body := w.request(http.DefaultClient, http.MethodGet, page+"/file?type="+kind, nil)
				require.Equal(t, http.StatusOK, status)
				require.NotEmpty(t, body)
			}
		})
	}
}
