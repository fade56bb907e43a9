package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"securemailid.example/activities"
	"securemailid.example/internal/app"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store/storetest"
	"securemailid.example/internal/voucher"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// counter is a desk on a real record of its own. Its engine does what the workflow would do to the record, at once.
type counter struct {
	*app.Desk
	t   testing.TB
	env map[string]string

	mu   sync.Mutex
	now  time.Time
	sent []order.Command // what went to the engine
	post []string        // letters whose delivery was started
	lost error           // the engine answers so, if set
	said bytes.Buffer    // standard error of programs made by settings
}

func newCounter(t testing.TB) *counter {
	t.Helper()
	c := &counter{t: t, now: noon, env: map[string]string{"SMID_ACTOR": "staff/ops", "LANG": "en_US.UTF-8"}}
	hasher, err := voucher.NewHasher(make([]byte, voucher.MinKey))
	require.NoError(t, err)
	rules, _ := policy.Open(policy.Guide)
	c.Desk = &app.Desk{Records: storetest.OpenAt(t, c.clock), Orders: c, Vouchers: hasher, Rules: rules, Clock: c.clock, Logger: slog.New(slog.DiscardHandler),
		Letters: activities.Writer{Addresses: activities.Addresses{PublicURL: "https://id.example.jp"}, Policy: rules, Clock: c.clock}}
	return c
}

func (c *counter) clock() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// tick moves the clock on: no two events happen at one instant.
func (c *counter) tick() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Second)
	return c.now
}

// later moves the clock on.
func (c *counter) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// ran is what a command line did.
type ran struct {
	code     int
	out, err string
}

// run carries out a command line with the standard input.
func (c *counter) run(stdin string, args ...string) ran {
	return c.start(c.t.Context(), stdin, args...)
}

func (c *counter) start(ctx context.Context, stdin string, args ...string) ran {
	var out, errs bytes.Buffer
	p := newProgram(strings.NewReader(stdin), &out, &errs, func(name string) string { return c.env[name] }, c.clock)
	p.setenv = func(name, value string) error { c.env[name] = value; return nil }
	p.open = func(context.Context) (opened, error) { return opened{Desk: c.Desk, leave: func() {}}, nil }
	code := p.run(ctx, args)
	return ran{code, out.String(), errs.String()}
}

// ok runs a command that must succeed and returns its output.
func (c *counter) ok(args ...string) string {
	c.t.Helper()
	r := c.run("", args...)
	require.Equal(c.t, exitDone, r.code, "%v: %s", args, r.err)
	return r.out
}

// Submit is the engine's: it accepts the order as the workflow's first activity does.
func (c *counter) Submit(ctx context.Context, s order.Submission) (order.Receipt, error) {
	if c.lost != nil {
		return order.Receipt{}, c.lost
	}
	number, accepted, err := c.Records.ReserveNumber(ctx, s)
	if err != nil || accepted {
		return order.Receipt{Number: number, Repeated: accepted}, err
	}
	if s, err = c.Records.Submission(ctx, number); err != nil {
		return order.Receipt{}, err
	}
	return order.Receipt{Number: number}, c.Records.Accept(ctx, order.Acceptance{
		Submission: s, Domain: "example.jp", At: c.tick(), DeadlineAt: noon.AddDate(0, 0, 90), Policy: "guide/test", AfterCompromise: true, EndedOfContact: 1000,
	})
}

// Revoke is the engine's: it publishes and notifies nothing, which the record shows.
func (c *counter) Revoke(_ context.Context, request string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.post = append(c.post, request)
	return c.lost
}

// CertifyResponder is the engine's: no command asks for it.
func (c *counter) CertifyResponder(context.Context, string, []byte) error { return c.lost }

// Command is the engine's: it records the command.
func (c *counter) Command(ctx context.Context, number string, cmd order.Command) (order.Outcome, error) {
	if c.lost != nil {
		return order.Outcome{}, c.lost
	}
	rec, err := c.Records.RecordCommand(ctx, number, cmd, c.tick(), nil)
	if err != nil {
		return order.Outcome{}, err
	}
	c.sent = append(c.sent, cmd)
	s, err := c.Records.Order(ctx, number)
	return order.Outcome{Order: number, State: s.State, Applied: rec.Applied, Text: fault.Text{JA: "記録しました。", EN: "Recorded."}}, err
}

// Signal is the engine's.
func (c *counter) Signal(_ context.Context, _ string, cmd order.Command) error {
	c.sent = append(c.sent, cmd)
	return c.lost
}

