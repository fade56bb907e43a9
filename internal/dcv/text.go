package dcv

import (
	"fmt"
	"strings"
	"unicode"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// text fills both languages of a message with the same arguments; they are picked by index where the word order differs.
func text(ja, en string, args ...any) fault.Text {
	return fault.Text{JA: fmt.Sprintf(ja, args...), EN: fmt.Sprintf(en, args...)}
}

// Shorten makes a stranger's value fit to be shown and stored: one line of at most limit characters, with every character that is
// not printable (control characters, direction marks, broken UTF-8) replaced by U+FFFD.
func Shorten(value string, limit int) string {
	var b strings.Builder
	count := 0
	for _, r := range value {
		if count == limit {
			b.WriteRune('…')
			break
		}
		if !unicode.IsPrint(r) {
			r = unicode.ReplacementChar
		}
		b.WriteRune(r)
		count++
	}
	return b.String()
}

const (
	shownValues = 3
	shownLength = 60
)

// quote lists the first values, each shortened, for a sentence.
func quote(values []string) string {
	shown := make([]string, 0, shownValues)
	for _, v := range values[:min(len(values), shownValues)] {
		shown = append(shown, "“"+Shorten(v, shownLength)+"”")
	}
	if len(values) > shownValues {
		shown = append(shown, "…")
	}
	return strings.Join(shown, ", ")
}

func matched(c Challenge) Finding {
	return Finding{Found: true, Code: CodeMatch, Text: text("ドメイン %s の認証情報を確認しました。",
		"The validation value for %s was found.", c.Domain)}
}

// unfit is the answer to a defect on our side: a challenge that this method cannot judge is never a match.
func unfit(c Challenge) Finding {
	return Finding{Code: CodeRefused, Text: text("ドメイン %s の認証情報はこの方法では確認できません。お手数ですが、お問い合わせください。",
		"The validation of %s cannot be checked in this way. Please contact us.", c.Domain)}
}

// Expired is the finding for a challenge whose random value is past its age limit; nobody looked.
func Expired(c Challenge) Finding {
	return Finding{Code: CodeExpired, Text: text("%s の認証情報は有効期限を過ぎました。新しい認証情報をお送りしますので、そちらを設定してください。",
		"The validation value for %s has expired. A new one will be sent; please publish that one.", c.Domain)}
}

// Missing is the finding when nothing is published where the value belongs.
func Missing(c Challenge) Finding {
	i, f := c.Instruction(), Finding{Code: CodeMissing}
	switch c.Method {
	case order.DCVTXT:
		f.Text = text("%s に TXT レコードが見つかりません。ご案内した値の TXT レコードを追加してください。DNS への反映には時間がかかることがあります。",
			"No TXT record was found at %s. Add a TXT record with the value that we sent; DNS changes can take a while to appear.", i.RecordName)
	case order.DCVCNAME:
		f.Text = text("%s に CNAME レコードが見つかりません。%s を指す CNAME レコードを追加してください。DNS への反映には時間がかかることがあります。",
			"No CNAME record was found at %s. Add a CNAME record that points to %s; DNS changes can take a while to appear.", i.RecordName, i.RecordValue)
	default:
		f.Text = text("%s に認証用ファイルが見つからないか、ファイルが空です。ご案内した値だけを書いたファイルを置いてください。",
			"There is no file at %s, or it is empty. Put a file there that holds only the value that we sent.", i.FileURL)
	}
	return f
}

func differs(c Challenge, values []string) Finding {
	i, f, seen := c.Instruction(), Finding{Code: CodeDiffers}, quote(values)
	switch c.Method {
	case order.DCVTXT:
		f.Text = text("%s に TXT レコードはありますが、値が異なります: %s。ご案内した値の TXT レコードを追加してください。他の TXT レコードはそのままで構いません。",
			"TXT record found at %s, but the value differs: %s. Add a TXT record with exactly the value that we sent; other TXT records may stay.", i.RecordName, seen)
	case order.DCVCNAME:
		f.Text = text("%s に CNAME レコードはありますが、指す先が異なります: %s。指す先を %s に変更してください。",
			"CNAME record found at %s, but it points elsewhere: %s. Change its target to %s.", i.RecordName, seen, i.RecordValue)
	default:
		f.Text = text("%s にファイルはありますが、内容が異なります: %s。ファイルの内容を、ご案内した値だけにしてください。",
			"There is a file at %s, but its content differs: %s. The file must hold the value that we sent and nothing else.", i.FileURL, seen)
	}
	return f
}

func nearly(c Challenge, values []string) Finding {
	place := c.Instruction().RecordName + c.Instruction().FileURL
	return Finding{Code: CodeDiffers, Text: text(
		"%s の値がわずかに異なります: %s。引用符・空白・大文字など余分なものを除き、ご案内した値だけにしてください。",
		"The value at %s is nearly right: %s. Remove what was added to it (quotes, spaces, capital letters), so that it is exactly the value that we sent.",
		place, quote(values))}
}

func badStatus(c Challenge, status int) Finding {
	return Finding{Code: CodeUnreachable, Text: text("%s を読み取れません（HTTP ステータス %d）。認証なしで誰でも読めるようにしてください。",
		"%s cannot be read (HTTP status %d). Make it readable for everyone, without a login.", c.Instruction().FileURL, status)}
}

func tooLarge(c Challenge) Finding {
	return Finding{Code: CodeDiffers, Text: text("%s のファイルが大きすぎます（上限 %d バイト）。ファイルの内容を、ご案内した値だけにしてください。",
		"The file at %s is too large (limit %d bytes). It must hold the value that we sent and nothing else.", c.Instruction().FileURL, MaxFile)}
}
