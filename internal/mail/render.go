package mail

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	htmltemplate "html/template"
	"io"
	"regexp"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"securemailid.example/internal/calendar"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

//go:embed templates
var files embed.FS

// kinds lists every letter that has a template.
var kinds = []order.LetterKind{
	order.LetterReceipt, order.LetterReissueReceipt, order.LetterReissueNotice, order.LetterChallenge, order.LetterDomainApproval, order.LetterApprovalsHeld, order.LetterInquiry, order.LetterCorrected, order.LetterReminder,
	order.LetterRejected, order.LetterCancelled, order.LetterExpired, order.LetterIssuedCertificate, order.LetterIssuedContact,
	order.LetterRevocationLink, order.LetterRevoked, order.LetterRevocationClock, order.LetterReportAnswer,
	order.LetterStatusLink, order.LetterReuse, order.LetterExpiryReminder,
}

// bilingual letters have a reader who may not be the applicant, who chose the language.
var bilingual = []order.LetterKind{order.LetterDomainApproval, order.LetterReuse, order.LetterRevocationClock, order.LetterReportAnswer}

// Rendered is a letter as its reader sees it.
type Rendered struct {
	From    string // "Name <address>"
	Subject string
	Text    string
	HTML    string

	Calendar string // iCalendar entry that goes along as a file (RFC 5545); empty for most kinds
	StopLink string // where a POST ends mails of this kind to this reader (RFC 8058); empty for most kinds
}

// Renderer turns letters into mails. It is safe for concurrent use.
type Renderer struct {
	brand    Brand
	calendar *calendar.Calendar
	sheets   map[order.Language]map[order.LetterKind]sheet
}

// sheet is one kind of letter in one language. Both templates are read from the same file: it says what the letter
// contains by the parts (h, p, rows, value, button …) that text.tmpl and html.tmpl draw, each with its own escaping.
type sheet struct {
	text *texttemplate.Template
	html *htmltemplate.Template
}

// view is what a template may speak of.
type view struct {
	order.Facts

	Product         string
	Company         string
	Support         Support
	ReplyTo         string
	MailedBy        time.Time // receipt: until when the validation mail is sent (G15)
	ApprovalSubject string    // receipt: how to recognise the validation mail (G17)
	ApprovalFrom    string
}

// NewRenderer reads the templates. The brand must be valid; Validate's fault says what is not.
func NewRenderer(b Brand, c *calendar.Calendar) (*Renderer, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	r := &Renderer{brand: b, calendar: c, sheets: map[order.Language]map[order.LetterKind]sheet{}}
	for _, lang := range []order.Language{order.Japanese, order.English} {
		r.sheets[lang] = map[order.LetterKind]sheet{}
		for _, kind := range kinds {
			s, err := readSheet(lang, kind)
			if err != nil {
				return nil, fmt.Errorf("mail: template %s/%s: %w", lang, kind, err)
			}
			r.sheets[lang][kind] = s
		}
	}
	return r, nil
}

// readSheet parses one letter's template for text and for HTML.
func readSheet(lang order.Language, kind order.LetterKind) (sheet, error) {
	funcs := functions(lang)
	common, content := fmt.Sprintf("templates/%s/common.tmpl", lang), fmt.Sprintf("templates/%s/%s.tmpl", lang, kind)
	t, err := texttemplate.New("letter").Option("missingkey=error").Funcs(funcs).ParseFS(files, "templates/text.tmpl", common, content)
	if err != nil {
		return sheet{}, err
	}
	h, err := htmltemplate.New("letter").Option("missingkey=error").Funcs(funcs).ParseFS(files, "templates/html.tmpl", common, content)
	return sheet{text: t, html: h}, err
}

// functions is what a template of a language can call.
func functions(lang order.Language) map[string]any {
	label, heading := "  %s：", "■ %s"
	if lang == order.English {
		label, heading = "  %s: ", "*** %s ***"
	}
	return map[string]any{
		"moment":    func(t time.Time) string { return moment(lang, t) },
		"day":       func(t time.Time) string { return day(lang, t) },
		"years":     func(n int) string { return years(lang, n) },
		"entered":   func(c []order.Correction) []row { return entered(lang, c) },
		"certified": func(c []order.Correction) []row { return certified(lang, c) },
		"reissue":   func(r order.ReissueReason) string { return reissueReason(lang, r) },
		"reason":    func(name string) string { return reason(lang, name) },
		"days":      func(n int) string { return days(lang, n) },
		"method":    func(m order.DCVMethod) string { return method(lang, m) },
		"theirs":    func(a []order.Awaited) []string { return awaited(lang, a, false) },
		"ours":      func(a []order.Awaited) []string { return awaited(lang, a, true) },
		"indented":  func(s string) string { return fmt.Sprintf(label, s) },
		"heading":   func(s string) string { return fmt.Sprintf(heading, s) },
		"next":      func(i int) int { return i + 1 },
		"rows":      rows, "list": list, "labelled": labelled, "dotted": dotted, "wrap": wrap, "quoted": quoted,
	}
}

