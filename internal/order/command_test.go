package order

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
)

const linkID = "0b5f6c1e-8f43-4c1a-9d3e-5a7b8c9d0e1f"

// goodMessages holds one message of every command as staff would send it.
var goodMessages = map[CommandName]string{
	CmdPhoneNumberVerified:     `{"actor":"staff/ops","number":"03-4560-3900","source":"government","reference":"register entry 4011001098993"}`,
	CmdRepresentativeReached:   `{"actor":"staff/ops","how":"contact-number","contact_number":"+819012345678","note":"内線から転送"}`,
	CmdRepresentativeConfirmed: `{"actor":"staff/ops"}`,
	CmdSubjectCorrected:        `{"actor":"staff/ops","organization":"Sample Trading K.K.","remove_unit":true,"reason":"登記簿の表記"}`,
	CmdInquiryOpened:           `{"actor":"staff/ops","question":"部門名は必要ですか。\nIs the unit needed?"}`,
	CmdInquiryAnswered:         `{"actor":"applicant","answer":"いいえ"}`,
	CmdReviewDecided:           `{"actor":"staff/ops","approved":true}`,
	CmdOrderRejected:           `{"actor":"staff/ops","reason":"組織を確認できません"}`,
	CmdDomainApproved:          `{"actor":"domain-owner","link":"` + linkID + `","approved":false}`,
	CmdReuseConfirmed:          `{"actor":"representative","link":"` + linkID + `","approved":true}`,
	CmdDomainCheckNow:          `{"actor":"applicant"}`,
	CmdDomainMethodChanged:     `{"actor":"applicant","method":"dns-cname"}`,
	CmdChallengeResent:         `{"actor":"staff/ops"}`,
	CmdOrderCancelled:          `{"actor":"applicant","reason":"不要になりました"}`,
}

func TestEveryCommandCanBeSent(t *testing.T) {
	t.Parallel()
	require.Len(t, goodMessages, len(CommandNames))
	for _, name := range CommandNames {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			c, err := DecodeCommand(name, []byte(goodMessages[name]))
			require.NoError(t, err)
			require.Equal(t, name, c.Name())
			require.NotEmpty(t, c.By())

			data, err := json.Marshal(c)
			require.NoError(t, err)
			again, err := DecodeCommand(name, data)
			require.NoError(t, err, "what we write, we read")
			require.Equal(t, c, again)
		})
	}
}

// TestMalformedMessages sends every command what temporal.md §2 saw arrive or be swallowed: none may pass as a zero value.
func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"nothing":                       ``,
		"blanks":                        " \n",
		"null":                          `null`,
		"string":                        `"staff/ops"`,
		"number":                        `42`,
		"boolean":                       `true`,
		"array":                         `[{"actor":"staff/ops"}]`,
		"misspelt field":                `{"stepp":"typo"}`,
		"unknown field beside good one": `{"actor":"staff/ops","priority":1}`,
		"field in another case":         `{"Actor":"staff/ops"}`,
		"field that folds to ours":      `{"actor":"staff/ops","que` + "\u017f" + `tion":"x"}`,
		"field twice":                   `{"actor":"staff/ops","actor":"applicant"}`,
		"field twice, once escaped":     `{"actor":"staff/ops","\u0061ctor":"applicant"}`,
		"null for a field":              `{"actor":null}`,
		"number for a text":             `{"actor":7}`,
		"array for a text":              `{"actor":["staff/ops"]}`,
		"object for a text":             `{"actor":{"actor":"staff/ops"}}`,
		"two objects":                   `{"actor":"staff/ops"}{"actor":"staff/ops"}`,
		"something after the object":    `{"actor":"staff/ops"} x`,
		"cut off":                       `{"actor":"staff/ops"`,
		"cut off within a text":         `{"actor":"staff/o`,
		"comment":                       `{"actor":"staff/ops"/*,*/}`,
		"trailing comma":                `{"actor":"staff/ops",}`,
		"single quotes":                 `{'actor':'staff/ops'}`,
		"not UTF-8":                     "{\"actor\":\"staff/\xff\"}",
		"half a surrogate pair":         `{"actor":"staff/ops\ud800"}`,
		"UTF-16":                        "\xff\xfe{\x00}\x00",
		"byte order mark":               "\ufeff{\"actor\":\"staff/ops\"}",
		"too long":                      `{"actor":"staff/ops"` + strings.Repeat(" ", maxMessage) + `}`,
		"deep":                          strings.Repeat(`{"actor":`, 1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, command := range CommandNames {
				c, err := DecodeCommand(command, []byte(message))
				require.Nil(t, c)
				require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "command.malformed"}, "%s", command)
				require.NotEmpty(t, fault.Public(err).Text.JA)
			}
		})
	}
}

