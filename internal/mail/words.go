package mail

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"securemailid.example/internal/calendar"
	"securemailid.example/internal/order"
)

// moment is a time for the reader, who is in Japan.
func moment(lang order.Language, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if lang == order.English {
		return t.In(calendar.JST()).Format("2 January 2006, 15:04 JST")
	}
	return t.In(calendar.JST()).Format("2006年1月2日 15:04 JST")
}

// day is a date for the reader, with its weekday.
func day(lang order.Language, t time.Time) string {
	t = t.In(calendar.JST())
	if lang == order.English {
		return t.Format("Monday, 2 January 2006")
	}
	weekdays := [...]string{"日", "月", "火", "水", "木", "金", "土"}
	return t.Format("2006年1月2日") + "（" + weekdays[t.Weekday()] + "）"
}

// years is a validity.
func years(lang order.Language, n int) string {
	switch {
	case n == 0:
		return ""
	case lang != order.English:
		return fmt.Sprintf("%d年", n)
	case n == 1:
		return "1 year"
	default:
		return fmt.Sprintf("%d years", n)
	}
}

// days is a number of days to go.
func days(lang order.Language, n int) string {
	switch {
	case lang != order.English:
		return fmt.Sprintf("%d日", n)
	case n == 1:
		return "1 day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}

// method is the name of a DCV method (G8).
func method(lang order.Language, m order.DCVMethod) string {
	w := map[order.DCVMethod]Words{
		order.DCVEmail: {JA: "メール認証", EN: "E-mail"},
		order.DCVFile:  {JA: "ファイル認証", EN: "File"},
		order.DCVTXT:   {JA: "DNS TXT認証", EN: "DNS TXT"},
		order.DCVCNAME: {JA: "DNS CNAME認証", EN: "DNS CNAME"},
	}[m]
	return w.In(lang)
}

// reissueReason is why a certificate is issued again (G24).
func reissueReason(lang order.Language, r order.ReissueReason) string {
	w := map[order.ReissueReason]Words{
		order.KeyLost:       {JA: "秘密鍵の紛失・破損", EN: "The private key is lost"},
		order.KeyCompromise: {JA: "秘密鍵の漏えい（そのおそれを含む）", EN: "The private key is or may be known to others"},
		order.NewDevice:     {JA: "機器・メールソフトの変更", EN: "A new device or mail program"},
		order.OtherReason:   {JA: "その他", EN: "Another reason"},
	}[r]
	return w.In(lang)
}

// subjectField is the name of a field of the certificate's subject, as the form has it.
func subjectField(lang order.Language, name string) string {
	w := map[string]Words{
		"organization": {JA: "申請団体名（英語）", EN: "Organization"},
		"unit":         {JA: "部門名（英語）", EN: "Organization Unit"},
		"state":        {JA: "都道府県（英語）", EN: "State/Province"},
		"city":         {JA: "市区町村（英語）", EN: "City/Locality"},
		"identifier":   {JA: "組織識別子", EN: "Organization Identifier"},
	}[name]
	return w.In(lang)
}

// entered are the corrected fields as the application has them.
func entered(lang order.Language, corrections []order.Correction) []row {
	return corrected(lang, corrections, Words{JA: "（記入なし）", EN: "(nothing)"}, func(c order.Correction) string { return c.Entered })
}

// certified are the corrected fields as the certificate will have them.
func certified(lang order.Language, corrections []order.Correction) []row {
	return corrected(lang, corrections, Words{JA: "（記載しません）", EN: "(left out)"}, func(c order.Correction) string { return c.Certified })
}

func corrected(lang order.Language, corrections []order.Correction, nothing Words, value func(order.Correction) string) []row {
	out := make([]row, len(corrections))
	for i, c := range corrections {
		out[i] = row{subjectField(lang, c.Field), cmp.Or(value(c), nothing.In(lang))}
	}
	return out
}

// reason says why a certificate was revoked, by the reason's name in RFC 5280.
func reason(lang order.Language, name string) string {
	r, ok := order.ParseRevocationReason(name)
	if !ok {
		return ""
	}
	return r.Text().In(string(lang))
}

// awaited lists what is awaited: from the reader's side, or with ours from the CA.
func awaited(lang order.Language, list []order.Awaited, ours bool) []string {
	var out []string
	for _, a := range list {
		if (a.Party == order.PartyStaff || a.Party == order.PartyCA) == ours {
			out = append(out, a.Text.In(string(lang)))
		}
	}
	return out
}

// row is a labelled fact.
type row struct{ Label, Value string }

// rows pairs labels with values and leaves out what is not known.
func rows(pairs ...string) []row {
	var out []row
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, row{pairs[i], pairs[i+1]})
		}
	}
	return out
}

// dotted is a domain name as zone files write it.
func dotted(name string) string { return strings.TrimSuffix(name, ".") + "." }

// list is its arguments.
func list(items ...string) []string { return items }

// labelled is a row, for the parts that take one.
func labelled(label, value string) row { return row{label, value} }
