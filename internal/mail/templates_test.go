package mail

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/order"
)

// known reports whether a chain of names, such as .Deadline.IsZero, exists in the view.
func known(t reflect.Type, chain []string) bool {
	if len(chain) == 0 {
		return true
	}
	if _, ok := t.MethodByName(chain[0]); ok {
		return true
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	f, ok := t.FieldByName(chain[0])
	return ok && known(f.Type, chain[1:])
}

// visit calls look for every node below n.
func visit(n parse.Node, look func(parse.Node)) {
	v := reflect.ValueOf(n)
	if !v.IsValid() || v.IsNil() {
		return
	}
	look(n)
	for i := range v.Elem().NumField() {
		f := v.Elem().Field(i)
		if !f.CanInterface() {
			continue
		}
		if child, ok := f.Interface().(parse.Node); ok {
			visit(child, look)
		}
		if f.Kind() == reflect.Struct { // the branches of an if are embedded in it
			if child, ok := f.Addr().Interface().(parse.Node); ok {
				visit(child, look)
			}
		}
		if f.Kind() == reflect.Slice && f.Type().Elem().Implements(reflect.TypeFor[parse.Node]()) {
			for j := range f.Len() {
				visit(f.Index(j).Interface().(parse.Node), look)
			}
		}
	}
}

// The branches of a template that no example takes cannot name a fact that does not exist either.
func TestTemplatesSpeakOfKnownFacts(t *testing.T) {
	t.Parallel()
	fields := 0
	for _, lang := range []order.Language{order.Japanese, order.English} {
		for _, kind := range kinds {
			s, err := readSheet(lang, kind)
			require.NoError(t, err)
			for _, name := range []string{"subject", "body", "foot", "greeting", "status"} {
				tree := s.text.Lookup(name)
				if tree == nil {
					require.Equal(t, "subject", name, "%s/%s", lang, kind)
					require.NotEmpty(t, GuideBrand().subject(kind, lang), "a letter without a subject of its own has one in the brand")
					continue
				}
				visit(tree.Root, func(n parse.Node) {
					switch n := n.(type) {
					case *parse.FieldNode:
						fields++
						require.True(t, known(reflect.TypeFor[view](), n.Ident), "%s/%s: .%s", lang, kind, strings.Join(n.Ident, "."))
					case *parse.RangeNode, *parse.WithNode:
						t.Errorf("%s/%s: the dot must stay what it is", lang, kind)
					}
				})
			}
		}
	}
	require.Greater(t, fields, 200, "the test looked at the templates")
}

func TestLinesAndTextsAreClean(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ why, in, line, text string }{
		{"Japanese stays, its space too", "東京都　中央区", "東京都　中央区", "東京都　中央区"},
		{"variants of characters in names stay", "葛\U000E0100城", "葛\U000E0100城", "葛\U000E0100城"},
		{"line breaks end at the border of a line", "a\r\nBcc: b", "a  Bcc: b", "a\nBcc: b"},
		{"so do those of Unicode", "a\u2028b\u0085c", "a b c", "a b c"},
		{"what turns or hides text goes", "a\u202eb\u2066c\u200bd\ufeffe\u00adf", "abcdef", "abcdef"},
		{"control characters go", "a\x00b\x1bc", "abc", "abc"},
		{"broken bytes are shown as such", "a\xffb", "a\ufffdb", "a\ufffdb"},
	} {
		require.Equal(t, row.line, line(row.in, maxLine), row.why)
		require.Equal(t, row.text, text(row.in, maxText), row.why)
	}
	require.Equal(t, "あい…", line("あいう", 2))
}

func TestServersAnswersAreFitToShow(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ why, in, want string }{
		{"an address of a person", "550 5.1.1 <taro@example.jp>: unknown", "550 5.1.1 <[address]>: unknown"},
		{"the token of a link", "554 URL https://ca.example/approve/" + strings.Repeat("x", 43) + " is listed", "554 URL https://ca.example/approve/[…] is listed"},
		{"several lines", "550-no\n550 thanks", "550-no 550 thanks"},
	} {
		require.Equal(t, row.want, reply(row.in), row.why)
	}
	require.LessOrEqual(t, len([]rune(reply(strings.Repeat("busy ", 1000)))), maxReply+1)
}

func TestWrappedText(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("あ", 35)
	require.Equal(t, long+"\nい。う", wrap(long+"い。う", "", ""), "a full stop does not begin a line")
	require.Equal(t, "x\nhttps://example.com/"+strings.Repeat("a/", 40), wrap("x https://example.com/"+strings.Repeat("a/", 40), "", ""), "an address is not broken")
	require.Equal(t, "  - a\n    "+strings.Repeat("b", 70), wrap("a "+strings.Repeat("b", 70), "  - ", "    "))
	require.Equal(t, "> a\n>\n> b", quoted("a\n\nb"))

	alphabet := rapid.SampledFrom([]rune("あア漢。、「」（）abc-/. "))
	rapid.Check(t, func(t *rapid.T) {
		s := strings.TrimSpace(string(rapid.SliceOf(alphabet).Draw(t, "s")))
		w := wrap(s, "", "")
		if squeeze(w) != squeeze(s) {
			t.Fatalf("%q lost something: %q", s, w)
		}
		for l := range strings.SplitSeq(w, "\n") {
			if strings.HasPrefix(l, "。") || strings.HasPrefix(l, "、") || strings.HasPrefix(l, "」") {
				if !strings.HasPrefix(s, l[:3]) {
					t.Fatalf("a line begins with %s: %q", l[:3], w)
				}
			}
		}
	})
}

// squeeze leaves out where lines break.
func squeeze(s string) string { return strings.NewReplacer("\n", "", " ", "").Replace(s) }

func TestARecipientIsAnAddressAndNothingElse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ in, want string }{
		{"admin@example.jp", "admin@example.jp"},
		{"info@例え.jp", "info@xn--r8jz45g.jp"},
	} {
		got, err := recipient(row.in)
		require.NoError(t, err)
		require.Equal(t, row.want, got)
	}
	for _, bad := range []string{"", "admin", "@example.jp", "a@b@", "Admin <admin@example.jp>", "a@example.jp,b@example.jp", "a@example.jp\r\nRCPT TO:<b@example.jp>", "a b@example.jp", "a@exa mple.jp", "a\u202e@example.jp"} {
		_, err := recipient(bad)
		require.Error(t, err, "%q", bad)
	}
}

// FuzzRecipient shows that no address smuggles a line or a second address into the conversation with the server.
func FuzzRecipient(f *testing.F) {
	f.Add("admin@example.jp")
	f.Add("a@example.jp>\r\nRCPT TO:<b@example.jp")
	f.Add("\"a b\"@example.jp")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := recipient(s)
		if err == nil && strings.ContainsAny(got, "\r\n<>\x00") {
			t.Errorf("%q became %q", s, got)
		}
	})
}

func ExampleBrand_Validate() {
	b := GuideBrand()
	b.From.Order, b.Support.URL = "", ""
	fmt.Println(b.Validate())
	// Output:
	// Some of what was entered cannot be accepted. (invalid-fields); brand.support.url: The setting is not set. Set it.; brand.support.email: The setting is not set. Set it.; brand.from.order: The setting is not set. Set it.
}