func TestMalformedMessagesSayWhereButNotWhat(t *testing.T) {
	t.Parallel()
	for message, says := range map[string]string{
		`{"actor":"staff/ops","number":345603900}`:         `"number"`,
		`{"actor":"staff/ops","nummer":"345603900"}`:       `"nummer"`,
		`{"actor":"staff/ops","reference":["345603900"]}`:  `"reference"`,
		`{"actor":"staff/ops","number":"345603900\ud800"}`: `"number"`,
	} {
		_, err := DecodeCommand(CmdPhoneNumberVerified, []byte(message))
		require.ErrorContains(t, err, says)
		require.Contains(t, fault.Public(err).Text.JA, says)
		require.NotContains(t, err.Error(), "345603900")
	}
	_, err := DecodeCommand(CmdOrderRejected, []byte(`{"`+strings.Repeat("長", 1000)+`":1}`))
	require.Less(t, len(err.Error()), 400, "a stranger's field name is shortened")
}

func TestUnknownCommand(t *testing.T) {
	t.Parallel()
	_, err := DecodeCommand("issue-now", []byte(`{"actor":"staff/ops"}`))
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "command.unknown"})
}

func TestCheckActor(t *testing.T) {
	t.Parallel()
	for actor, ok := range map[string]bool{
		"staff/ops": true, "staff/ops.night_2@example.jp": true, "applicant": true,
		"staff/" + strings.Repeat("a", 58): true,
		"staff/" + strings.Repeat("a", 59): false,
		"":                                 false, "staff": false, "staff/": false, "staff/.ops": false, "root": false, "Staff/ops": false, "applicant/x": false,
		"staff/ops\n": false, "staff/ops ops": false, "staff/\u043eps": false, "staff/ops/ops": false, " staff/ops": false, "staff/<b>": false,
		"applicant\n": false, "domain-owner": false, "system": false,
	} {
		var want []string
		if want = []string{"actor actor"}; ok {
			want = []string{}
		}
		require.Equal(t, want, broken(t, DomainCheckNow{Actor{actor}}.Check()), "%q", actor)
	}
}

// TestRoles sends every command in every role: what staff establish is not the applicant's to say, the domain is its owner's to
// approve, an application the representative's to own, and the system sends none.
func TestRoles(t *testing.T) {
	t.Parallel()
	applicants := []CommandName{CmdInquiryAnswered, CmdOrderCancelled, CmdDomainCheckNow, CmdDomainMethodChanged, CmdChallengeResent}
	sent := regexp.MustCompile(`"actor":"[^"]*"`)
	for _, name := range CommandNames {
		for _, actor := range []string{"staff/ops", "applicant", "domain-owner", "representative", "system"} {
			allowed := actor == "staff/ops" && name != CmdDomainApproved && name != CmdReuseConfirmed ||
				actor == "domain-owner" && name == CmdDomainApproved || actor == "representative" && name == CmdReuseConfirmed ||
				actor == "applicant" && slices.Contains(applicants, name)
			want := []string{}
			if !allowed {
				want = []string{"actor actor"}
			}
			_, err := DecodeCommand(name, sent.ReplaceAll([]byte(goodMessages[name]), []byte(`"actor":"`+actor+`"`)))
			require.Equal(t, want, brokenBy(t, err), "%s by %s", name, actor)
		}
	}
}