// Render writes the letter. Facts may hold anything: what could break a line, a header or the page is taken out or escaped. A
// letter of an unknown kind or without a fact that it cannot do without is a defect of the program, an Internal fault.
func (r *Renderer) Render(l order.Letter) (Rendered, error) {
	l.Facts = cleaned(l.Facts)
	if err := complete(l); err != nil {
		return Rendered{}, err
	}
	if l.Language != order.English {
		l.Language = order.Japanese
	}
	lang := l.Language
	subject, err := r.subject(l, lang)
	if err != nil {
		return Rendered{}, err
	}
	languages := []order.Language{lang}
	if slices.Contains(bilingual, l.Kind) {
		languages = []order.Language{lang, map[order.Language]order.Language{order.Japanese: order.English, order.English: order.Japanese}[lang]}
	}
	out := Rendered{From: r.brand.sender(l.Kind), Subject: subject}
	if out.Text, out.HTML, err = r.bodies(l, subject, languages); err != nil || l.Kind != order.LetterExpiryReminder {
		return out, err
	}
	out.StopLink = l.Facts.StopLink
	out.Calendar, err = r.entry(l, lang)
	return out, err
}

// subject is the letter's subject line: the brand's, or its template's.
func (r *Renderer) subject(l order.Letter, lang order.Language) (string, error) {
	if s := r.brand.subject(l.Kind, lang); s != "" {
		return line(r.fill(s, l.Facts, lang), maxLine), nil
	}
	var b strings.Builder
	if err := r.sheets[lang][l.Kind].text.ExecuteTemplate(&b, "subject", r.view(l, lang)); err != nil {
		return "", fmt.Errorf("mail: subject of %s: %w", l.Kind, err)
	}
	return line(b.String(), maxLine), nil
}

// fill puts the letter's facts into a subject line of the brand.
func (r *Renderer) fill(s string, f order.Facts, lang order.Language) string {
	return placeholders(f.Domain, f.Number, r.brand.Product.In(lang), r.brand.Company.In(lang)).Replace(s)
}

// view gathers what the letter's template needs.
func (r *Renderer) view(l order.Letter, lang order.Language) view {
	v := view{
		Facts: l.Facts, Product: r.brand.Product.In(lang), Company: r.brand.Company.In(lang), Support: r.brand.Support, ReplyTo: r.brand.ReplyTo,
		ApprovalSubject: r.fill(r.brand.Subjects.DomainApproval, l.Facts, lang), ApprovalFrom: r.brand.From.Validation,
	}
	if lang != l.Language {
		v.Facts = inOther(v.Facts)
	}
	if l.Kind == order.LetterReceipt {
		v.MailedBy = r.calendar.NextBusinessDay(l.CreatedAt)
	}
	return v
}

// inOther are the facts with the names of the other language. Letters of earlier releases have none; whoever is not named stays so.
func inOther(f order.Facts) order.Facts {
	if f.Organization != "" {
		f.Organization = cmp.Or(f.Other.Organization, f.Organization)
	}
	if f.ContactName != "" {
		f.ContactName = cmp.Or(f.Other.ContactName, f.ContactName)
	}
	return f
}

// shell is what holds the bodies of one mail together.
type shell[T any] struct {
	Lang    order.Language
	Subject string
	Parts   []T
}

