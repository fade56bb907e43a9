package dcv

import (
	"hash/fnv"
	"slices"
	"time"
)

// Step says how often to look until a challenge has been open for the given time.
type Step struct {
	Until time.Duration `json:"until"` // since the challenge was opened
	Every time.Duration `json:"every"`
}

// Cadence is how often a challenge is looked for: by its steps in order, and by Then when they are over. The zero Cadence is hourly.
type Cadence struct {
	Steps []Step        `json:"steps,omitempty"`
	Then  time.Duration `json:"then"`
}

// DefaultCadence looks every minute for ten minutes, since most people publish at once, every five minutes for an hour more, every
// fifteen for a day more, then hourly.
func DefaultCadence() Cadence {
	return Cadence{
		Steps: []Step{
			{Until: 10 * time.Minute, Every: time.Minute},
			{Until: 70 * time.Minute, Every: 5 * time.Minute},
			{Until: 25*time.Hour + 10*time.Minute, Every: 15 * time.Minute},
		},
		Then: time.Hour,
	}
}

// NextCheck returns how long to wait before the next look, at most until the deadline and 0 from then on; a zero deadline is none. The
// answer hangs on the time since the challenge was opened, never on a count of attempts: an operator's reset sets that back to 1. It
// differs by up to a tenth between challenges, so that the orders of one batch do not look in step.
func (k Cadence) NextCheck(c Challenge, now, deadline time.Time) time.Duration {
	wait := k.every(now.Sub(c.OpenedAt))
	wait += time.Duration(float64(wait) * jitter(c.ID))
	if !deadline.IsZero() {
		wait = min(wait, deadline.Sub(now))
	}
	return max(wait, 0)
}

func (k Cadence) every(open time.Duration) time.Duration {
	every := k.Then
	if i := slices.IndexFunc(k.Steps, func(s Step) bool { return open < s.Until }); i >= 0 {
		every = k.Steps[i].Every
	}
	if every <= 0 {
		return time.Hour // a setting left empty must not become a busy loop
	}
	return every
}

// jitter maps an ID to a fixed share between −0.1 and +0.1.
func jitter(id string) float64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return (float64(h.Sum32())/float64(1<<32-1) - 0.5) / 5
}
