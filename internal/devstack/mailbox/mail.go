package mailbox

import (
	"bytes"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/net/html"
)

// Mail is one received mail.
type Mail struct {
	ID        string    `json:"id"` // counts up in order of arrival, six digits
	At        time.Time `json:"at"` // when it arrived
	From      string    `json:"from"`
	To        []string  `json:"to"` // recipients of the envelope
	ReplyTo   string    `json:"reply_to,omitempty"`
	Subject   string    `json:"subject"`
	MessageID string    `json:"message_id"` // without angle brackets
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	Links     []string  `json:"links"` // http and https addresses in the text, then in the HTML, each once
	Raw       []byte    `json:"-"`     // as received, below the trace lines of this server
}

// SentTo reports whether addr is among the recipients.
func (m Mail) SentTo(addr string) bool {
	return slices.ContainsFunc(m.To, func(a string) bool { return strings.EqualFold(a, addr) })
}

// parse reads what it can from raw; a mail that cannot be parsed is kept as plain text.
func parse(id string, raw []byte) Mail {
	m := Mail{ID: id, Raw: raw}
	e, err := enmime.ReadEnvelope(bytes.NewReader(raw))
	if err != nil {
		m.Subject, m.Text = "(unreadable)", strings.ToValidUTF8(string(raw), "�")
		return m
	}
	m.From, m.Subject, m.ReplyTo = e.GetHeader("From"), e.GetHeader("Subject"), e.GetHeader("Reply-To")
	m.To = e.GetHeaderValues("Delivered-To")
	m.MessageID = strings.Trim(e.GetHeader("Message-Id"), "<>")
	m.Text, m.HTML = e.Text, e.HTML
	if _, date, ok := strings.Cut(e.GetHeader("Received"), ";"); ok {
		m.At, _ = mail.ParseDate(strings.TrimSpace(date))
	}
	m.Links = links(m.Text, m.HTML)
	return m
}

// address is a web address in running text, Japanese or English: it ends before spaces, quotes, brackets and full-width
// characters.
var address = regexp.MustCompile(`https?://[\x21\x23-\x26\x28-\x3b\x3d\x3f-\x5b\x5d-\x7e]+`)

// inText returns the start and end of each web address in s, without the punctuation that follows it.
func inText(s string) [][]int {
	found := address.FindAllStringIndex(s, -1)
	for _, at := range found {
		at[1] = at[0] + len(strings.TrimRight(s[at[0]:at[1]], ".,;:!?)]"))
	}
	return found
}

// links collects the addresses of a mail.
func links(text, page string) []string {
	var out []string
	add := func(l string) {
		if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	for _, at := range inText(text) {
		add(text[at[0]:at[1]])
	}
	for z := html.NewTokenizer(strings.NewReader(page)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken:
			for _, a := range z.Token().Attr {
				if a.Key == "href" && (strings.HasPrefix(a.Val, "http://") || strings.HasPrefix(a.Val, "https://")) {
					add(a.Val)
				}
			}
		}
	}
}
