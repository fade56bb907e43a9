package activities

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// certificateOf is an issued certificate with the technical contact of its order.
func certificateOf(number, address, contact string) order.Original {
	return order.Original{
		Certificate: order.Certificate{Order: number, Sequence: 1, Serial: "0a" + number, NotAfter: now.AddDate(1, 0, 0)},
		Application: order.Application{
			Language: order.English, CertificateEmail: address, Organization: order.Organization{Name: "Sample Trading K.K."},
			TechnicalContact: order.TechnicalContact{FamilyName: "Gijutsu", GivenName: "Tantou", Email: contact},
		},
	}
}

func notices(t *testing.T, asking string, of ...order.Original) []order.Letter {
	t.Helper()
	w, rules := writer(t)
	return w.Addresses.reissueNotices("4711000009", of, order.TechnicalContact{Email: asking, FamilyName: "Betsu", Telephone: "+81312340000"},
		order.NewDevice, rules, now)
}

func TestWhoIsToldOfARequestForAReissue(t *testing.T) {
	t.Parallel()
	many := make([]order.Original, 9)
	for i := range many {
		many[i] = certificateOf(fmt.Sprint(4711000001+i), "info@example.jp", fmt.Sprintf("tech%d@example.jp", i))
	}
	one := certificateOf("4711000001", "info@example.jp", "tech@example.jp")
	for _, row := range []struct {
		say    string
		asking string
		of     []order.Original
		want   []string
	}{
		{"the contact of the original's order and the certificate's address", "other@example.com", []order.Original{one}, []string{"tech@example.jp", "info@example.jp"}},
		{"the contact who asks has the receipt, however the address is written", "Tech@Example.JP", []order.Original{one}, []string{"info@example.jp"}},
		{"nor is the certificate's address told twice", "info@example.jp", []order.Original{one}, []string{"tech@example.jp"}},
		{"one reader, one letter", "other@example.com", []order.Original{certificateOf("4711000001", "info@example.jp", "info@example.jp")}, []string{"info@example.jp"}},
		{"of several certificates of an address, each contact once", "other@example.com", []order.Original{one, certificateOf("4711000002", "INFO@example.jp", "tech@example.jp")},
			[]string{"tech@example.jp", "INFO@example.jp"}},
		{"of many contacts the latest five", "other@example.com", many,
			[]string{"tech8@example.jp", "tech7@example.jp", "tech6@example.jp", "tech5@example.jp", "tech4@example.jp", "info@example.jp"}},
		{"of several addresses nobody, before staff have chosen", "other@example.com", []order.Original{one, certificateOf("4711000002", "sales@example.jp", "tech@example.jp")}, []string{}},
		{"of nothing nobody", "other@example.com", nil, []string{}},
	} {
		told := []string{}
		for _, l := range notices(t, row.asking, row.of...) {
			told = append(told, l.Recipient)
			require.Equal(t, order.LetterReissueNotice, l.Kind, row.say)
			require.Equal(t, "4711000009", l.Order, row.say)
			require.NotContains(t, fmt.Sprint(l), "Betsu", "nothing of who asks: %s", row.say)
			require.NotContains(t, fmt.Sprint(l), "81312340000", "nothing of who asks: %s", row.say)
		}
		require.Equal(t, row.want, told, row.say)
	}
}

func TestTheHolderOfACertificateCanActOnTheNotice(t *testing.T) {
	t.Parallel()
	_, rules := writer(t)
	one := certificateOf("4711000001", "info@example.jp", "tech@example.jp")
	letters := notices(t, "other@example.com", one)
	require.Len(t, letters, 2)
	contact, user := letters[0], letters[1]
	for _, l := range letters {
		require.Equal(t, "4711000009", l.Facts.Number, "to name the request by")
		require.Equal(t, one.Order, l.Facts.Original)
		require.Equal(t, one.Serial, l.Facts.Serial)
		require.Equal(t, one.NotAfter, l.Facts.NotAfter)
		require.Equal(t, order.NewDevice, l.Facts.ReissueReason)
	}
	require.Equal(t, "Tantou Gijutsu", contact.Facts.ContactName)
	require.Empty(t, contact.Facts.Link)
	contact.Order = one.Order // whose page it opens
	opens(t, contact, contact.Facts.StatusLink, "/status/", order.LinkStatus, now.Add(rules.StatusLinkLife))
	require.Empty(t, user.Facts.ContactName)
	require.Empty(t, user.Facts.StatusLink)
	user.Order = one.Order
	opens(t, user, user.Facts.Link, "/revoke/", order.LinkRevocation, now.Add(rules.RevocationLinkLife))
	require.Equal(t, one.Sequence, user.Links[0].Sequence)

	one.RevokedAt = now
	require.Empty(t, notices(t, "other@example.com", one)[1].Links, "what is revoked need not be")
	for _, l := range notices(t, "other@example.com", one, certificateOf("4711000002", "info@example.jp", "tech@example.jp")) {
		require.Empty(t, l.Facts.Serial, "which of the two it will be is not known")
		require.Empty(t, l.Links)
	}
}
