package activities

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// Letters greet people in the order of the language, as the pages name them, and know the names of the other one.
func TestALetterKnowsTheNamesOfBothLanguages(t *testing.T) {
	t.Parallel()
	app := order.Application{
		Organization:     order.Organization{NameJA: "第三株式会社", Name: "Third K.K."},
		Representative:   order.Representative{FamilyNameJA: "申請", GivenNameJA: "責任", FamilyName: "Shinsei", GivenName: "Sekinin", Email: "representative@example.jp"},
		TechnicalContact: order.TechnicalContact{FamilyName: "Gijutsu", GivenName: "Tantou", Email: "tech@example.jp"},
	}
	ja, en := order.Names{Organization: "第三株式会社", ContactName: "Gijutsu Tantou"}, order.Names{Organization: "Third K.K.", ContactName: "Tantou Gijutsu"}
	own := func(f order.Facts) order.Names {
		return order.Names{Organization: f.Organization, ContactName: f.ContactName}
	}
	inJA, inEN := order.Names{Organization: "第三株式会社", ContactName: "申請 責任"}, order.Names{Organization: "Third K.K.", ContactName: "Sekinin Shinsei"}
	for lang, want := range map[order.Language]struct{ own, other, asked, otherAsked order.Names }{
		order.Japanese: {ja, en, inJA, inEN}, order.English: {en, ja, inEN, inJA},
	} {
		app.Language = lang
		got := own(letter(order.LetterReceipt, "", "1234567890", app, time.Now(), order.Facts{}).Facts)
		require.Equal(t, want.own, got)
		require.Equal(t, want.other, letter(order.LetterReceipt, "", "1234567890", app, time.Now(), order.Facts{}).Facts.Other)
		asked := Addresses{}.withReuse(order.Status{Application: app}, app.Representative, time.Now(), time.Now(), time.Now()).Facts
		got = own(asked)
		require.Equal(t, want.asked, got)
		require.Equal(t, want.otherAsked, asked.Other)
	}
	report := order.Revocation{Reporter: "finder@example.com", Certificates: []order.RevocationOfOne{{Order: "1234567890", Serial: "5a", Named: true}}}
	stranger := ReportAnswer([]order.Status{{Number: "1234567890", Application: app}}, report, time.Now(), "", "")[1]
	require.Empty(t, stranger.Facts.Organization+stranger.Facts.ContactName)
	require.Empty(t, stranger.Facts.Other, "whoever reports a problem reads nothing else of the order")
}
