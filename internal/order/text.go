package order

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"securemailid.example/internal/fault"
)

// Upper bounds in characters. Those of certified attributes are RFC 5280 appendix A.1; the others are ours.
const (
	maxOrganization = 64  // ub-organization-name
	maxUnit         = 64  // ub-organizational-unit-name
	maxState        = 128 // ub-state-name
	maxCity         = 128 // ub-locality-name
	maxStreet       = 128
	maxName         = 64
	maxRaw          = 4096 // bytes of any one field, before anything is done to it
)

// alphabet says which characters a text field takes.
type alphabet int

const (
	anyText     alphabet = iota // Japanese and Latin
	japanese                    // the same, with at least one Japanese character (G9, G11)
	latinName                   // a person's name in Latin letters (G11, G12)
	certificate                 // ★ fields (G9): as anyText, but nothing that merely looks like something else
)

// textRule is what a text field must be.
type textRule struct {
	max      int // characters
	alphabet alphabet
	optional bool
	place    bool // one state or city, not a list of them
	links    linkRule
}

// linkRule says how much of a web or mail address may stand in a text. It asks the list of public suffixes, which changes.
type linkRule int

const (
	hostAtMost linkRule = iota // organisations may be called after their site
	unlinked                   // names of people and places: nothing that a mail program makes a link of
	unjudged                   // in workflows, whose replay must answer as on the day
)

// CleanText is the normal form of a text that is entered into the form: NFC, no blanks around it, single blanks within.
func CleanText(s string) string {
	return strings.Join(strings.Fields(norm.NFC.String(s)), " ")
}

// CleanCertificateText is CleanText for the fields that are certified (★ of G9): full-width letters become plain ones.
func CleanCertificateText(s string) string { return CleanText(width.Fold.String(s)) }

// clean returns the normal form of s, or the first rule that it breaks.
func (r textRule) clean(path, s string) (string, *fault.Field) {
	switch {
	case len(s) > maxRaw:
		return "", tooLong(path, r.max)
	case !utf8.ValidString(s):
		return "", notText(path)
	}
	s = strings.TrimSpace(s)
	if f := invisible(path, s); f != nil {
		return "", f
	}
	if r.alphabet == certificate || r.alphabet == latinName {
		s = width.Fold.String(s)
	}
	s = CleanText(s)
	return s, r.check(path, s)
}

// check returns the first rule that s, in its normal form, breaks.
func (r textRule) check(path, s string) *fault.Field {
	switch {
	case s == "" && r.optional:
		return nil
	case s == "":
		return required(path)
	case utf8.RuneCountInString(s) > r.max:
		return tooLong(path, r.max)
	case !strings.ContainsFunc(s, isWordRune), r.alphabet == certificate && isPlaceholder(s):
		return placeholder(path)
	case strings.Contains(s, "://"), strings.ContainsAny(s, "<>"), entity.MatchString(s), r.links != unjudged && isLink(s):
		return markup(path)
	case r.links == unlinked && holdsLink(s):
		return link(path)
	case r.place && strings.ContainsAny(s, `,:="()`): // zlint's n_suspicious_chars_in_address would stop the certificate
		return severalPlaces(path)
	}
	return r.alphabet.check(path, s)
}

func (a alphabet) check(path, s string) *fault.Field {
	for _, c := range s {
		if !a.takes(c) {
			return wrongCharacter(path, a, c)
		}
	}
	switch {
	case a == japanese && !strings.ContainsFunc(s, isJapanese):
		return notJapanese(path)
	case a == certificate && norm.NFKC.String(s) != s:
		return compatibility(path)
	default:
		return nil
	}
}

