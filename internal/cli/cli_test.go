package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"securemailid.example/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func none(string) string { return "" }

// terminal is a screen that takes itself for a terminal of that size.
func terminal(out *bytes.Buffer, width, height int) *Screen {
	return &Screen{Terminal: true, Colour: true, w: out, size: func() (int, int, error) { return width, height, nil }}
}

func TestFilesAndPipesGetNoColours(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := NewScreen(&out, none)
	require.False(t, s.Terminal)
	s.Println(s.Bold("bold"), s.Red("red"))
	require.Equal(t, "bold red\n", out.String())
	width, height := s.Size()
	require.Equal(t, []int{80, 24}, []int{width, height})
}

func TestScreenRemembersTheFirstFailedWrite(t *testing.T) {
	t.Parallel()
	s := NewScreen(broken{}, none)
	s.Println("lost")
	s.Println("lost")
	require.ErrorIs(t, s.Err(), errBroken)
}

var errBroken = errors.New("broken pipe")

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errBroken }

// Whatever comes from elsewhere cannot steer a terminal.
func TestPlainLeavesNothingThatSteersATerminal(t *testing.T) {
	t.Parallel()
	require.Equal(t, "550 no such user ]0;evil ", Plain("550 no such user\x1b]0;evil\a"))
	rapid.Check(t, func(t *rapid.T) {
		for _, r := range Plain(rapid.String().Draw(t, "text")) {
			if r != ' ' && !unicode.IsPrint(r) {
				t.Fatalf("%U is left", r)
			}
		}
	})
}

func TestWidthCountsColumns(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, "abc": 3, "発行済み": 8, "株式会社ABC": 11, "\x1b[32mgreen\x1b[0m": 5, "ｱｲｳ": 3} {
		require.Equal(t, want, Width(text), "%q", text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~ぁ-ん一-龯]{0,30}`).Draw(t, "text")
		width := rapid.IntRange(2, 70).Draw(t, "width")
		if got := Width(Pad(text, width)); got != max(width, Width(text)) {
			t.Fatalf("%q padded to %d takes %d", text, width, got)
		}
		if got := Width(Shorten(text, width)); got > width {
			t.Fatalf("%q cut to %d takes %d", text, width, got)
		}
		lines := Wrap(text, width)
		for _, line := range lines {
			if Width(line) > width {
				t.Fatalf("%q in lines of %d: %q", text, width, line)
			}
		}
		if joined := strings.Join(lines, ""); joined != text {
			t.Fatalf("%q became %q", text, joined)
		}
	})
}

func TestWrapKeepsWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"DNS changes ", "can take a ", "while"}, Wrap("DNS changes can take a while", 12))
	require.Equal(t, []string{"反映には", "時間がか", "かる"}, Wrap("反映には時間がかかる", 8))
	require.Equal(t, []string{"unbreakabl", "e"}, Wrap("unbreakable", 10))
	require.Equal(t, []string{""}, Wrap("", 10))
}

func TestTableAlignsWideAndColouredCells(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := terminal(&out, 80, 24)
	table := Table{Head: []string{"状態", "n", "x"}}
	table.Add(s.Green("発行済み"), "1", "end")
	table.Add("ok", "22", "end")
	table.Print(s)
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n")[1:] {
		before, _, found := strings.Cut(line, "end")
		require.True(t, found)
		require.Equal(t, 8+2+2+2, Width(before), "%q", line)
	}
}

func TestLanguageFollowsTheLocale(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		all, messages, lang string
		want                Lang
	}{
		{"", "", "", Both},
		{"", "", "C.UTF-8", Both},
		{"", "", "ja_JP.UTF-8", Japanese},
		{"", "en_US.UTF-8", "ja_JP.UTF-8", English},
		{"ja_JP.UTF-8", "en_US.UTF-8", "", Japanese},
		{"", "", "de_DE.UTF-8", Both},
	} {
		env := map[string]string{"LC_ALL": c.all, "LC_MESSAGES": c.messages, "LANG": c.lang}
		require.Equal(t, c.want, LangFrom(func(name string) string { return env[name] }), "%+v", c)
	}
}

func TestBothLanguagesJapaneseFirst(t *testing.T) {
	t.Parallel()
	text := fault.Text{JA: "はい", EN: "yes"}
	require.Equal(t, "はい / yes", Both.Of(text))
	require.Equal(t, "はい", Japanese.Of(text))
	require.Equal(t, "yes", English.Of(text))
	require.Equal(t, []string{"はい", "yes"}, Both.Lines(text))
	require.Equal(t, "CRL", Both.Say("CRL", "CRL"), "what is the same is said once")
	require.Empty(t, Both.Lines(fault.Text{}))
	_, ok := ParseLang("fr")
	require.False(t, ok)
}

func TestPainterFitsTheTerminalAndGivesItBack(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewPainter(terminal(&out, 20, 3))
	p.Paint("a\nb\nc\nthe fourth\n")
	p.Paint("again")
	p.Close()
	p.Close()
	text := out.String()
	require.NotContains(t, text, "fourth", "what does not fit would scroll the picture away")
	require.Equal(t, 1, strings.Count(text, "\x1b[?1049h"))
	require.Equal(t, 1, strings.Count(text, "\x1b[?1049l"))
	require.True(t, strings.HasSuffix(text, "\x1b[?25h\x1b[?1049l"), "the cursor and the screen come back")
}

func TestProgressIsPlainLinesWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress(NewScreen(&out, none), 2)
	p.Say("first")
	p.At(1)
	p.Say("first")
	p.Say("second")
	p.Done()
	require.Equal(t, "first\nsecond\n", out.String())
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := NewProgress(terminal(&out, 80, 24), 2)
	p.Say("first")
	p.At(2)
	p.Done()
	require.Contains(t, out.String(), "first")
	require.NotContains(t, out.String(), "\n")
}

// What stays on the screen begins at the left margin of a line of its own, however often the bar is drawn meanwhile.
func TestLinesAsideOfTheBarStandAlone(t *testing.T) {
	t.Parallel()
	var out, kept bytes.Buffer
	p := NewProgress(terminal(&out, 110, 24), 2)
	p.Say("first")
	for range 3 {
		before := 0
		p.Aside(func() {
			before = out.Len()
			require.True(t, strings.HasSuffix(out.String(), "\r\x1b[K"), "the bar is cleared first")
			kept.WriteString("kept\n")
		})
		require.Contains(t, out.String()[before:], "first", "the bar comes back")
	}
	p.Done()
	require.Equal(t, "kept\nkept\nkept\n", kept.String())
}

// A line that wraps could not be overwritten: with a long text in both languages each picture of the bar fits into the terminal.
func TestTheBarFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{60, 80, 110, 200} {
		var out bytes.Buffer
		p := NewProgress(terminal(&out, width, 24), 40)
		p.Say(strings.Repeat("OpenSSLによる検証 / OpenSSL checks chain ", 8))
		p.At(39)
		p.Aside(func() {})
		p.Done()
		for _, picture := range strings.Split(out.String(), "\r") {
			require.Less(t, Width(strings.TrimPrefix(picture, "\x1b[K")), width, "%q", picture)
		}
	}
}
