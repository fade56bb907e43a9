package dcv

import (
	"slices"
	"strings"

	"securemailid.example/internal/order"
)

// The codes of a Finding.
const (
	CodeMatch       = "match"       // the value is there
	CodeMissing     = "missing"     // nothing is published where the value belongs
	CodeDiffers     = "differs"     // something else is published there
	CodeUnreachable = "unreachable" // the domain's servers gave no usable answer
	CodeRefused     = "refused"     // we may not use what was answered
	CodeExpired     = "expired"     // the random value is past its age limit
)

// JudgeTXT judges the TXT records found at the challenge's domain. Each record is its character-strings, which are joined without
// anything between (RFC 7208 section 3.3 states the usage). One record that equals the token byte by byte is enough; others may
// stand beside it.
func JudgeTXT(c Challenge, records [][]string) Finding {
	if !c.judgedBy(order.DCVTXT) {
		return unfit(c)
	}
	values := make([]string, len(records))
	for i, strs := range records {
		values[i] = strings.Join(strs, "")
	}
	switch {
	case slices.Contains(values, c.Token):
		return matched(c)
	case len(values) == 0:
		return Missing(c)
	case slices.ContainsFunc(values, c.nearly):
		return nearly(c, values)
	default:
		return differs(c, values)
	}
}

// JudgeCNAME judges the targets of the CNAME records found at the challenge's label. Domain names compare without regard to ASCII
// case or the final dot (RFC 4343).
func JudgeCNAME(c Challenge, targets []string) Finding {
	if !c.judgedBy(order.DCVCNAME) || c.Target == "" {
		return unfit(c)
	}
	want := canonicalName(c.Target)
	switch {
	case slices.ContainsFunc(targets, func(t string) bool { return canonicalName(t) == want }):
		return matched(c)
	case len(targets) == 0:
		return Missing(c)
	default:
		return differs(c, targets)
	}
}

// JudgeFile judges the answer of the web server: status 2xx (A11) and a body that is the token and nothing else. White space at the
// end is forgiven, because editors add a newline. body may be cut, but not before MaxFile+1 bytes.
func JudgeFile(c Challenge, status int, body []byte) Finding {
	if !c.judgedBy(order.DCVFile) {
		return unfit(c)
	}
	value := strings.TrimRight(string(body), " \t\r\n")
	switch {
	case status == 404 || status == 410:
		return Missing(c)
	case status < 200 || status > 299:
		return badStatus(c, status)
	case len(body) > MaxFile:
		return tooLarge(c)
	case value == c.Token:
		return matched(c)
	case value == "":
		return Missing(c)
	case c.nearly(value):
		return nearly(c, []string{value})
	default:
		return differs(c, []string{value})
	}
}

// judgedBy guards against a challenge of another method and against an empty token, which anything empty would match.
func (c Challenge) judgedBy(m order.DCVMethod) bool { return c.Method == m && c.Token != "" }

// nearly recognises the token with what people and forms add to it: quotes, spaces, capitals, a byte order mark.
func (c Challenge) nearly(value string) bool {
	return strings.Contains(asciiLower(value), asciiLower(c.Token))
}

func canonicalName(name string) string { return strings.TrimSuffix(asciiLower(name), ".") }

// asciiLower lowers A–Z only: DNS compares no other letters without case, and Unicode has letters that fold to ASCII.
func asciiLower(s string) string {
	b := []byte(s)
	for i, ch := range b {
		if 'A' <= ch && ch <= 'Z' {
			b[i] = ch + 'a' - 'A'
		}
	}
	return string(b)
}
