package mail_test

import (
	"bytes"
	"mime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ics "github.com/arran4/golang-ical"
	"github.com/jhillyerd/enmime/v2"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/order"
)

// reminder is the example letter that a certificate ends.
func reminder(t testing.TB, lang order.Language) order.Letter {
	t.Helper()
	for _, e := range examples() {
		if e.kind == order.LetterExpiryReminder {
			return letter(e, lang)
		}
	}
	t.Fatal("no example")
	return order.Letter{}
}

// wellFormed checks what RFC 5545 asks of the bytes: lines end in CRLF, none is longer than 75 octets, folds cut no character, and no line
// begins a property that we did not write.
func wellFormed(t testing.TB, entry string) {
	t.Helper()
	require.True(t, strings.HasSuffix(entry, "END:VCALENDAR\r\n"))
	require.NotContains(t, strings.ReplaceAll(entry, "\r\n", ""), "\n")
	require.NotContains(t, strings.ReplaceAll(entry, "\r\n", ""), "\r")
	for l := range strings.SplitSeq(strings.TrimSuffix(entry, "\r\n"), "\r\n") {
		require.LessOrEqual(t, len(l), 75, l)
		require.True(t, utf8.ValidString(l), "%q", l)
	}
	unfolded := strings.ReplaceAll(entry, "\r\n ", "")
	known := " BEGIN END VERSION PRODID METHOD UID DTSTAMP DTSTART DTEND SUMMARY DESCRIPTION TRANSP URL ACTION TRIGGER "
	for l := range strings.SplitSeq(strings.TrimSuffix(unfolded, "\r\n"), "\r\n") {
		name, _, _ := strings.Cut(l, ":")
		name, _, _ = strings.Cut(name, ";")
		require.Contains(t, known, " "+name+" ", l)
	}
}

func TestTheEndOfACertificateForTheCalendar(t *testing.T) {
	t.Parallel()
	for _, lang := range []order.Language{order.Japanese, order.English} {
		l := reminder(t, lang)
		got, err := renderer(t, false).Render(l)
		require.NoError(t, err)
		wellFormed(t, got.Calendar)
		c, err := ics.ParseCalendar(strings.NewReader(got.Calendar))
		require.NoError(t, err)
		require.Len(t, c.Events(), 1)
		e := c.Events()[0]
		value := func(p ics.ComponentProperty) string { return e.GetProperty(p).Value }
		require.Equal(t, "expiry-4f1c9a7be02d5533a1b2c3d4e5f60718@digicert.com", e.Id())
		require.Equal(t, "20261120T060000Z", value(ics.ComponentPropertyDtstamp), "of the letter, whenever it is sent")
		start, err := e.GetAllDayStartAt()
		require.NoError(t, err)
		require.Equal(t, "2026-12-19", start.Format(time.DateOnly), "the day in Japan")
		end, err := e.GetAllDayEndAt()
		require.NoError(t, err)
		require.Equal(t, "2026-12-20", end.Format(time.DateOnly), "not inclusive")
		require.Contains(t, value(ics.ComponentPropertySummary), "info@example.co.jp")
		require.Contains(t, value(ics.ComponentPropertyDescription), "1234567890\n")
		require.Equal(t, "https://portal.example.com/enroll", value(ics.ComponentPropertyUrl))
		require.Len(t, e.Alarms(), 2)
		require.NotContains(t, got.Calendar, token[:20], "calendars are shared: no secret link")
		require.Contains(t, got.Calendar, "\r\nMETHOD:PUBLISH\r\n")
		require.Contains(t, got.Calendar, "\r\nDTSTART;VALUE=DATE:20261219\r\n")
	}
}

// TestOneEntryForAllReminders: a calendar replaces what has the same UID.
func TestOneEntryForAllReminders(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	first := reminder(t, order.Japanese)
	last := first
	last.ID, last.Facts.DaysLeft, last.CreatedAt = "0198c6f2-0000-7000-8000-000000000002", 1, first.CreatedAt.AddDate(0, 0, 29)
	a, err := r.Render(first)
	require.NoError(t, err)
	b, err := r.Render(last)
	require.NoError(t, err)
	uid := func(s string) string { return strings.SplitN(strings.SplitN(s, "UID:", 2)[1], "\r\n", 2)[0] }
	require.Equal(t, uid(a.Calendar), uid(b.Calendar))
	require.NotEqual(t, a.Subject, b.Subject)
}

func TestAReminderTravelsWithItsEntryAndAWayOut(t *testing.T) {
	t.Parallel()
	box := start(t, mailbox.Options{})
	l := reminder(t, order.Japanese)
	_, err := mailer(t, box.SMTPAddr, nil).Send(t.Context(), l)
	require.NoError(t, err)
	e, err := enmime.ReadEnvelope(bytes.NewReader(box.Mails()[0].Raw))
	require.NoError(t, err)
	require.Empty(t, e.Errors)
	require.Equal(t, "<https://portal.example.com/stop/"+token+">", e.GetHeader("List-Unsubscribe"))
	require.Equal(t, "List-Unsubscribe=One-Click", e.GetHeader("List-Unsubscribe-Post"))
	require.Len(t, e.Attachments, 1)
	file := e.Attachments[0]
	require.Equal(t, "certificate-expiry.ics", file.FileName)
	kind, params, err := mime.ParseMediaType(file.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "text/calendar", kind)
	require.Equal(t, map[string]string{"charset": "utf-8", "method": "PUBLISH", "name": "certificate-expiry.ics"}, params)
	want, err := renderer(t, false).Render(l)
	require.NoError(t, err)
	require.Equal(t, want.Calendar, string(file.Content))
}

func TestOtherLettersHaveNeither(t *testing.T) {
	t.Parallel()
	r := renderer(t, false)
	for _, e := range examples() {
		got, err := r.Render(letter(e, order.English))
		require.NoError(t, err)
		require.Equal(t, e.kind == order.LetterExpiryReminder, got.Calendar != "", e.name)
		require.Equal(t, e.kind == order.LetterExpiryReminder, got.StopLink != "", e.name)
	}
}

// FuzzEntry shows that no facts add a property to the entry or break its lines.
func FuzzEntry(f *testing.F) {
	f.Add("info@example.co.jp", "1234567890", "5a", "https://portal.example.com/renew/x")
	f.Add("a\r\nATTENDEE:x", "1\nBEGIN:VEVENT", "\r\nX:1", "https://x\r\n.example/\\,;")
	f.Add(strings.Repeat("あ", 200), strings.Repeat("\\", 80), "あ", "http://example.jp:80/a b?c#d")
	r := renderer(f, true)
	f.Fuzz(func(t *testing.T, address, number, serial, link string) {
		l := reminder(t, order.Japanese)
		l.Facts.CertificateEmail, l.Facts.Number, l.Facts.Serial, l.Facts.Link = address, number, serial, link
		got, err := r.Render(l)
		if err != nil {
			return
		}
		wellFormed(t, got.Calendar)
		c, err := ics.ParseCalendar(strings.NewReader(got.Calendar))
		require.NoError(t, err)
		require.Len(t, c.Events(), 1)
		require.Len(t, c.Events()[0].Alarms(), 2)
	})
}
