// Package cli is how commands speak to a person or to a program that reads their output: languages, tables, progress and
// colours. Colour, repainting and bars appear on a terminal only.
package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Screen is where a command writes. It remembers the first failed write, so that printing needs no check at every line.
type Screen struct {
	Terminal bool // a person sits before it: repainting is possible
	Colour   bool

	w    io.Writer
	size func() (width, height int, err error)
	err  error
}

// NewScreen looks at w and the environment. Colours follow NO_COLOR (no-color.org) and TERM=dumb.
func NewScreen(w io.Writer, getenv func(string) string) *Screen {
	s := &Screen{w: w}
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) || getenv("TERM") == "dumb" {
		return s
	}
	s.Terminal = true
	s.Colour = getenv("NO_COLOR") == ""
	s.size = func() (int, int, error) { return term.GetSize(int(f.Fd())) }
	return s
}

// Write writes p as it is; see Plain for text from elsewhere.
func (s *Screen) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}

// Printf writes a formatted text.
func (s *Screen) Printf(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

// Println writes a line.
func (s *Screen) Println(args ...any) { _, _ = fmt.Fprintln(s, args...) }

// Err returns the first failed write.
func (s *Screen) Err() error { return s.err }

// Size returns columns and rows of the terminal, 80 by 24 where they are not known.
func (s *Screen) Size() (width, height int) {
	if s.size != nil {
		if w, h, err := s.size(); err == nil && w > 0 && h > 0 {
			return w, h
		}
	}
	return 80, 24
}

// Bold makes text bold.
func (s *Screen) Bold(text string) string { return s.sgr("1", text) }

// Dim is for what is worth less attention.
func (s *Screen) Dim(text string) string { return s.sgr("2", text) }

// Green is for what is done.
func (s *Screen) Green(text string) string { return s.sgr("32", text) }

// Yellow is for what waits.
func (s *Screen) Yellow(text string) string { return s.sgr("33", text) }

// Red is for what failed.
func (s *Screen) Red(text string) string { return s.sgr("31", text) }

// sgr wraps text in ECMA-48 Select Graphic Rendition, where colours are on.
func (s *Screen) sgr(code, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// To returns a screen with the same abilities that writes to w, for text that is put together before it is shown.
func (s *Screen) To(w io.Writer) *Screen {
	return &Screen{Terminal: s.Terminal, Colour: s.Colour, w: w, size: s.size}
}
