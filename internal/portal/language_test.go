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

// TestTextsAndTemplatesAgree: every key that a template or errors.go uses exists, no text is unused, and both languages take the same values.
func TestTextsAndTemplatesAgree(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("templates/texts.yaml")
	require.NoError(t, err)
	var texts map[string]fault.Text
	require.NoError(t, yaml.Unmarshal(data, &texts))

	used := map[string]bool{}
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, f := range files {
		body, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile(`\{\{t "([^"]+)"`).FindAllStringSubmatch(string(body), -1) {
			used[m[1]] = true
			require.Contains(t, texts, m[1], f)
		}
	}
	for _, k := range []fault.Kind{fault.Invalid, fault.NotFound, fault.Conflict, fault.Forbidden, fault.TooMany, fault.Unavailable, fault.Internal} {
		used["error.title."+string(k)] = true
		require.Contains(t, texts, "error.title."+string(k))
	}
	source, err := os.ReadFile("errors.go")
	require.NoError(t, err)
	verb := regexp.MustCompile(`%[a-z]`)
	for key, text := range texts {
		code, isCode := strings.CutPrefix(key, "error.title.")
		require.True(t, used[key] || isCode && strings.Contains(string(source), `"`+code+`"`), "%s is not used", key)
		require.True(t, slices.Equal(verb.FindAllString(text.JA, -1), verb.FindAllString(text.EN, -1)), key)
	}
}
