package portal

import (
	"embed"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"golang.org/x/text/language"
	"gopkg.in/yaml.v3"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

//go:embed templates
var templateFiles embed.FS

// languages lists the product's languages, the default first.
var languages = []order.Language{order.Japanese, order.English}

// catalog is every text of the templates by key, both languages side by side. Placeholders are those of package fmt.
type catalog map[string]fault.Text

// loadTexts reads templates/texts, one file a page; layout.yaml holds what several pages say.
func loadTexts() (catalog, error) {
	names, err := fs.Glob(templateFiles, "templates/texts/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("portal: %w", err)
	}
	all := catalog{}
	for _, name := range names {
		data, err := templateFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("portal: %w", err)
		}
		var c catalog
		if err := yaml.Unmarshal(data, &c); err != nil {
			return nil, fmt.Errorf("portal: %s: %w", name, err)
		}
		for key, t := range c {
			if _, twice := all[key]; twice || t.JA == "" || t.EN == "" {
				return nil, fmt.Errorf("portal: %s: %s lacks a language or stands twice", name, key)
			}
			all[key] = t
		}
	}
	return all, nil
}

// in returns the template function t for one language: a text by key, with args in its placeholders.
func (c catalog) in(l order.Language) func(key string, args ...any) (string, error) {
	return func(key string, args ...any) (string, error) {
		t, ok := c[key]
		if !ok {
			return "", fmt.Errorf("no text %q", key)
		}
		if len(args) == 0 {
			return t.In(string(l)), nil
		}
		return fmt.Sprintf(t.In(string(l)), args...), nil
	}
}

// hint returns the template function hint for one language: the hint under a field's label, empty for a field without one.
func (c catalog) hint(l order.Language) func(path string) string {
	return func(path string) string { return c["field."+path+".hint"].In(string(l)) }
}

// say returns the template function say for one language: a text that came with the data.
func say(l order.Language) func(fault.Text) string {
	return func(t fault.Text) string { return t.In(string(l)) }
}

const languageCookie = "smid-lang"

// language chooses the language of the answer: what the visitor has switched to (?lang=, then the cookie of an earlier
// switch), then the order's, then the browser's.
func (p *portal) language(r *http.Request) order.Language {
	if l, ok := asked(r); ok {
		return l
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if l, ok := known(c.Value); ok {
			return l
		}
	}
	if l, ok := known(string(visitOf(r).order)); ok {
		return l
	}
	match := language.NewMatcher([]language.Tag{language.Japanese, language.English})
	_, i := language.MatchStrings(match, r.Header.Get("Accept-Language"))
	return languages[i]
}

// asked returns the language that the visitor switches to by this request.
func asked(r *http.Request) (order.Language, bool) { return known(r.URL.Query().Get("lang")) }

func known(s string) (order.Language, bool) {
	switch l := order.Language(s); l {
	case order.Japanese, order.English:
		return l, true
	default:
		return "", false
	}
}

// rememberLanguage keeps a switch for a year.
func (p *portal) rememberLanguage(w http.ResponseWriter, r *http.Request) {
	l, ok := asked(r)
	if !ok {
		return
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the visitor has TLS; a development stack has none
		Name: languageCookie, Value: string(l), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, Secure: p.overTLS(r), SameSite: http.SameSiteLaxMode,
	})
}

// moment returns the template function when for one language: date and time in Japan, where the service is.
func moment(l order.Language) func(time.Time) string {
	jst := time.FixedZone("JST", 9*60*60)
	return func(t time.Time) string {
		if l == order.English {
			return t.In(jst).Format("2 January 2006, 15:04 JST")
		}
		return t.In(jst).Format("2006年1月2日 15:04") + "（日本時間）"
	}
}