// takes reports whether c may appear. Letters of other scripts are refused as a whole: they are either look-alikes, such as the
// Cyrillic "а" in a Latin word, or belong to names that the commercial register does not hold.
func (a alphabet) takes(c rune) bool {
	if a == latinName {
		return unicode.Is(latin, c) || strings.ContainsRune(" '’-.,", c)
	}
	switch {
	case unicode.IsLetter(c):
		return unicode.Is(latin, c) || isJapanese(c) || isJapaneseMark(c)
	case unicode.IsDigit(c): // not those of other scripts
		return '0' <= c && c <= '9' || '０' <= c && c <= '９'
	case unicode.In(c, unicode.P, unicode.Sm, unicode.Sc):
		return true
	default:
		return c == ' ' || a != certificate && isUsualSymbol(c)
	}
}

// isUsualSymbol reports whether c is a mark or symbol of Japanese typing: a voicing mark that does not compose, Ⅲ, ①, ㈱. Emoji are not.
func isUsualSymbol(c rune) bool {
	return unicode.In(c, unicode.Mn, unicode.Nl, unicode.No) || 0x3200 <= c && c <= 0x33FF || 0x309B <= c && c <= 0x309C
}

// latin holds the Latin letters of real names: no phonetic or mathematical ones, many of which are drawn like others.
var latin = &unicode.RangeTable{
	R16: []unicode.Range16{
		{'A', 'Z', 1}, {'a', 'z', 1}, {0x00C0, 0x00D6, 1}, {0x00D8, 0x00F6, 1}, {0x00F8, 0x017E, 1},
		{0x1E00, 0x1EFF, 1}, {0xFF21, 0xFF3A, 1}, {0xFF41, 0xFF5A, 1},
	},
	LatinOffset: 4,
}

// isJapaneseMark reports whether c is a letter that Unicode shares between the Japanese scripts: 〆, 〱–〵, ー, ｰ, ﾞ, ﾟ.
func isJapaneseMark(c rune) bool { return strings.ContainsRune("〆〱〲〳〴〵〼ーｰﾞﾟ", c) }

func isJapanese(c rune) bool { return unicode.In(c, unicode.Han, unicode.Hiragana, unicode.Katakana) }

func isWordRune(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }

// invisible refuses what cannot be seen or changes how the rest is seen: controls, bidirectional overrides, zero-width and
// other default-ignorable characters, private use and code points that are not assigned.
func invisible(path, s string) *fault.Field {
	for _, c := range s {
		switch {
		case isHidden(c), !unicode.In(c, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Zs):
			return hidden(path, c)
		}
	}
	return nil
}

// isHidden reports whether c is drawn as nothing. The ranges are the code points of Default_Ignorable_Code_Point that are no
// control characters anyway, with the Braille blank and the replacement character.
func isHidden(c rune) bool {
	return unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf) || c == 0x2800 || c == utf8.RuneError
}

// isPlaceholder reports whether s only says that there is no value (SBR 7.1.4.2).
func isPlaceholder(s string) bool {
	return slices.Contains([]string{"n/a", "na", "none", "null", "nil", "unknown", "なし", "無し", "該当なし", "不明"}, strings.ToLower(s))
}

// multiline checks what staff and applicants write to each other: any language, lines, but nothing hidden.
func multiline(path, s string, limit int, optional bool) *fault.Field {
	switch {
	case s == "" && optional:
		return nil
	case len(s) > utf8.UTFMax*limit, utf8.RuneCountInString(s) > limit:
		return tooLong(path, limit)
	case !utf8.ValidString(s):
		return notText(path)
	case strings.TrimSpace(s) == "":
		return required(path)
	}
	for _, c := range strings.ReplaceAll(s, "\r\n", "\n") { // browsers send lines that way
		if c != '\n' && unicode.In(c, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) || c == utf8.RuneError {
			return hidden(path, c)
		}
	}
	return nil
}

// identifierSyntax is an organizationIdentifier under a register or tax scheme (SBR 7.1.4.2.2 d): scheme, country, reference.
var identifierSyntax = regexp.MustCompile(`^(NTR|VAT)JP-[0-9]{12,13}$`)

func tooLong(path string, limit int) *fault.Field {
	f := field(path, "length", fmt.Sprintf("%d文字以内です。", limit), fmt.Sprintf("At most %d characters.", limit), "短くしてください。", "Shorten it.")
	return &f
}

