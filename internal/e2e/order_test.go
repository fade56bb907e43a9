package e2e_test

import (
	"bytes"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/proto"

	"securemailid.example/internal/order"
)

// mostEvents bounds the history of an order in which nothing went wrong: what it costs the server is its number of events. The aim is
// 90; a busy machine spreads messages over a few more workflow tasks.
const mostEvents = 96

func TestAnOrderGoesFromTheFormToTheCertificateByEachMethod(t *testing.T) {
	t.Parallel()
	for _, method := range order.DCVMethods {
		t.Run(string(method), func(t *testing.T) {
			t.Parallel()
			w := common.enter(t)
			form := w.application(method)
			number := w.challenged(w.submit(form))
			w.prove(number)
			w.awaitState(number, order.OrganizationValidation)
			w.phone(number)
			c := w.issuedOnce(number)
			w.closed(number)
			leaf, err := x509.ParseCertificate(c.DER)
			require.NoError(t, err)
			require.Equal(t, []string{form.CertificateEmail}, leaf.EmailAddresses)
			require.Equal(t, []string{form.Organization.Name}, leaf.Subject.Organization)
			events := len(w.history(number))
			t.Logf("%d events", events)
			require.LessOrEqual(t, events, mostEvents)
			w.historyKeepsTo(number, w.secretsOf(number, form))
		})
	}
}

// secretsOf is everything about an order that no history may hold: who applied, what was paid with, and what opens a link.
func (w *world) secretsOf(number string, form order.Application) []string {
	w.t.Helper()
	r, c, o := form.Representative, form.TechnicalContact, form.Organization
	secrets := []string{
		form.Voucher, form.CertificateEmail, r.Email, c.Email, r.FamilyName, r.GivenName, r.FamilyNameJA + r.GivenNameJA, c.FamilyName, c.GivenName,
		o.Name, o.NameJA, o.Street, o.Telephone, c.Telephone, strings.TrimSpace(strings.Split(form.CSR, "\n")[1]),
	}
	if ch := w.status(number).Challenge; ch != nil && ch.Token != "" {
		secrets = append(secrets, ch.Token)
	}
	for _, m := range w.Mailbox.Mails() {
		for _, to := range m.To {
			if domainOf(to) == domainOf(form.CertificateEmail) {
				secrets = append(secrets, to)
				secrets = append(secrets, tokensOf(m.Links)...)
			}
		}
	}
	return secrets
}

// tokensOf returns what makes links unguessable.
func tokensOf(links []string) []string {
	var tokens []string
	for _, l := range links {
		for _, path := range []string{"/approve/", "/confirm/", "/download/", "/status/"} {
			if _, token, found := strings.Cut(l, path); found {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// historyKeepsTo checks that the raw history, as anybody with access to the Temporal server can read it, holds none of the secrets.
func (w *world) historyKeepsTo(number string, secrets []string) {
	w.t.Helper()
	w.keepsTo(w.history(number), secrets)
}

// keepsTo is historyKeepsTo for any workflow's history.
func (w *world) keepsTo(history []*historypb.HistoryEvent, secrets []string) {
	w.t.Helper()
	for _, e := range history {
		raw, err := proto.Marshal(e) // unlike JSON it shows payloads as they are, not in base64
		require.NoError(w.t, err)
		for _, s := range secrets {
			require.Falsef(w.t, bytes.Contains(raw, []byte(s)), "event %d, %s, holds %q", e.GetEventId(), e.GetEventType(), s)
		}
	}
}
