package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// sample is a status with something in every part.
func sample() order.Status {
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes-600) * time.Minute) }
	return order.Status{
		Number: "1234567890", Type: order.New, State: order.DomainValidation, StateSince: at(1), Language: order.Japanese, Domain: "example.jp",
		CertificateEmail: "info@example.jp", ValidityYears: 1, Subject: order.Subject{Organization: "Sample Trading K.K.", State: "Tokyo", City: "Chiyoda-ku"},
		CreatedAt: at(0), DeadlineAt: noon.AddDate(0, 0, 90), Refusals: 1,
		Awaited: order.Progress{State: order.DomainValidation, Method: order.DCVTXT, OpenInquiry: true}.Awaited(),
		Challenge: &order.ChallengeView{Sequence: 2, Method: order.DCVTXT, Token: "random-value", OpenedAt: at(1), ExpiresAt: noon.AddDate(0, 0, 30), Checks: 7,
			LastCheckAt: at(540), LastFinding: fault.Text{JA: "レコードがありません。", EN: "There is no such record."}, NextCheckAt: noon.Add(40 * time.Minute)},
		Phone:       order.PhoneSteps{NumberVerifiedAt: at(60)},
		PhoneNumber: "+81312345678", PhoneSource: order.SourceGovernment, PhoneReference: "register, 2026-11-22",
		Reached: order.DomainValidation, Blocked: fault.Text{JA: "CAAレコードが発行を禁じています。", EN: "A CAA record forbids it."}, BlockedAt: at(90),
		Inquiries: []order.Inquiry{{OpenedAt: at(70), Question: "Which name?"}},
		Letters: []order.LetterView{
			{Kind: order.LetterReceipt, Recipient: "tech@example.jp", State: order.LetterSent, Attempts: 1},
			{Kind: order.LetterChallenge, Recipient: "tech@example.jp", State: order.LetterFailed, Attempts: 3, LastReply: "550 no such user\x1b]0;evil\x07"},
		},
		Certificates: []order.CertificateView{{Sequence: 1, Serial: "0a1b", NotBefore: at(500), NotAfter: noon.AddDate(1, 0, 0), IssuedAt: at(500)}},
		Reissues: []order.ReissueOf{
			{Number: "1234567811", State: order.Rejected, AskedAt: at(510)},
			{Number: "1234567822", State: order.Review, AskedAt: at(520), Undecided: true, Holds: true}, {Number: "1234567833", State: order.OrganizationValidation, AskedAt: at(530), Holds: true},
		},
		Timeline: []order.Event{
			{At: at(0), Actor: "applicant", Action: "order-accepted", Detail: "type=new"},
			{At: at(1), Actor: "system", Action: "challenge-opened", Detail: "method=dns-txt, sequence=1"},
			{At: at(60), Actor: "staff/ops", Action: "phone-number-verified", Detail: "source=government"},
			{At: at(80), Actor: "system", Action: "of-a-later-version"},
		},
	}
}

func TestStatusPage(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"ja", "en"} {
		c := newCounter(t)
		page := c.page(sample(), lang)
		golden(t, "status."+lang+".txt", page)
		require.NotContains(t, page, "\x1b", "nothing from elsewhere steers the terminal, and there are no colours in a file")
	}
}

// reusing is an order of which nothing is validated anew; one validation has lapsed since.
func reusing() order.Status {
	s := sample()
	s.Type, s.Challenge, s.Phone, s.PhoneNumber, s.Blocked = order.Renewal, nil, order.PhoneSteps{}, "", fault.Text{}
	s.Renews = &order.Renewed{CertificateRef: order.CertificateRef{Order: "1234567800", Sequence: 1}, Serial: "5a0b", NotAfter: noon.AddDate(0, 0, 20)}
	reused := func(kind order.EvidenceKind) order.ReusedEvidence {
		return order.ReusedEvidence{EvidenceRef: order.EvidenceRef{Kind: kind, Order: "1234567800", At: noon.AddDate(-1, 0, 0)}, ReusedAt: noon.Add(-time.Hour), Basis: order.ReuseByConfirmation}
	}
	lapsed := reused(order.DomainEvidence)
	lapsed.EndedAt, lapsed.Why = noon, order.EndTooOld
	s.Reuse = &order.ReuseView{AskedAt: noon.Add(-2 * time.Hour), Until: noon.AddDate(0, 0, 3), AnsweredAt: noon.Add(-time.Hour),
		Reused: []order.ReusedEvidence{reused(order.OrganizationEvidence), lapsed}}
	return s
}

