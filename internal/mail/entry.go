package mail

import (
	"fmt"
	"net/url"
	"strings"

	ics "github.com/arran4/golang-ical"

	"securemailid.example/internal/calendar"
	"securemailid.example/internal/order"
)

// entry is the end of a certificate as a calendar shows it: an event of the whole day in Japan, with an alarm at nine in the morning a week
// and a day before (RFC 5545). Every reminder of one certificate has the same UID, so a calendar keeps one event. Calendars are shared
// more freely than mail: the event holds none of the letter's secret links, only the address of the empty application form.
func (r *Renderer) entry(l order.Letter, lang order.Language) (string, error) {
	title, err := r.words(l, lang, "entry-title")
	if err != nil {
		return "", err
	}
	about, err := r.words(l, lang, "entry-text")
	if err != nil {
		return "", err
	}
	c := ics.NewCalendar()
	c.SetProductId("-//" + r.brand.MessageIDDomain + "//" + r.brand.Product.EN + "//EN")
	c.SetMethod(ics.MethodPublish)
	e := c.AddEvent("expiry-" + localPart(l.Facts.Serial) + "@" + r.brand.MessageIDDomain)
	end := l.Facts.NotAfter.In(calendar.JST())
	e.SetDtStampTime(l.CreatedAt)
	e.SetAllDayStartAt(end)
	e.SetAllDayEndAt(end.AddDate(0, 0, 1)) // RFC 5545 3.6.1: not inclusive
	e.SetSummary(title)
	e.SetDescription(about)
	e.SetTimeTransparency(ics.TransparencyTransparent) // nobody is busy that day
	if form, err := url.Parse(l.Facts.Link); err == nil {
		e.SetURL(form.Scheme + "://" + form.Host + "/enroll")
	}
	for _, before := range []string{"-P6DT15H", "-PT15H"} { // of the midnight at which the day begins
		a := e.AddAlarm()
		a.SetAction(ics.ActionDisplay)
		a.SetTrigger(before)
		a.SetDescription(title)
	}
	return c.Serialize(ics.WithNewLineWindows), nil
}

// words executes one short text of the letter's template.
func (r *Renderer) words(l order.Letter, lang order.Language, name string) (string, error) {
	var b strings.Builder
	if err := r.sheets[lang][l.Kind].text.ExecuteTemplate(&b, name, r.view(l, lang)); err != nil {
		return "", fmt.Errorf("mail: %s of %s: %w", name, l.Kind, err)
	}
	return text(b.String(), maxLine), nil
}
