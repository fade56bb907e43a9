package activities

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/secret"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func writer(t *testing.T) (Writer, policy.Rules) {
	t.Helper()
	book, ok := policy.Open(policy.Guide)
	require.True(t, ok)
	return Writer{Addresses: Addresses{PublicURL: "https://id.example.jp"}, Policy: book, Clock: func() time.Time { return now }}, book.At(now)
}

func sampleOrder() order.Status {
	return order.Status{
		Number: "4711000001", Domain: "example.co.jp", CertificateEmail: "info@example.co.jp",
		Application: order.Application{
			Language: order.English, CertificateEmail: "info@example.co.jp", Organization: order.Organization{Name: "Sample Trading K.K."},
			TechnicalContact: order.TechnicalContact{FamilyName: "Gijutsu", GivenName: "Tantou", Email: "tech@example.co.jp"},
		},
	}
}

// opens asserts that the address is that of the letter's only link.
func opens(t *testing.T, l order.Letter, address, path string, p order.LinkPurpose, expires time.Time) {
	t.Helper()
	require.Len(t, l.Links, 1)
	link := l.Links[0]
	token, ok := strings.CutPrefix(address, "https://id.example.jp"+path)
	require.True(t, ok, address)
	require.Equal(t, secret.Hash(token), link.Hash, "only the hash is kept")
	require.Equal(t, p, link.Purpose)
	require.Equal(t, l.Recipient, link.Recipient)
	require.Equal(t, l.Order, link.Order)
	require.Equal(t, expires, link.ExpiresAt)
}

func TestWriterStatusLink(t *testing.T) {
	t.Parallel()
	w, rules := writer(t)
	l := w.StatusLink(sampleOrder())
	require.Equal(t, "tech@example.co.jp", l.Recipient)
	require.Equal(t, order.LetterStatusLink, l.Kind)
	opens(t, l, l.Facts.StatusLink, "/status/", order.LinkStatus, now.Add(rules.StatusLinkLife))
	require.Equal(t, l.Links[0].ExpiresAt, l.Facts.LinkExpires)
	require.NotEqual(t, l.Key, w.StatusLink(sampleOrder()).Key, "each is a letter of its own")
}

func TestWriterIssuedAgainTellsOfTheLatestCertificate(t *testing.T) {
	t.Parallel()
	w, rules := writer(t)
	st := sampleOrder()
	_, ok := w.IssuedAgain(st)
	require.False(t, ok, "no certificate, no notice")
	st.Certificates = []order.CertificateView{{Sequence: 1, Serial: "0a"}, {Sequence: 2, Serial: "0b"}}
	l, ok := w.IssuedAgain(st)
	require.True(t, ok)
	require.Equal(t, "0b", l.Facts.Serial)
	require.Equal(t, "tech@example.co.jp", l.Recipient)
	opens(t, l, l.Facts.Link, "/download/", order.LinkDownload, now.Add(rules.DownloadLinkLife))
}

func TestWriterRenewsWhatALetterHasLost(t *testing.T) {
	t.Parallel()
	w, rules := writer(t)
	for kind, status := range map[order.LetterKind]bool{
		order.LetterReceipt: true, order.LetterReissueReceipt: true, order.LetterChallenge: true, order.LetterApprovalsHeld: true, order.LetterInquiry: true, order.LetterReminder: true, order.LetterStatusLink: true,
		order.LetterIssuedCertificate: false, order.LetterIssuedContact: false,
	} {
		l, ok := w.Renew(order.Letter{ID: "letter", Order: "4711000001", Kind: kind, Recipient: "tech@example.co.jp"})
		require.True(t, ok, kind)
		require.Equal(t, "letter", l.ID)
		if status {
			opens(t, l, l.Facts.StatusLink, "/status/", order.LinkStatus, now.Add(rules.StatusLinkLife))
		} else {
			opens(t, l, l.Facts.Link, "/download/", order.LinkDownload, now.Add(rules.DownloadLinkLife))
			require.Equal(t, l.Links[0].ExpiresAt, l.Facts.LinkExpires)
		}
	}
	for _, kind := range []order.LetterKind{order.LetterRejected, order.LetterCancelled, order.LetterExpired} {
		l, ok := w.Renew(order.Letter{Kind: kind})
		require.True(t, ok, kind)
		require.Empty(t, l.Links, kind)
	}
	_, ok := w.Renew(order.Letter{Kind: order.LetterDomainApproval})
	require.False(t, ok, "its link belongs to a challenge")
}

func TestWriterRevocationLinks(t *testing.T) {
	t.Parallel()
	w, rules := writer(t)
	st := sampleOrder()
	_, err := w.RevocationLinks(st, 1)
	require.ErrorContains(t, err, "certificate.unknown")
	st.Certificates = []order.CertificateView{{Sequence: 1, Serial: "5a"}, {Sequence: 2, Serial: "5b", NotAfter: now.AddDate(1, 0, 0)}}
	letters, err := w.RevocationLinks(st, 2)
	require.NoError(t, err)
	require.Len(t, letters, 2)
	require.Equal(t, []string{"tech@example.co.jp", "info@example.co.jp"}, []string{letters[0].Recipient, letters[1].Recipient})
	for _, l := range letters {
		opens(t, l, l.Facts.Link, "/revoke/", order.LinkRevocation, now.Add(rules.RevocationLinkLife))
		require.Equal(t, 2, l.Links[0].Sequence)
		require.Equal(t, "5b", l.Facts.Serial)
		_, ok := w.Renew(l)
		require.False(t, ok, "an old wish to revoke is not sent again by staff")
	}
	require.NotEqual(t, letters[0].Links[0].Hash, letters[1].Links[0].Hash)
	st.CertificateEmail = "tech@example.co.jp"
	letters, err = w.RevocationLinks(st, 1)
	require.NoError(t, err)
	require.Len(t, letters, 1)
}