func TestStatusPageSaysWhatIsReused(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	for lang, facts := range map[string][]string{
		"en": {"renews:", "1234567800 #1, serial 5a0b", "[x] organisation validation: order 1234567800", "by the representative's answer", "[!] domain validation", "it is too old"},
		"ja": {"更新する証明書", "自分の申請である", "以前の認証の再利用"},
	} {
		page := c.page(reusing(), lang)
		for _, fact := range facts {
			require.Contains(t, page, fact)
		}
	}
	s := reusing()
	s.Renews, s.Reuse.Denied = nil, true
	require.Contains(t, c.page(s, "en"), "nothing: treated as a new application")
	require.Contains(t, c.page(s, "en"), "not theirs: somebody else may have applied in their name")
	s.Reuse.AnsweredAt = time.Time{}
	require.Contains(t, c.page(s, "en"), "none yet, waited for until")
	for _, kind := range []order.ReuseEnd{order.EndTooOld, order.EndInvalidated, order.EndForbidden, order.EndCorrected, order.EndNumber, order.EndRejected, order.EndDistrusted} {
		require.NotEmpty(t, kind.Text().JA, kind)
		require.NotEmpty(t, kind.Text().EN, kind)
	}
}

// A reissue of whatever an organisation has: what is not known yet has no line, and what the review has to do is told by how many fit.
func TestStatusPageOfAReissueByOrganisation(t *testing.T) {
	t.Parallel()
	c, fit := newCounter(t), order.OriginalView{CertificateRef: order.CertificateRef{Order: "1234567800", Sequence: 1}, Serial: "5a0b", Email: "info@example.jp"}
	for n, want := range map[int]string{0: "no certificate fits at present", 1: "one certificate fits: the review confirms it", 2: "several certificates fit: the review chooses one (--original)"} {
		page := c.page(order.Status{
			Number: "1234567890", Type: order.Reissue, State: order.Review, Reissue: &order.ReissueView{Asked: "第三株式会社", Reason: order.KeyLost, Candidates: slices.Repeat([]order.OriginalView{fit}, n)},
			Application: order.Application{Organization: order.Organization{NameJA: "第三株式会社", Name: "Third K.K."}},
		}, "en")
		require.Contains(t, page, want)
		require.Regexp(t, `applicant: +第三株式会社\n`, page)
		for _, none := range []string{"certificate address", "certified as", "telephone as in the form"} {
			require.NotContains(t, page, none)
		}
	}
}

func (c *counter) page(s order.Status, lang string) string {
	var out strings.Builder
	p := newProgram(strings.NewReader(""), &out, &out, func(name string) string { return map[string]string{"LANG": lang}[name] }, c.clock)
	p.statusPage(s)
	return out.String()
}

// Every state, action and party that the system knows has a name in both languages.
func TestNamesAreComplete(t *testing.T) {
	t.Parallel()
	complete := func(name string, text fault.Text) {
		require.NotEmpty(t, text.JA, name)
		require.NotEmpty(t, text.EN, name)
	}
	for _, s := range order.States {
		complete(string(s), stateNames[s])
	}
	for _, name := range order.CommandNames {
		complete(string(name), actionNames[string(name)])
	}
	for _, party := range []order.Party{order.PartyTechnicalContact, order.PartyDomainOwner, order.PartyStaff, order.PartyCA, order.PartyRepresentative} {
		complete(string(party), partyNames[party])
	}
	for _, kind := range []order.LetterKind{order.LetterReceipt, order.LetterReissueReceipt, order.LetterChallenge, order.LetterDomainApproval, order.LetterApprovalsHeld, order.LetterInquiry, order.LetterReminder,
		order.LetterRejected, order.LetterCancelled, order.LetterExpired, order.LetterIssuedCertificate, order.LetterIssuedContact, order.LetterReuse, order.LetterReissueNotice, order.LetterExpiryReminder, order.LetterCorrected} {
		complete(string(kind), letterNames[kind])
	}
	for _, r := range order.ReissueReasons {
		complete(string(r), reissueReasons[r])
	}
	for _, m := range order.DCVMethods {
		complete(string(m), nextSteps[m])
		for _, s := range order.States {
			for _, a := range (order.Progress{State: s, Method: m, OpenInquiry: true, Blocked: true}).Awaited() {
				require.NotEmpty(t, awaitedNames[a.Code], a.Code)
			}
			for _, a := range (order.Progress{State: s, Method: m, MailsHeld: true}).Awaited() {
				require.NotEmpty(t, awaitedNames[a.Code], a.Code)
			}
		}
	}
	for _, source := range []order.PhoneSource{order.SourceGovernment, order.SourceDirectory, order.SourceDatabase, order.SourceAttestation} {
		complete(string(source), sourceNames[source])
	}
}

// What the record writes into a timeline is named, too.
func TestTimelineOfAnIssuedOrderIsNamed(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	s, err := c.Records.Order(t.Context(), c.issued())
	require.NoError(t, err)
	require.NotEmpty(t, s.Timeline)
	for _, e := range s.Timeline {
		require.Contains(t, actionNames, e.Action)
	}
}

