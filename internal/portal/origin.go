package portal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"

	"securemailid.example/internal/secret"
)

// sameOrigin refuses state-changing requests that another site made the browser send. Two of them pass here and are left to
// checkForm: one with neither Origin nor Sec-Fetch-Site, and one with "Origin: null" and no Sec-Fetch-Site, which is what a
// browser sends for our own form under Referrer-Policy no-referrer when it knows no fetch metadata (Fetch standard 3.2,
// "serializing a request origin").
func (p *portal) sameOrigin(next http.Handler) http.Handler {
	c := http.NewCrossOriginProtection()
	if base, err := url.Parse(p.BaseURL); err == nil {
		_ = c.AddTrustedOrigin(base.Scheme + "://" + base.Host) // checked by Config.check
	}
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.fail(w, r, errOrigin) }))
	guarded := c.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "null" {
			next.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// formField is the hidden field of every form that changes something.
const formField = "form_token"

// formCookie names the browser's form key. The __Host- prefix keeps sibling hosts from setting it.
func (p *portal) formCookie(r *http.Request) string {
	if p.overTLS(r) {
		return "__Host-smid-form"
	}
	return "smid-form"
}

// formToken returns the hidden field's value for the form at the request's own path; see formTokenFor.
func (p *portal) formToken(w http.ResponseWriter, r *http.Request) string {
	return p.formTokenFor(w, r, r.URL.Path)
}

// formTokenFor returns the hidden field's value for a form that is sent to path and sees to it that the browser holds the key to it.
// The field is an HMAC of the path under the key, so a form made for one link is of no use for another.
func (p *portal) formTokenFor(w http.ResponseWriter, r *http.Request, path string) string {
	return sign(p.giveFormKey(w, r), path)
}

// giveFormKey returns the browser's form key; one that has none is given one.
func (p *portal) giveFormKey(w http.ResponseWriter, r *http.Request) string {
	key := p.formKey(r)
	if key == "" {
		key = secret.Token()
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure wherever the visitor has TLS; a development stack has none
			Name: p.formCookie(r), Value: key, Path: "/", HttpOnly: true, Secure: p.overTLS(r),
			SameSite: http.SameSiteLaxMode, // a POST from another site comes without it; a second link opened from a mail keeps it
		})
	}
	return key
}

// formTokens returns the hidden field's value for every form of the status page at path.
func (p *portal) formTokens(w http.ResponseWriter, r *http.Request, path string) map[string]string {
	key, out := p.giveFormKey(w, r), map[string]string{}
	for _, action := range actions {
		out[action] = sign(key, path+"/"+action)
	}
	return out
}

// checkForm refuses a form that cannot be read, and one that was not shown to this browser by us.
func (p *portal) checkForm(r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if !p.ours(r) {
		return errForm
	}
	return nil
}

// ours reports whether the form, which has been read, was shown to this browser by us for the request's path.
func (p *portal) ours(r *http.Request) bool {
	key := p.formKey(r)
	return key != "" && hmac.Equal([]byte(sign(key, r.URL.Path)), []byte(r.PostFormValue(formField)))
}

// formKey returns the browser's form key, or "" for none or one that is not ours.
func (p *portal) formKey(r *http.Request) string {
	c, err := r.Cookie(p.formCookie(r))
	if err != nil || !wellFormed(c.Value) {
		return ""
	}
	return c.Value
}

func sign(key, path string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(path))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}
