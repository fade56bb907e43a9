// Package calendar knows the business days of a Japanese company: Monday to Friday without national holidays, without the
// turn of the year (29 December to 3 January) and without the company's own days off. It is pure.
package calendar

import (
	"sync"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/jp"

	"securemailid.example/internal/fault"
)

// JST is Japan Standard Time. Japan has had no daylight saving since 1951, so a fixed zone says the same as Asia/Tokyo and
// needs no time zone database on the machine.
func JST() *time.Location { return time.FixedZone("JST", 9*60*60) }

// Calendar answers which days are business days. It is safe for concurrent use.
type Calendar struct {
	mu       sync.Mutex // the library's holidays note the year they were last asked for in themselves
	business *cal.BusinessCalendar
	dates    map[string]bool // company days off, "2027-08-13"
	annual   map[string]bool // company days off of every year, "08-13"
}

// New returns the calendar with the company's own days off, each a date ("2027-08-13") or a day of every year ("08-13").
// A day written otherwise is an Invalid fault.
func New(companyDays ...string) (*Calendar, error) {
	c := &Calendar{business: cal.NewBusinessCalendar(), dates: map[string]bool{}, annual: map[string]bool{}}
	for _, h := range jp.Holidays {
		c.business.AddHoliday(h.Clone(nil)) // the package's own are shared by the whole program, and change when asked
	}
	for _, d := range companyDays {
		if err := c.close(d); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// close adds one of the company's days off. 2000 is a leap year, so that 02-29 is a day of every year.
func (c *Calendar) close(day string) error {
	if _, err := time.Parse(time.DateOnly, day); err == nil {
		c.dates[day] = true
		return nil
	}
	if _, err := time.Parse(time.DateOnly, "2000-"+day); err == nil {
		c.annual[day] = true
		return nil
	}
	return fault.InvalidFields([]fault.Field{{
		Path: "calendar.company_days", Code: "date",
		Rule:   fault.Text{JA: "休業日の書き方が正しくありません。", EN: "A company day off is not a date."},
		Remedy: fault.Text{JA: "2027-08-13 または毎年の 08-13 の形で指定してください。", EN: "Write 2027-08-13, or 08-13 for every year."},
	}})
}

// IsBusinessDay reports whether the day in Japan that holds t is a business day.
func (c *Calendar) IsBusinessDay(t time.Time) bool {
	day := t.In(JST())
	if turnOfYear(day) || c.dates[day.Format(time.DateOnly)] || c.annual[day.Format("01-02")] {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.business.IsWorkday(day)
}

// NextBusinessDay returns the start, in Japan, of the first business day after the day that holds t: what is promised at t
// "within one business day" happens on that day at the latest (G15).
func (c *Calendar) NextBusinessDay(t time.Time) time.Time {
	y, m, d := t.In(JST()).Date()
	for {
		d++
		if day := time.Date(y, m, d, 0, 0, 0, 0, JST()); c.IsBusinessDay(day) {
			return day
		}
	}
}

// turnOfYear reports whether Japanese offices are closed around New Year.
func turnOfYear(day time.Time) bool {
	_, m, d := day.Date()
	return m == time.December && d >= 29 || m == time.January && d <= 3
}
