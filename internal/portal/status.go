package portal

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// actions are what the status page's forms do, each at its own address below the page.
const (
	actionCheck    = "check"
	actionMethod   = "method"
	actionResend   = "resend"
	actionAnswer   = "answer"
	actionCancel   = "cancel"
	actionDownload = "download"
	actionRevoke   = "revoke"
)

var actions = []string{actionCheck, actionMethod, actionResend, actionAnswer, actionCancel, actionDownload, actionRevoke}

// visited is the order whose status link the visitor has.
type visited struct {
	link   order.Link
	status order.Status
	path   string // of its status page
}

// follow opens the status link of the request.
func (p *portal) follow(w http.ResponseWriter, r *http.Request) (visited, error) {
	link, status, err := p.open(w, r, order.LinkStatus)
	if err != nil {
		return visited{}, err
	}
	if !p.Clock().Before(link.ExpiresAt) {
		return visited{}, errStatusExpired
	}
	return visited{link: link, status: status, path: findPath + "/" + r.PathValue("token")}, nil
}

// showStatus shows where the order stands, what is awaited and from whom, and what can be done. It needs the record alone.
func (p *portal) showStatus(w http.ResponseWriter, r *http.Request) error {
	v, err := p.follow(w, r)
	if err != nil {
		return err
	}
	return p.statusPage(v)(w, r, http.StatusOK, form{}, nil)
}

// statusPage is the page of one order, with what was typed into it.
func (p *portal) statusPage(v visited) formPage {
	return func(w http.ResponseWriter, r *http.Request, status int, f form, n *noticeView) error {
		view := p.statusView(w, r, v, f)
		view.Notice, view.Flash = n, p.flashOf(r)
		return p.render(w, r, status, "status", view)
	}
}

// progress is the part of the status page that changes by itself, for the page's script. Unchanged it is a 304.
func (p *portal) progress(w http.ResponseWriter, r *http.Request) error {
	v, err := p.follow(w, r)
	if err != nil {
		return err
	}
	l := p.language(r)
	var b bytes.Buffer
	if err := p.pages[l]["status"].ExecuteTemplate(&b, "live", frame{Lang: l, Page: p.statusView(w, r, v, form{})}); err != nil {
		return fmt.Errorf("render the progress: %w", err)
	}
	tag := `"` + digest(b.Bytes())[:32] + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", string(l))
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = b.WriteTo(w) // the visitor has gone away: nothing to do
	return nil
}

// backToStatus leads a reload of an answer to a POST back to the page.
func (p *portal) backToStatus(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if !wellFormed(token) {
		return errNoPage
	}
	http.Redirect(w, r, findPath+"/"+token, http.StatusSeeOther) //nolint:gosec // a well-formed token cannot lead elsewhere
	return nil
}

// flashView is the outcome of what was done last.
type flashView struct {
	Key  string // of the text
	Good bool   // something was achieved
}

// flashOf reads the outcome out of the address, where a short code stands for it. Only codes that have a text are shown: nobody can
// put words of their own into our page.
func (p *portal) flashOf(r *http.Request) *flashView {
	q := r.URL.Query()
	for _, kind := range []string{"done", "refused"} {
		if key := "status." + kind + "." + q.Get(kind); p.texts[key] != (fault.Text{}) {
			return &flashView{Key: key, Good: kind == "done" && q.Get(kind) != "checked" && q.Get(kind) != "unchanged"}
		}
	}
	return nil
}
