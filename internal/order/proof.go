package order

import (
	"regexp"
	"strings"

	"securemailid.example/internal/fault"
)

// RevocationWish is what a subscriber signs with the certificate's key to have it revoked: the certificate and the reason, so that
// the signature is of no use for anything else.
type RevocationWish struct {
	Issuer string
	Serial string
	Reason RevocationReason
}

// wishLines are the first and the last line of the text; between them stand issuer, serial and reason.
const (
	wishTitle = "Secure Mail ID: revocation of a certificate / 証明書の失効"
	wishClaim = "I hold the private key of this certificate and ask for its revocation. / 私はこの証明書の秘密鍵を所持しており、証明書の失効を求めます。"
)

var wishSyntax = regexp.MustCompile(`^` + regexp.QuoteMeta(wishTitle) + `\n` +
	`issuer: ([0-9a-f]{16})\nserial: ([1-9a-f][0-9a-f]{0,39})\nreason: ([A-Za-z]{1,30})\n` + regexp.QuoteMeta(wishClaim) + `\n$`)

// Text is the text to be signed.
func (w RevocationWish) Text() string {
	return wishTitle + "\nissuer: " + w.Issuer + "\nserial: " + w.Serial + "\nreason: " + w.Reason.String() + "\n" + wishClaim + "\n"
}

// ParseRevocationWish reads the text as it was signed; line ends may have become those of a mail.
func ParseRevocationWish(text string) (RevocationWish, error) {
	m := wishSyntax.FindStringSubmatch(strings.ReplaceAll(text, "\r\n", "\n"))
	if m == nil {
		return RevocationWish{}, malformedWish()
	}
	reason, ok := ParseRevocationReason(m[3])
	if !ok {
		return RevocationWish{}, malformedWish()
	}
	return RevocationWish{Issuer: m[1], Serial: m[2], Reason: reason}, nil
}

func malformedWish() error {
	return fault.New(fault.Invalid, "proof.text", "署名された文面が、失効の申し出の文面ではありません。「starter revoke text」が表示する文面に、変更せずに署名してください。",
		"What was signed is not the text that asks for a revocation. Sign what \"starter revoke text\" prints, unchanged.")
}