func TestStatusReadsTheRecord(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	ch := c.challenged(number)
	require.NoError(t, c.Records.RecordCheck(t.Context(), ch.ID, dcv.Finding{Text: fault.Text{JA: "ありません。", EN: "No record."}}, "system", c.tick(), noon.Add(time.Hour)))
	out := c.ok("status", number)
	for _, says := range []string{"[>] domain ", "technical contact: the DNS record", "token-of-the-challenge", "No record.", "application accepted"} {
		require.Contains(t, out, says)
	}
	require.Equal(t, out, c.ok("status", " "+number[:4]+"-"+number[4:]), "numbers are read as people write them")

	var s order.Status
	require.NoError(t, json.Unmarshal([]byte(c.ok("status", number, "--json")), &s))
	require.Equal(t, order.DomainValidation, s.State)
	r := c.run("", "status", "1000000000")
	require.Equal(t, exitRefused, r.code)
	require.Contains(t, r.err, "order.unknown")
}

func TestStatusOfAnIssuedOrder(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	out := c.ok("status", number)
	require.Contains(t, out, "[x] certificate")
	require.NotContains(t, out, "Awaited")
	require.Contains(t, out, "starter download "+number)
}

// Without a terminal, watching prints each event once and ends with the order.
func TestWatchEndsWithTheOrder(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	done := make(chan ran, 1)
	go func() { done <- c.run("", "status", number, "--watch", "--every", "100ms") }()
	c.ok("phone", "confirm", number)
	require.NoError(t, c.Records.Close(t.Context(), number, order.Cancelled, "applicant", "no longer needed", c.tick(), nil))
	r := <-done
	require.Equal(t, exitDone, r.code, r.err)
	for _, once := range []string{"application accepted", "confirmed by the representative", "order cancelled"} {
		require.Equal(t, 1, strings.Count(r.out, once), "%s\n%s", once, r.out)
	}
	require.Contains(t, r.out, "state: cancelled\n")
	require.NotContains(t, r.out, "\x1b")
}

func TestWatchIsInterrupted(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	require.Equal(t, exitInterrupted, c.start(ctx, "", "status", number, "--watch", "--every", "100ms").code)
	require.Equal(t, exitInput, c.run("", "status", number, "--watch", "--every", "1ms").code)
}

// An order that has ended keeps what it had reached, and has no deadline any more.
func TestEndedOrdersShowHowFarTheyCame(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	s := sample()
	s.State, s.Reached = order.Cancelled, order.OrganizationValidation
	page := c.page(s, "en")
	require.Contains(t, page, "[x] application [x] domain [ ] organisation [ ] issuance [ ] certificate [!] cancelled")
	require.NotContains(t, page, "deadline")
	require.NotContains(t, page, "CAA", "nobody needs to settle that now")

	number := c.accepted()
	require.Contains(t, c.ok("list"), "2027-02-20 21:00 JST")
	require.Contains(t, c.ok("list", "--lang", "ja"), "電話番号確認")
	require.NoError(t, c.Records.Close(t.Context(), number, order.Cancelled, "applicant", "no longer needed", c.tick(), nil))
	require.NotContains(t, c.ok("list"), "2027-02-20")
}

func TestListFiltersAndPages(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var numbers []string
	for range 3 {
		numbers = append(numbers, c.accepted())
	}
	c.challenged(numbers[0])

	var first, second page
	require.NoError(t, json.Unmarshal([]byte(c.ok("list", "--limit", "2", "--json")), &first))
	require.Len(t, first.Orders, 2)
	require.NoError(t, json.Unmarshal([]byte(c.ok("list", "--limit", "2", "--json", "--before", first.Next)), &second))
	require.Len(t, second.Orders, 1)
	require.Empty(t, second.Next)
	require.Equal(t, numbers[0], second.Orders[0].Number, "newest first")

	require.Contains(t, c.run("", "list", "--limit", "2").err, "--before "+first.Next)
	require.Contains(t, c.ok("list", "--state", "domain-validation"), numbers[0])
	require.NotContains(t, c.ok("list", "--state", "domain-validation"), numbers[1])
	require.Equal(t, 3, strings.Count(c.ok("list", "--needs-staff", "--domain", "EXAMPLE.jp."), "phone-number"))
	require.Contains(t, c.run("", "list", "--domain", "example.com").err, "No orders.")
	for _, wrong := range [][]string{{"--state", "lost"}, {"--limit", "0"}, {"--limit", "1001"}, {"--domain", "a b"}} {
		require.Equal(t, exitInput, c.run("", append([]string{"list"}, wrong...)...).code, wrong)
	}
}

func TestUUIDsAreNoCodes(t *testing.T) {
	t.Parallel()
	require.True(t, isUUID(uuid.NewString()))
	for _, code := range []string{"0123456789ABCDEF0123456789ABCDEF", "0123-4567-89AB-CDEF-0123-4567-89AB-CDEF", "{" + uuid.NewString() + "}"} {
		require.False(t, isUUID(code), code)
	}
}
