package main

import (
	"cmp"
	"regexp"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"securemailid.example/internal/cli"
)

// explain prints the help of a command in the language of --lang or the locale. The texts hold both languages: whole lines of one, and
// pairs such as "一覧 / list".
func (p *program) explain(cmd *cobra.Command, _ []string) {
	if lang, ok := cli.ParseLang(p.language); ok {
		p.lang = lang
	}
	long := p.inOne(strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)), true)
	p.out.Println(long + "\n\n" + strings.TrimRight(p.inOne(cmd.UsageString(), false), "\n"))
}

// inOne leaves out what is in the other language: of prose whole lines, of everything one side of a pair.
func (p *program) inOne(text string, prose bool) string {
	if p.lang == cli.Both {
		return text
	}
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		left, right, pair := pairOf(line)
		switch {
		case pair:
			out = append(out, p.say(left, right))
		case !prose, line == "", strings.HasPrefix(line, " ") && !isJapanese(line), isJapanese(line) == (p.lang == cli.Japanese):
			out = append(out, line)
		}
	}
	return strings.Trim(gaps.ReplaceAllString(strings.Join(out, "\n"), "\n\n"), "\n")
}

// gaps are left where lines are left out.
var gaps = regexp.MustCompile(`\n{3,}`)

// columns are what stands before a pair: an indentation, the name of a command or a flag.
var columns = regexp.MustCompile(`^(?:.*\S)?\s{2,}`)

// pairOf returns a line in Japanese and in English, if it has both, each behind the columns that they share.
func pairOf(line string) (ja, en string, ok bool) {
	left, right, ok := strings.Cut(line, " / ")
	if !ok || !strings.ContainsFunc(left, isJapaneseRune) {
		return "", "", false
	}
	if strings.HasSuffix(right, ":") {
		left += ":"
	}
	return left + preset.FindString(right), columns.FindString(left) + right, true
}

// preset is the value of a flag that is not given, which the library puts behind the pair.
var preset = regexp.MustCompile(` \(default [^:]+\)$`)

// isJapanese reports whether a line is in Japanese: every sentence of it has kana, and an English one has none.
func isJapanese(line string) bool {
	return strings.ContainsFunc(line, func(c rune) bool { return unicode.In(c, unicode.Hiragana, unicode.Katakana) })
}

func isJapaneseRune(c rune) bool {
	return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana)
}