func required(path string) *fault.Field {
	f := field(path, "required", "必須項目です。", "This is required.", "入力してください。", "Fill it in.")
	return &f
}

func notText(path string) *fault.Field {
	f := field(path, "encoding", "文字コードはUTF-8です。", "The text must be UTF-8.", "UTF-8で入力し直してください。", "Enter it again as UTF-8.")
	return &f
}

func placeholder(path string) *fault.Field {
	f := field(path, "placeholder", "「-」や「なし」のような仮の値は使えません。", "A placeholder such as \"-\" or \"n/a\" is not a value.",
		"正しい値を入力するか、任意項目は空欄にしてください。", "Enter the real value; leave an optional field empty.")
	return &f
}

func severalPlaces(path string) *fault.Field {
	f := field(path, "place", "カンマ・コロン・等号・引用符・かっこは使えません。都道府県または市区町村を 1 つだけ入力します。",
		"Commas, colons, equals signs, quotation marks and parentheses are not allowed: it is one state or one city.",
		"例) Tokyo、Chiyoda-ku", "Enter it as in Tokyo, or Chiyoda-ku.")
	return &f
}

// entity is a character as HTML writes it, such as what a page made of an ampersand.
var entity = regexp.MustCompile(`&#?[a-zA-Z0-9]+;`)

// markup refuses what a reader of our mails and of the approval page could take for a link of ours, or a program for its markup.
func markup(path string) *fault.Field {
	f := field(path, "markup", "URL、「<」「>」、「&amp;」のような文字参照は入力できません。", "Web addresses, the signs < and >, and entities such as &amp; are not allowed.",
		"名称だけを入力してください。", "Enter the name alone.")
	return &f
}

// link refuses what mail programs would make a link of in our mails, whoever it leads to.
func link(path string) *fault.Field {
	f := field(path, "link", "ウェブサイトやメールのアドレスと読める文字列 (example.com、「@」など) は入力できません。",
		"Nothing that reads as a web or mail address is allowed, such as example.com or the sign @.",
		"名称だけを入力してください。ピリオドの後には空白を入れてください。", "Enter the name alone, with a blank after a full stop.")
	return &f
}

func hidden(path string, c rune) *fault.Field {
	f := field(path, "hidden-character", fmt.Sprintf("見えない文字や制御文字は使えません (%U)。", c), fmt.Sprintf("Hidden or control characters are not allowed (%U).", c),
		"その文字を削除し、キーボードから入力し直してください。", "Remove it and type the text by hand.")
	return &f
}

func wrongCharacter(path string, a alphabet, c rune) *fault.Field {
	if a == latinName {
		f := field(path, "latin", fmt.Sprintf("英字で入力する項目です (使えない文字: %U)。", c), fmt.Sprintf("Latin letters only (found %U).", c),
			"ローマ字で入力してください。", "Write the name in Latin letters.")
		return &f
	}
	f := field(path, "character", fmt.Sprintf("使えるのは日本語、英字、数字、一般的な記号です (使えない文字: %U)。", c),
		fmt.Sprintf("Only Japanese and Latin letters, digits and common punctuation are allowed (found %U).", c),
		"似た形の別の文字や絵文字が混ざっていないか確認してください。", "Look for a look-alike letter or an emoji.")
	return &f
}

func notJapanese(path string) *fault.Field {
	f := field(path, "japanese", "日本語で入力する項目です。", "This must be written in Japanese.", "日本語の表記を入力してください。", "Enter the Japanese form.")
	return &f
}

func compatibility(path string) *fault.Field {
	f := field(path, "character", "機種依存文字は証明書に記載できません。", "Compatibility characters cannot be certified.",
		"①、㈱、Ⅲなどは、1、(株)、IIIのように通常の文字で入力してください。", "Write circled numbers, ligatures and the like with plain letters.")
	return &f
}
