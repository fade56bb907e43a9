package portal_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// TestLanguage: a switch beats its memory, that beats the order, that beats the browser, and Japanese is what remains.
func TestLanguage(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		shows, path, cookie, accept string
		order                       order.Language
		want                        string
	}{
		{"nothing said", "/", "", "", order.Japanese, "ja"},
		{"the browser prefers English", "/", "", "en-GB,en;q=0.9,ja;q=0.5", order.Japanese, "en"},
		{"the browser knows neither", "/", "", "fr", order.Japanese, "ja"},
		{"a broken header", "/", "", ";;q=,-", order.Japanese, "ja"},
		{"the order's language beats the browser's", "approve", "", "en", order.Japanese, "ja"},
		{"an English order", "approve", "", "ja", order.English, "en"},
		{"the remembered switch beats the order's", "approve", "en", "ja", order.Japanese, "en"},
		{"a switch beats the remembered one", "approve?lang=ja", "en", "en", order.English, "ja"},
		{"an unknown switch is ignored", "approve?lang=xx", "", "", order.English, "en"},
		{"an unknown cookie is ignored", "approve", "<script>", "", order.English, "en"},
	} {
		t.Run(row.shows, func(t *testing.T) {
			t.Parallel()
			s := open(t, row.order)
			r := s.request(http.MethodGet, strings.Replace(row.path, "approve", "/approve/"+s.approval, 1), nil)
			r.Header.Set("Accept-Language", row.accept)
			if row.cookie != "" {
				r.Header.Set("Cookie", "smid-lang="+row.cookie)
			}
			p := s.do(s.visitor(), r)
			require.Equal(t, row.want, p.Header.Get("Content-Language"))
			require.Contains(t, p.text, `<html lang="`+row.want+`">`)
		})
	}
}

func TestSwitchIsRememberedOnEveryPage(t *testing.T) {
	t.Parallel()
	s := open(t, order.Japanese)
	c := s.visitor()
	require.Contains(t, s.get(c, "/approve/"+s.approval).text, `href="?lang=en"`)
	s.get(c, "/approve/"+s.approval+"?lang=en")
	require.Contains(t, s.press(c, "approve").text, "Your approval has been recorded")
	require.Contains(t, s.get(c, "/").text, "Six steps")
	require.Contains(t, s.get(c, "/nowhere").text, "Page not found")
}

// TestTextsAndTemplatesAgree: every key that a template uses exists, no text is unused, and both languages take the same values.
func TestTextsAndTemplatesAgree(t *testing.T) {
	t.Parallel()
	texts := map[string]fault.Text{}
	for _, f := range glob(t, "templates/texts/*.yaml") {
		var some map[string]fault.Text
		require.NoError(t, yaml.Unmarshal(read(t, f), &some), f)
		for key, text := range some {
			require.NotContains(t, texts, key, "%s stands twice", key)
			texts[key] = text
		}
	}
	var sources strings.Builder // a key may also be chosen in Go
	for _, f := range slices.Concat(glob(t, "templates/*.html"), glob(t, "templates/parts/*.html")) {
		for _, m := range regexp.MustCompile(`[{(]t "([^"]+)"`).FindAllStringSubmatch(string(read(t, f)), -1) {
			require.Contains(t, texts, m[1], f)
		}
		sources.Write(read(t, f))
	}
	for _, f := range glob(t, "*.go") {
		if !strings.HasSuffix(f, "_test.go") {
			sources.Write(read(t, f))
		}
	}
	for _, k := range []fault.Kind{fault.Invalid, fault.NotFound, fault.Conflict, fault.Forbidden, fault.TooMany, fault.Unavailable, fault.Internal} {
		require.Contains(t, texts, "error.title."+string(k))
		sources.WriteString(`"error.title.` + string(k) + `"`)
	}
	verb := regexp.MustCompile(`%[a-z]`)
	for key, text := range texts {
		code, _ := strings.CutPrefix(key, "error.title.")
		used := slices.ContainsFunc([]string{key, code, fieldOf(key)}, func(s string) bool { return strings.Contains(sources.String(), `"`+s+`"`) }) ||
			slices.ContainsFunc(joined(sources.String()), func(prefix string) bool { return strings.HasPrefix(key, prefix) })
		require.True(t, used, "%s is not used", key)
		require.True(t, slices.Equal(verb.FindAllString(text.JA, -1), verb.FindAllString(text.EN, -1)), key)
	}
}

// fieldOf returns the path of the field that a text of a form is about: its label, hint, or one of its choices.
func fieldOf(key string) string {
	path, _ := strings.CutPrefix(key, "field.")
	path = strings.TrimSuffix(strings.TrimSuffix(path, ".hint"), ".text")
	for _, chosen := range []string{"type", "validity_years", "dcv_method", "reason"} {
		if strings.HasPrefix(path, chosen+".") {
			return chosen
		}
	}
	return path
}

// joined returns the beginnings of keys that are put together when a page is rendered, but for those of fields.
func joined(sources string) (prefixes []string) {
	for _, m := range regexp.MustCompile(`(?:print |:?= )"([a-z.]+\.)"`).FindAllStringSubmatch(sources, -1) {
		if m[1] != "field." && m[1] != "error.title." {
			prefixes = append(prefixes, m[1])
		}
	}
	return prefixes
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}
