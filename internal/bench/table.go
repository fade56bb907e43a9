package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// table collects what was measured.
type table struct{ lines []line }

// line is one figure. A ratio stands beside its aim; what has neither is a plain count.
type line struct {
	what, ours, limit string
	ratio, aim        float64
	spread, processor string
}

func (t *table) count(what, format string, args ...any) {
	t.lines = append(t.lines, line{what: what, ours: fmt.Sprintf(format, args...)})
}

// compared adds a ratio of rates; aim 0 is none.
func (t *table) compared(what, unit string, c comparison, aim float64) {
	t.lines = append(t.lines, line{
		what: what, ours: rate(c.ours, unit), limit: rate(c.limit, unit), ratio: c.ratio, aim: aim,
		spread: fmt.Sprintf("%.2f–%.2f", c.low, c.high), processor: fmt.Sprintf("%.2f", c.processor),
	})
}

func rate(perSecond float64, unit string) string {
	digits := 0
	if perSecond < 100 {
		digits = 1
	}
	return fmt.Sprintf("%.*f %s/s", digits, perSecond, unit)
}

func (t *table) print(w io.Writer) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, "measured\tours\tlimit\tratio\tquartiles\tby processor time\taim\t")
	for _, l := range t.lines {
		ratio, aim, verdict := "", "", ""
		if l.ratio > 0 {
			ratio = fmt.Sprintf("%.2f", l.ratio)
		}
		if l.aim > 0 {
			aim, verdict = fmt.Sprintf("≥ %.2f", l.aim), "met"
			if l.ratio < l.aim {
				verdict = "missed"
			}
		}
		_, _ = fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.what, l.ours, l.limit, ratio, l.spread, l.processor, aim, verdict)
	}
	_ = out.Flush() // to a terminal or a file of the caller's
}