// Post is the engine's.
func (c *counter) Post(_ context.Context, _, letter string) error {
	if c.lost == nil {
		c.post = append(c.post, letter)
	}
	return c.lost
}

// Ping is the engine's.
func (c *counter) Ping(context.Context) error { return c.lost }

// voucher issues one voucher of one year and returns its code.
func (c *counter) voucher() voucher.Code {
	c.t.Helper()
	b := voucher.Batch{ID: uuid.NewString(), Reseller: "Sample Sales K.K.", Kind: voucher.VoucherCode, ValidityYears: 1, Count: 1,
		ExpiresAt: noon.AddDate(1, 0, 0), CreatedAt: noon, CreatedBy: "staff/ops"}
	codes, vouchers, err := draw(b, c.Vouchers)
	require.NoError(c.t, err)
	require.NoError(c.t, c.Records.CreateBatch(c.t.Context(), b, vouchers, b.CreatedBy))
	return codes[0]
}

// orderText is the template, filled in.
func (c *counter) orderText(code voucher.Code) string {
	c.t.Helper()
	text := strings.Replace(exampleOrder, `voucher: ""`, `voucher: `+code.Grouped(), 1)
	text = strings.Replace(text, "terms_accepted: false", "terms_accepted: true", 1)
	request, err := testRequest()
	require.NoError(c.t, err)
	return strings.Replace(text, "\ncsr: \"\"\n", "\ncsr: |\n  "+strings.ReplaceAll(strings.TrimSpace(request), "\n", "\n  ")+"\n", 1)
}

// testRequest is a CSR, one for all tests.
var testRequest = sync.OnceValues(func() (string, error) {
	key, err := newKey()
	if err != nil {
		return "", err
	}
	request, err := signRequest(key, "info@example.jp", csrOptions{})
	return string(request), err
})

// accepted hands in an order and returns its number.
func (c *counter) accepted() string {
	c.t.Helper()
	r := c.run(c.orderText(c.voucher()), "submit", "-f", "-", "--json")
	require.Equal(c.t, exitDone, r.code, r.err)
	var receipt order.Receipt
	require.NoError(c.t, json.Unmarshal([]byte(r.out), &receipt))
	return receipt.Number
}

// challenged opens the order's domain challenge.
func (c *counter) challenged(number string) dcv.Challenge {
	c.t.Helper()
	ch, err := c.Records.OpenChallenge(c.t.Context(), dcv.Challenge{
		ID: uuid.NewString(), Order: number, Sequence: 1, Method: order.DCVTXT, Domain: "example.jp", Token: "token-of-the-challenge",
		OpenedAt: c.tick(), ExpiresAt: noon.AddDate(0, 0, 30),
	}, nil, "system")
	require.NoError(c.t, err)
	return ch
}

// issued carries an order to its certificate, signed by a real CA.
func (c *counter) issued() string {
	c.t.Helper()
	ctx, number := c.t.Context(), c.accepted()
	ch := c.challenged(number)
	require.NoError(c.t, c.Records.RecordDomainEvidence(ctx, dcv.Evidence{ID: uuid.NewString(), Order: number, Challenge: ch.ID,
		Domain: "example.jp", Method: order.DCVTXT, PolicyVersion: "guide/test", Finding: dcv.Finding{Found: true}, Actor: "system", At: c.tick()}))
	c.ok("phone", "number", number, "03-1234-5678", "--source", "government", "--reference", "register")
	c.ok("phone", "reached", number)
	c.ok("phone", "confirm", number)
	authority := catest.New(c.t, catest.At(c.clock()))
	require.NoError(c.t, c.Records.SaveIssuingCA(ctx, authority.Describe()))
	c.sign(authority, number)
	return number
}

func (c *counter) sign(authority *ca.CA, number string) {
	c.t.Helper()
	ctx := c.t.Context()
	request := catest.Request(c.t)
	request.Order = number
	tbs, err := authority.Prepare(ctx, request)
	require.NoError(c.t, err)
	_, err = c.Records.Reserve(ctx, tbs, dcv.CAADecision{Permitted: true}, c.tick())
	require.NoError(c.t, err)
	_, err = c.Records.Issue(ctx, number, 1, c.tick(), func(t order.ToBeSigned) ([]byte, error) { return authority.Sign(ctx, t) },
		func(order.Certificate) []order.Letter { return nil })
	require.NoError(c.t, err)
}
