package mail_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/mail"
)

// paths are the settings that a fault names.
func paths(t *testing.T, err error) []string {
	t.Helper()
	f, ok := errors.AsType[*fault.Error](err)
	require.True(t, ok, "%v", err)
	var out []string
	for _, field := range f.Fields {
		require.NotEmpty(t, field.Rule.JA)
		require.NotEmpty(t, field.Remedy.EN)
		out = append(out, field.Path)
	}
	return out
}

func TestNothingOfABrandHasADefault(t *testing.T) {
	t.Parallel()
	require.NoError(t, mail.GuideBrand().Validate())
	require.ElementsMatch(t, []string{
		"brand.product.ja", "brand.product.en", "brand.company.ja", "brand.company.en", "brand.support.url", "brand.support.email",
		"brand.from.validation", "brand.from.issue", "brand.from.order", "brand.terms_url", "brand.message_id_domain", "brand.subjects.domain_approval",
		"brand.subjects.receipt.ja", "brand.subjects.receipt.en", "brand.subjects.issued_certificate.ja", "brand.subjects.issued_certificate.en",
		"brand.subjects.issued_contact.ja", "brand.subjects.issued_contact.en",
	}, paths(t, mail.Brand{}.Validate()))
	_, err := mail.New(mail.Config{SMTP: mail.SMTP{Host: "localhost", Port: 25}})
	require.Equal(t, fault.Invalid, fault.KindOf(err), "a program without its brand does not start")
}

func TestUnusableSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why, path string
		change    func(*mail.Brand)
	}{
		{"a sender that is no address", "brand.from.validation", func(b *mail.Brand) { b.From.Validation = "nobody" }},
		{"a sender with a line break", "brand.from.order", func(b *mail.Brand) { b.From.Order = "a@example.com\r\nBcc: b@example.com" }},
		{"a subject with a placeholder that nobody fills", "brand.subjects.domain_approval", func(b *mail.Brand) { b.Subjects.DomainApproval = "Validate {name}" }},
		{"a support page that no browser opens", "brand.support.url", func(b *mail.Brand) { b.Support.URL = "ftp://example.com" }},
		{"a Message-ID domain that is none", "brand.message_id_domain", func(b *mail.Brand) { b.MessageIDDomain = "<x>" }},
		{"an address to reply to that is none", "brand.reply_to", func(b *mail.Brand) { b.ReplyTo = "x" }},
	} {
		b := mail.GuideBrand()
		row.change(&b)
		require.Equal(t, []string{row.path}, paths(t, b.Validate()), row.why)
	}
	b := mail.GuideBrand()
	b.Support = mail.Support{Email: "help@example.com"}
	require.NoError(t, b.Validate(), "one way to get help is enough")
}

func TestUnusableSMTPSettingsAreNamed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		why  string
		smtp mail.SMTP
		want []string
	}{
		{"nothing set", mail.SMTP{}, []string{"smtp.host", "smtp.port"}},
		{"a mode that there is not", mail.SMTP{Host: "localhost", Port: 25, StartTLS: "maybe"}, []string{"smtp.starttls"}},
		{"a password in clear", mail.SMTP{Host: "localhost", Port: 25, StartTLS: mail.None, Username: "u"}, []string{"smtp.starttls"}},
		{"a port beyond the last", mail.SMTP{Host: "localhost", Port: 70000}, []string{"smtp.port"}},
	} {
		_, err := mail.New(mail.Config{Brand: mail.GuideBrand(), SMTP: row.smtp})
		require.Equal(t, row.want, paths(t, err), row.why)
	}
}
