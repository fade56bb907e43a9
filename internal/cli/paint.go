package cli

import "strings"

// Painter repaints a whole screen in place, on the terminal's alternate screen, so that what was there before comes back.
type Painter struct {
	screen *Screen
	open   bool
}

// NewPainter is for a screen that is a terminal.
func NewPainter(s *Screen) *Painter { return &Painter{screen: s} }

// Paint shows text, cut to the rows of the terminal, without flicker: each line is overwritten and what is left of the last picture erased.
func (p *Painter) Paint(text string) {
	var b strings.Builder
	if !p.open {
		b.WriteString("\x1b[?1049h\x1b[?25l\x1b[?7l") // alternate screen, cursor hidden, long lines cut
		p.open = true
	}
	_, rows := p.screen.Size()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) > rows {
		lines = lines[:rows]
	}
	// Each line is erased before it is written: behind a full line the cursor still stands on its last column.
	b.WriteString("\x1b[H\x1b[K" + strings.Join(lines, "\n\x1b[K"))
	if len(lines) < rows {
		b.WriteString("\n\x1b[J")
	}
	_, _ = p.screen.Write([]byte(b.String()))
}

// Close brings back what the terminal showed before.
func (p *Painter) Close() {
	if p.open {
		p.screen.Printf("\x1b[?7h\x1b[?25h\x1b[?1049l")
		p.open = false
	}
}
