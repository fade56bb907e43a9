package mailbox

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"slices"
	"time"
)

//go:embed templates/*.html
var pages embed.FS

//go:embed static
var static embed.FS

// maxWait is how long one question of the API may wait for mail.
const maxWait = 30 * time.Second

// The page shows strangers' HTML. It runs without scripts in a sandboxed frame, loads nothing, and its links open outside.
const (
	pagePolicy  = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	framePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox allow-popups allow-popups-to-escape-sandbox; frame-ancestors 'self'"
)

// web serves the pages and the API.
type web struct {
	box  *Box
	list *template.Template
	mail *template.Template
}

// handler returns the routes.
func (b *Box) handler() (http.Handler, error) {
	w := &web{box: b}
	var err error
	funcs := template.FuncMap{"pieces": pieces, "jst": jst}
	if w.list, err = template.New("list.html").Funcs(funcs).ParseFS(pages, "templates/list.html"); err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	if w.mail, err = template.New("mail.html").Funcs(funcs).ParseFS(pages, "templates/mail.html"); err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	files, err := fs.Sub(static, "static")
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", w.listPage)
	mux.HandleFunc("GET /mails/{id}", w.mailPage)
	mux.HandleFunc("GET /mails/{id}/html", w.mailHTML)
	mux.HandleFunc("GET /mails/{id}/raw", w.mailRaw)
	mux.HandleFunc("GET /api/mails", w.apiMails)
	mux.HandleFunc("GET /api/mails/{id}", w.apiMail)
	mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(files)))
	return guard(mux), nil
}

// guard sets the headers that hold for every answer.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("Referrer-Policy", "no-referrer") // links of mails are secret
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// page is what the templates show.
type page struct {
	EN    bool
	To    string
	Last  string // id of the newest mail
	Mails []Mail
	Mail  Mail
}

// T chooses between the two languages of the page.
func (p page) T(ja, en string) string {
	if p.EN {
		return en
	}
	return ja
}

func newPage(r *http.Request) page {
	return page{EN: r.URL.Query().Get("lang") == "en", To: r.URL.Query().Get("to")}
}

// listPage lists mails, the newest first.
func (w *web) listPage(rw http.ResponseWriter, r *http.Request) {
	p := newPage(r)
	mails := w.box.Mails()
	if len(mails) > 0 {
		p.Last = mails[len(mails)-1].ID
	}
	p.Mails = sentTo(mails, p.To)
	slices.Reverse(p.Mails)
	show(rw, w.list, p)
}

// mailPage shows one mail.
func (w *web) mailPage(rw http.ResponseWriter, r *http.Request) {
	if m, ok := w.find(rw, r); ok {
		p := newPage(r)
		p.Mail = m
		show(rw, w.mail, p)
	}
}

// mailHTML serves the mail's own HTML for the frame.
func (w *web) mailHTML(rw http.ResponseWriter, r *http.Request) {
	if m, ok := w.find(rw, r); ok {
		rw.Header().Set("Content-Security-Policy", framePolicy)
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = fmt.Fprint(rw, `<base target="_blank">`, m.HTML)
	}
}

// mailRaw serves the mail as it was received.
func (w *web) mailRaw(rw http.ResponseWriter, r *http.Request) {
	if m, ok := w.find(rw, r); ok {
		rw.Header().Set("Content-Type", "message/rfc822")
		rw.Header().Set("Content-Disposition", `attachment; filename="`+m.ID+`.eml"`)
		_, _ = rw.Write(m.Raw)
	}
}

// apiMails answers the mails to ?to= (all without it) that came after ?after=, oldest first. With ?wait=10s it holds the
// answer until there is one, or the time is over.
func (w *web) apiMails(rw http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	wait, _ := time.ParseDuration(q.Get("wait"))
	ctx, cancel := context.WithTimeout(r.Context(), min(wait, maxWait))
	defer cancel()
	after := q.Get("after")
	for {
		mails, changed := w.box.since(after)
		if found := sentTo(mails, q.Get("to")); len(found) > 0 || ctx.Err() != nil {
			answer(rw, found)
			return
		}
		select {
		case <-ctx.Done():
		case <-changed:
		}
	}
}

// apiMail answers one mail.
func (w *web) apiMail(rw http.ResponseWriter, r *http.Request) {
	if m, ok := w.find(rw, r); ok {
		answer(rw, m)
	}
}

// find returns the mail of the path, or answers 404.
func (w *web) find(rw http.ResponseWriter, r *http.Request) (Mail, bool) {
	m, ok := w.box.Mail(r.PathValue("id"))
	if !ok {
		http.Error(rw, "メールが見つかりません。 / There is no such mail.", http.StatusNotFound)
		return Mail{}, false
	}
	return m, true
}

// sentTo returns the mails with the given recipient; the empty address means all. It never returns nil, which JSON shows as null.
func sentTo(mails []Mail, addr string) []Mail {
	found := []Mail{}
	for _, m := range mails {
		if addr == "" || m.SentTo(addr) {
			found = append(found, m)
		}
	}
	return found
}

func show(rw http.ResponseWriter, t *template.Template, p page) {
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = t.Execute(rw, p) // the reader has gone
}

func answer(rw http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(rw, "メールを表示できません。 / The mail cannot be shown.", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = rw.Write(body) // the reader has gone
}

// piece is a stretch of a mail's text, a link or not.
type piece struct {
	Text string
	Link bool
}

// pieces cuts text at its links, so that the page can make them clickable.
func pieces(text string) []piece {
	var out []piece
	from := 0
	for _, at := range inText(text) {
		out = append(out, piece{Text: text[from:at[0]]}, piece{Text: text[at[0]:at[1]], Link: true})
		from = at[1]
	}
	return append(out, piece{Text: text[from:]})
}

// jst shows a time in Japan.
func jst(t time.Time) string {
	return t.In(time.FixedZone("JST", 9*60*60)).Format("2006-01-02 15:04:05")
}
