package dcv

import (
	"regexp"
	"slices"
	"strings"
)

// CAA is one CAA record (RFC 8659 section 4.1).
type CAA struct {
	Flags byte
	Tag   string
	Value string
}

// CAALookup returns the CAA records at exactly this name, aliases followed. An error means that nothing is known about them, which is
// not the same as none.
type CAALookup func(name string) ([]CAA, []Observation, error)

// The codes of a CAADecision.
const (
	CAANoRestriction   = "no-restriction"
	CAAIssuerNamed     = "issuer-named"
	CAANotNamed        = "not-named"
	CAACriticalUnknown = "critical-unknown"
	CAALookupFailed    = "lookup-failed"
)

// DecideCAA decides whether CAA lets one of the given issuer domains issue S/MIME certificates for mailboxes at domain (RFC 9495
// section 4, C8). domain is in A-labels. The first name with any CAA record, climbing from the domain towards the root, decides
// (RFC 8659 section 3). When a lookup fails the decision is no permission and the error is returned beside it (C9).
func DecideCAA(domain string, issuers []string, lookup CAALookup) (CAADecision, error) {
	var seen []Observation
	for name := canonicalName(domain); name != ""; name = parent(name) {
		records, observed, err := lookup(name)
		seen = append(seen, observed...)
		if err != nil {
			return caaDecision(CAALookupFailed, domain, issuers, seen), err
		}
		if len(records) > 0 {
			return caaDecision(judgeCAA(records, issuers), domain, issuers, seen), nil
		}
	}
	return caaDecision(CAANoRestriction, domain, issuers, seen), nil
}

func parent(name string) string {
	_, rest, _ := strings.Cut(name, ".")
	return rest
}

// judgeCAA decides over a relevant record set. Property tags compare without case (RFC 8659 section 4.1).
func judgeCAA(records []CAA, issuers []string) string {
	restricted, named := false, false
	for _, r := range records {
		tag := asciiLower(r.Tag)
		// Refusing is written in the TLS rules only, but what the domain marked as critical we must not overlook (C8).
		if r.Flags&0x80 != 0 && !slices.Contains(knownTags[:], tag) {
			return CAACriticalUnknown
		}
		if tag == "issuemail" {
			restricted = true
			named = named || names(r.Value, issuers)
		}
	}
	switch {
	case !restricted:
		return CAANoRestriction
	case named:
		return CAAIssuerNamed
	default:
		return CAANotNamed
	}
}

// knownTags are the properties of the IANA registry whose meaning we know; all but issuemail are without effect on S/MIME.
var knownTags = [...]string{"issue", "issuewild", "issuemail", "issuevmc", "iodef", "contactemail", "contactphone"}

// names reports whether an issuemail value permits one of the issuers. Parameters are the issuer's to define (RFC 8659 section 4.2)
// and we define none: a value with any asks for a restriction that we cannot honour, so it permits nothing.
func names(value string, issuers []string) bool {
	issuer, parameters, ok := ParseIssueMail(value)
	return ok && issuer != "" && len(parameters) == 0 &&
		slices.ContainsFunc(issuers, func(i string) bool { return canonicalName(i) == canonicalName(issuer) })
}

// Parameter is one tag=value pair of an issuemail property.
type Parameter struct{ Tag, Value string }

var (
	caaDomain = regexp.MustCompile(`^[0-9A-Za-z](-*[0-9A-Za-z])*(\.[0-9A-Za-z](-*[0-9A-Za-z])*)*$`)
	caaTag    = regexp.MustCompile(`^[0-9A-Za-z](-*[0-9A-Za-z])*$`)
	caaValue  = regexp.MustCompile(`^[\x21-\x3A\x3C-\x7E]*$`)
)

// ParseIssueMail parses the value of an issuemail property by the grammar of RFC 9495 section 3. An empty issuer is well formed and
// names nobody. ok is false for a malformed value, which counts as an empty issuer.
func ParseIssueMail(value string) (issuer string, parameters []Parameter, ok bool) {
	issuer, rest, _ := strings.Cut(value, ";")
	issuer = trimWSP(issuer)
	if issuer != "" && !caaDomain.MatchString(issuer) {
		return "", nil, false
	}
	if trimWSP(rest) == "" {
		return issuer, nil, true
	}
	for part := range strings.SplitSeq(rest, ";") {
		tag, v, found := strings.Cut(part, "=")
		p := Parameter{Tag: trimWSP(tag), Value: trimWSP(v)}
		if !found || !caaTag.MatchString(p.Tag) || !caaValue.MatchString(p.Value) {
			return "", nil, false
		}
		parameters = append(parameters, p)
	}
	return issuer, parameters, true
}

func trimWSP(s string) string { return strings.Trim(s, " \t") }

func caaDecision(code, domain string, issuers []string, seen []Observation) CAADecision {
	d := CAADecision{Code: code, Observations: seen}
	name := strings.Join(issuers, ", ")
	switch code {
	case CAANoRestriction:
		d.Permitted = true
		d.Text = text("%s の CAA レコードに S/MIME 証明書の発行制限はありません。", "The CAA records of %s do not restrict S/MIME certificates.", domain)
	case CAAIssuerNamed:
		d.Permitted = true
		d.Text = text("%s の CAA レコードは当認証局を許可しています。", "The CAA records of %s name this certification authority.", domain)
	case CAACriticalUnknown:
		d.Text = text("%s の CAA レコードに、必須と指定された未知のプロパティがあるため発行できません。該当レコードをご確認ください。",
			"The CAA records of %s hold an unknown property that is marked as critical, so that we may not issue. Please check that record.", domain)
	case CAALookupFailed:
		d.Text = text("%s の CAA レコードを確認できないため、まだ発行できません。DNS の設定をご確認ください。自動的に再確認します。",
			"The CAA records of %s cannot be looked up, so that we may not issue yet. Please check the DNS settings; we will look again by ourselves.", domain)
	default:
		d.Text = text("%[1]s の CAA レコードは当認証局による S/MIME 証明書の発行を許可していません。「issuemail」に %[2]s を追加してください。",
			"The CAA records of %[1]s do not permit this certification authority to issue S/MIME certificates. Add an issuemail record that names %[2]s.",
			domain, name)
	}
	return d
}
