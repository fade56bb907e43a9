package voucher

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"securemailid.example/internal/fault"
)

// maxInput bounds what is looked at, in bytes: the longest form in full-width characters with separators fits well.
const maxInput = 512

// Path is the field that faults about a code name.
const Path = "voucher"

// separators are the hyphens that keyboards and documents put between groups, the Japanese long-vowel mark among them.
const separators = "-‐‑‒–—―−ー"

// Normalize reads a code as people type it (G2): full-width characters, spaces, hyphens and lower case are accepted. Anything
// else is a *fault.Error of code invalid-fields whose only field has the code required, voucher.length, voucher.character or
// voucher.check. The error never repeats the input.
func Normalize(s string) (Code, error) {
	if len(s) > maxInput {
		return Code{}, wrongLength()
	}
	text := squeeze(s)
	switch len([]rune(text)) {
	case 0:
		return Code{}, refuse("required", "バウチャー/クーポン番号は必須です。", "A voucher or coupon number is required.",
			"16桁のクーポン番号または32文字のバウチャーコードを入力してください。", "Enter the coupon of 16 digits or the voucher code of 32 characters.")
	case couponLength:
		return parse(Coupon, text, "0123456789", couponCheck)
	case voucherLength:
		return parse(VoucherCode, text, alphabet, voucherCheck)
	default:
		return Code{}, wrongLength()
	}
}

// squeeze narrows, upper-cases and drops separators. Only ASCII letters are upper-cased: Unicode would turn "ſ" into "S".
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), strings.ContainsRune(separators, r):
			return -1
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		default:
			return r
		}
	}, width.Fold.String(s))
}

func parse(kind Kind, text, letters string, check func(string) byte) (Code, error) {
	for i, r := range []rune(text) {
		if !strings.ContainsRune(letters, r) {
			return Code{}, wrongCharacter(kind, i+1)
		}
	}
	last := len(text) - 1
	if check(text[:last]) != text[last] {
		return Code{}, refuse("voucher.check", "番号の検査文字が一致しません。", "The check character does not match.",
			"入力間違いがないか、お手元の番号と照らし合わせてください。", "Compare what you entered with your voucher; a character is wrong or two are swapped.")
	}
	return Code{kind, text}, nil
}

func wrongLength() error {
	return refuse("voucher.length", "クーポン番号は16桁、バウチャーコードは32文字です。", "A coupon has 16 digits, a voucher code 32 characters.",
		"桁数を確認して、番号全体を入力してください。", "Check that you entered all of it and nothing else.")
}

func wrongCharacter(kind Kind, position int) error {
	at := fmt.Sprintf("%d", position)
	if kind == Coupon {
		return refuse("voucher.character", "クーポン番号は数字のみです。", "A coupon consists of digits only.",
			at+"文字目を確認してください。", "Look at character "+at+".")
	}
	return refuse("voucher.character", "バウチャーコードは数字と英字 (I、L、O、Uを除く) のみです。",
		"A voucher code consists of digits and letters other than I, L, O and U.",
		at+"文字目を確認してください。0 (ゼロ) と1 (いち) は数字です。", "Look at character "+at+"; 0 and 1 are always digits.")
}

func refuse(code, ruleJA, ruleEN, remedyJA, remedyEN string) error {
	return fault.InvalidFields([]fault.Field{{
		Path: Path, Code: code,
		Rule:   fault.Text{JA: ruleJA, EN: ruleEN},
		Remedy: fault.Text{JA: remedyJA, EN: remedyEN},
	}})
}