// bodies writes the text and the HTML of a letter, one part for each language.
func (r *Renderer) bodies(l order.Letter, subject string, languages []order.Language) (string, string, error) {
	first := r.sheets[languages[0]][l.Kind]
	plain := shell[string]{Lang: languages[0], Subject: subject}
	page := shell[htmltemplate.HTML]{Lang: languages[0], Subject: subject}
	for _, lang := range languages {
		s, v := r.sheets[lang][l.Kind], r.view(l, lang)
		t, err := draw(s.text.ExecuteTemplate, v, "body", "foot")
		if err != nil {
			return "", "", fmt.Errorf("mail: text of %s: %w", l.Kind, err)
		}
		h, err := draw(s.html.ExecuteTemplate, v, "body", "foot")
		if err != nil {
			return "", "", fmt.Errorf("mail: page of %s: %w", l.Kind, err)
		}
		plain.Parts = append(plain.Parts, strings.TrimSpace(t))
		page.Parts = append(page.Parts, htmltemplate.HTML(h)) //nolint:gosec // escaped by the template that wrote it
	}
	t, err := draw(first.text.ExecuteTemplate, plain, "shell")
	if err != nil {
		return "", "", fmt.Errorf("mail: text of %s: %w", l.Kind, err)
	}
	h, err := draw(first.html.ExecuteTemplate, page, "shell")
	if err != nil {
		return "", "", fmt.Errorf("mail: page of %s: %w", l.Kind, err)
	}
	return blank.ReplaceAllString(t, "\n\n") + "\n", empty.ReplaceAllString(h, "\n"), nil
}

// The parts of a letter leave runs of empty lines behind.
var (
	blank = regexp.MustCompile(`\n{3,}`)
	empty = regexp.MustCompile(`\n\s*\n`)
)

// draw executes the named templates one after the other.
func draw(execute func(io.Writer, string, any) error, data any, names ...string) (string, error) {
	var b bytes.Buffer
	for _, n := range names {
		if err := execute(&b, n, data); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// complete reports a letter whose reader could do nothing with it.
func complete(l order.Letter) error {
	if !slices.Contains(kinds, l.Kind) {
		return fault.New(fault.Internal, "mail.kind", "メールの種類が不明です。", "There is no letter of this kind.")
	}
	if l.Facts.Number == "" || unusableLink(l.Facts.Link) || unusableLink(l.Facts.StatusLink) || lacking(l) {
		return fault.New(fault.Internal, "mail.incomplete", "メールに必要な情報が足りません。", "The letter lacks what its reader needs.")
	}
	return nil
}

func unusableLink(s string) bool { return s != "" && !webAddress(s) }

// lacks says by kind whether a fact is missing that such a letter cannot do without.
var lacks = map[order.LetterKind]func(order.Facts) bool{
	order.LetterChallenge:       func(f order.Facts) bool { return f.Domain == "" || !publishable(f) },
	order.LetterDomainApproval:  func(f order.Facts) bool { return f.Domain == "" || f.Link == "" },
	order.LetterApprovalsHeld:   func(f order.Facts) bool { return f.Domain == "" || f.MailsAfter.IsZero() },
	order.LetterIssuedContact:   func(f order.Facts) bool { return f.Link == "" },
	order.LetterReuse:           func(f order.Facts) bool { return f.Link == "" },
	order.LetterStatusLink:      func(f order.Facts) bool { return f.StatusLink == "" },
	order.LetterRevocationLink:  func(f order.Facts) bool { return f.Serial == "" || f.Link == "" },
	order.LetterRevoked:         func(f order.Facts) bool { return f.Serial == "" },
	order.LetterRevocationClock: func(f order.Facts) bool { return f.Serial == "" },
	order.LetterReportAnswer:    func(f order.Facts) bool { return f.Serial == "" || f.Reason == "" && f.Outcome != "revoked" },
	order.LetterInquiry:         func(f order.Facts) bool { return f.Question == "" },
	order.LetterCorrected:       func(f order.Facts) bool { return f.Organization == "" },
	order.LetterReissueNotice:   func(f order.Facts) bool { return f.CertificateEmail == "" },
	order.LetterExpiryReminder:  func(f order.Facts) bool { return !remindable(f) },
}

// lacking reports whether the letter could not tell its reader what it is for.
func lacking(l order.Letter) bool {
	lacks, ok := lacks[l.Kind]
	return ok && lacks(l.Facts)
}

// remindable reports whether the facts say which certificate ends when, where to renew it, and how to hear no more of it.
func remindable(f order.Facts) bool {
	return f.CertificateEmail != "" && f.Serial != "" && !f.NotAfter.IsZero() && f.Link != "" && webAddress(f.StopLink)
}

// publishable reports whether the facts say what to publish and where.
func publishable(f order.Facts) bool {
	switch f.Method {
	case order.DCVFile:
		return f.FileContent != "" && webAddress(f.FileURL)
	case order.DCVTXT, order.DCVCNAME:
		return f.RecordName != "" && f.RecordValue != ""
	default:
		return false
	}
}