// TestChecks breaks the rules of each command.
func TestChecks(t *testing.T) {
	t.Parallel()
	ops, owner, yes, no := Actor{"staff/ops"}, Actor{"domain-owner"}, true, false
	long := strings.Repeat("長", maxProse+1)
	for name, row := range map[string]struct {
		c    Command
		want []string
	}{
		"number: nothing at all": {PhoneNumberVerified{}, []string{"actor actor", "number required", "source choice", "reference required"}},
		"number: emergency":      {PhoneNumberVerified{ops, "110", SourceDirectory, "x"}, []string{"number telephone"}},
		"number: premium":        {PhoneNumberVerified{ops, "0990-123-456", SourceDirectory, "x"}, []string{"number telephone"}},
		"number: full-width":     {PhoneNumberVerified{ops, "０３−４５６０−３９００", SourceDirectory, "x"}, []string{}},
		"number: the form is no source": {
			PhoneNumberVerified{ops, "03-4560-3900", "application", "x"}, []string{"source choice"},
		},
		"number: reference too long": {
			PhoneNumberVerified{ops, "03-4560-3900", SourceDirectory, strings.Repeat("a", maxReference+1)}, []string{"reference length"},
		},
		"reached: how is missing":          {RepresentativeReached{Actor: ops}, []string{"how choice"}},
		"reached: transferred":             {RepresentativeReached{Actor: ops, How: ReachedByTransfer}, []string{}},
		"reached: number is missing":       {RepresentativeReached{Actor: ops, How: ReachedByNumber}, []string{"contact_number required"}},
		"reached: number is none":          {RepresentativeReached{Actor: ops, How: ReachedByNumber, ContactNumber: "12"}, []string{"contact_number telephone"}},
		"reached: transferred to a number": {RepresentativeReached{Actor: ops, How: ReachedByTransfer, ContactNumber: "03-4560-3900"}, []string{"contact_number contradiction"}},
		"confirmed: note too long":         {RepresentativeConfirmed{ops, long}, []string{"note length"}},
		"corrected: nothing":               {SubjectCorrected{Actor: ops, Reason: "x"}, []string{"organization required"}},
		"corrected: no reason":             {SubjectCorrected{Actor: ops, City: "Chuo-ku"}, []string{"reason required"}},
		"corrected: unit set and removed":  {SubjectCorrected{Actor: ops, Unit: "Sales", RemoveUnit: true, Reason: "x"}, []string{"remove_unit contradiction"}},
		"corrected: unit removed":          {SubjectCorrected{Actor: ops, RemoveUnit: true, Reason: "x"}, []string{}},
		"corrected: look-alike":            {SubjectCorrected{Actor: ops, State: "T\u043ekyo", Reason: "x"}, []string{"state character"}},
		"corrected: too long":              {SubjectCorrected{Actor: ops, Organization: strings.Repeat("a", 65), Reason: "x"}, []string{"organization length"}},
		"corrected: a blank too many":      {SubjectCorrected{Actor: ops, City: "Chuo-ku ", Reason: "x"}, []string{"city normal-form"}},
		"corrected: identifier":            {SubjectCorrected{Actor: ops, Identifier: "NTRJP-011001098993", Reason: "x"}, []string{}},
		"corrected: bare identifier":       {SubjectCorrected{Actor: ops, Identifier: "011001098993", Reason: "x"}, []string{"identifier identifier"}},
		"inquiry: no question":             {InquiryOpened{ops, " \n"}, []string{"question required"}},
		"inquiry: question too long":       {InquiryOpened{ops, long}, []string{"question length"}},
		"inquiry: no answer":               {InquiryAnswered{ops, ""}, []string{"answer required"}},
		"inquiry: answer with escapes":     {InquiryAnswered{ops, "\x1b[2J"}, []string{"answer hidden-character"}},
		"review: undecided":                {ReviewDecided{Actor: ops}, []string{"approved required", "reason required"}},
		"review: approved":                 {ReviewDecided{Actor: ops, Approved: &yes}, []string{}},
		"review: refused without a reason": {ReviewDecided{Actor: ops, Approved: &no}, []string{"reason required"}},
		"review: a certificate chosen":     {ReviewDecided{Actor: ops, Approved: &yes, Original: "4A:0B"}, []string{}},
		"review: an order chosen":          {ReviewDecided{Actor: ops, Approved: &yes, Original: "1234567890"}, []string{}},
		"review: an address names several": {ReviewDecided{Actor: ops, Approved: &yes, Original: "info@example.jp"}, []string{"original original"}},
		"review: refused with one":         {ReviewDecided{Actor: ops, Approved: &no, Reason: "x"}, []string{}},
		"rejected: no reason":              {OrderRejected{Actor: ops}, []string{"reason required"}},
		"cancelled: no reason":             {OrderCancelled{Actor: ops}, []string{"reason required"}},
		"reuse: undecided":                 {ReuseConfirmed{Actor: Actor{"representative"}, Link: linkID}, []string{"approved required"}},
		"reuse: no link":                   {ReuseConfirmed{Actor: Actor{"representative"}, Approved: &no}, []string{"link link"}},
		"domain: undecided":                {DomainApproved{Actor: owner, Link: linkID}, []string{"approved required"}},
		"domain: no link":                  {DomainApproved{Actor: owner, Approved: &yes}, []string{"link link"}},
		"domain: link in capitals":         {DomainApproved{Actor: owner, Link: strings.ToUpper(linkID), Approved: &yes}, []string{"link link"}},
		"domain: line break after link":    {DomainApproved{Actor: owner, Link: linkID + "\n", Approved: &yes}, []string{"link link"}},
		"method: none":                     {DomainMethodChanged{Actor: ops}, []string{"method dcv-method"}},
		"method: unknown":                  {DomainMethodChanged{ops, "http"}, []string{"method dcv-method"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, row.want, broken(t, row.c.Check()))
		})
	}
}

func TestCorrectionApplies(t *testing.T) {
	t.Parallel()
	s := Subject{Organization: "Sample", Unit: "Sales", State: "Tokyo", City: "Chuo-ku"}
	require.Equal(t, Subject{Organization: "Sample Trading K.K.", State: "Tokyo", City: "Minato-ku", Identifier: "NTRJP-011001098993"},
		SubjectCorrected{Organization: "Sample Trading K.K.", RemoveUnit: true, City: "Minato-ku", Identifier: "NTRJP-011001098993"}.Apply(s))
	require.Equal(t, s, SubjectCorrected{}.Apply(s), "what is left empty stays")
}

func TestDecodeApplication(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(form())
	require.NoError(t, err)
	a, err := DecodeApplication(data)
	require.NoError(t, err)
	require.Equal(t, form(), a)

	for name, row := range map[string]struct{ message, says string }{
		"nested unknown field":       {`{"organization":{"nam":"x"}}`, `"organization.nam"`},
		"nested field in other case": {`{"organization":{"Name":"x"}}`, `"organization.Name"`},
		"nested field twice":         {`{"organization":{"name":"x","name":"y"}}`, `"organization.name"`},
		"section twice":              {`{"organization":{},"organization":{}}`, `"organization"`},
		"text for a section":         {`{"organization":"x"}`, `"organization"`},
		"text for the years":         {`{"validity_years":"1"}`, `"validity_years"`},
		"a fraction of a year":       {`{"validity_years":1.5}`, `"validity_years"`},
		"text for the agreement":     {`{"terms_accepted":"true"}`, `"terms_accepted"`},
		"a field that is not ours":   {`{"WithoutVoucher":1}`, `"WithoutVoucher"`},
		"too long":                   {strings.Repeat(" ", maxApplication) + `{}`, "65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := DecodeApplication([]byte(row.message))
			require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "application.malformed"})
			require.ErrorContains(t, err, row.says)
		})
	}
}

func TestSamePhoneStep(t *testing.T) {
	t.Parallel()
	reached := RepresentativeReached{Actor{"staff/ops"}, ReachedByNumber, "090-1234-5678", "内線から転送"}
	for name, row := range map[string]struct {
		a, b Command
		same bool
	}{
		"by somebody else":         {RepresentativeConfirmed{Actor{"staff/ops"}, "x"}, RepresentativeConfirmed{Actor{"staff/b"}, "x"}, true},
		"another note":             {RepresentativeConfirmed{Note: "x"}, RepresentativeConfirmed{}, false},
		"a number in E.164":        {reached, RepresentativeReached{Actor{"staff/ops"}, ReachedByNumber, "+819012345678", "内線から転送 "}, true},
		"another number":           {reached, RepresentativeReached{Actor{"staff/ops"}, ReachedByNumber, "+819012345679", "内線から転送"}, false},
		"another step":             {RepresentativeConfirmed{}, RepresentativeReached{}, false},
		"commands of another kind": {OrderRejected{}, OrderRejected{}, false},
	} {
		require.Equal(t, row.same, SamePhoneStep(row.a, row.b), name)
	}
}
