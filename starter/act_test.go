package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// Every command line becomes exactly this command, with the actor of SMID_ACTOR.
func TestCommandLinesBecomeCommands(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number, other := c.accepted(), c.accepted()
	ops := order.Actor{Actor: "staff/ops"}
	for _, row := range []struct {
		args []string
		want order.Command
	}{
		{[]string{"phone", "number", number, "０３−１２３４−５６７８", "--source", "government", "--reference", "register, 2026-11-22"},
			order.PhoneNumberVerified{Actor: ops, Number: "+81312345678", Source: order.SourceGovernment, Reference: "register, 2026-11-22"}},
		{[]string{"phone", "reached", other}, order.RepresentativeReached{Actor: ops, How: order.ReachedByTransfer}},
		{[]string{"phone", "reached", number, "--contact-number", "090-1234-5678", "--note", "mobile"},
			order.RepresentativeReached{Actor: ops, How: order.ReachedByNumber, ContactNumber: "+819012345678", Note: "mobile"}},
		{[]string{"phone", "confirm", number}, order.RepresentativeConfirmed{Actor: ops}},
		{[]string{"correct", number, "--organization", " Sample  Trading Co. ", "--remove-unit", "--reason", "register"},
			order.SubjectCorrected{Actor: ops, Organization: "Sample Trading Co.", RemoveUnit: true, Reason: "register"}},
		{[]string{"inquire", number, "Which name?"}, order.InquiryOpened{Actor: ops, Question: "Which name?"}},
		{[]string{"answer", number, "This one."}, order.InquiryAnswered{Actor: ops, Answer: "This one."}},
		{[]string{"check", number}, order.DomainCheckNow{Actor: ops}},
		{[]string{"resend", number}, order.ChallengeResent{Actor: ops}},
		{[]string{"method", number, "file"}, order.DomainMethodChanged{Actor: ops, Method: order.DCVFile}},
		{[]string{"reject", number, "--reason", "not found"}, order.OrderRejected{Actor: ops, Reason: "not found"}},
		{[]string{"reject", number, "--distrust", "--reason", "forged"}, order.OrderRejected{Actor: ops, Reason: "forged", Distrust: true}},
		{[]string{"cancel", number, "--reason", "asked for", "--actor", "applicant"}, order.OrderCancelled{Actor: order.Actor{Actor: "applicant"}, Reason: "asked for"}},
	} {
		c.sent = nil
		c.ok(append(row.args, "--signal")...)
		require.Equal(t, []order.Command{row.want}, c.sent, "%v by signal", row.args)
		c.sent = nil
		require.Regexp(t, "^order ("+number+"|"+other+"): ", c.ok(row.args...), "%v", row.args)
		if len(c.sent) > 0 { // a repeated step is answered without being recorded again
			require.Equal(t, row.want, c.sent[0])
		}
	}
}

func TestCommandSaysWhetherItChangedAnything(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	require.Contains(t, c.ok("phone", "confirm", number), "done")
	require.Contains(t, c.ok("phone", "confirm", number), "nothing changed")
	var out order.Outcome
	require.NoError(t, json.Unmarshal([]byte(c.ok("phone", "confirm", number, "--json")), &out))
	require.False(t, out.Applied)
	require.Equal(t, number, out.Order)
}

// The answer to what ends an order names the state that is on its way.
func TestEndingCommandsNameTheStateToCome(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	require.Contains(t, c.ok("cancel", c.accepted(), "--reason", "asked for"), "state: accepted -> cancelled\n")
	require.Contains(t, c.ok("reject", c.accepted(), "--reason", "not found"), "state: accepted -> rejected\n")
	require.NotContains(t, c.ok("phone", "confirm", c.accepted()), "->")
	require.NotContains(t, c.ok("reject", "--help"), "applicant (")
}

func TestCommandRefusals(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.accepted()
	for _, row := range []struct {
		why  string
		args []string
		lost error
		code int
		says string
	}{
		{"an order number that is none", []string{"check", "12345"}, nil, exitInput, "10 digits"},
		{"a number of the emergency services", []string{"phone", "number", number, "110", "--source", "government", "--reference", "x"}, nil, exitInput, "03-1234-5678"},
		{"no source", []string{"phone", "number", number, "03-1234-5678", "--reference", "x"}, nil, exitInput, "telephone-directory"},
		{"no reason", []string{"reject", number}, nil, exitInput, "reason"},
		{"nothing to correct", []string{"correct", number, "--reason", "x"}, nil, exitInput, "at least one"},
		{"a method that does not exist", []string{"method", number, "fax"}, nil, exitInput, "dns-txt"},
		{"somebody else's role", []string{"check", number, "--actor", "domain-owner"}, nil, exitInput, "staff/LOGIN"},
		{"the applicant where only staff decide", []string{"phone", "confirm", number, "--actor", "applicant"}, nil, exitInput, "Only staff"},
		{"an actor that cannot be recorded", []string{"check", number, "--actor", "staff/a b"}, nil, exitInput, "staff/ops"},
		{"an order that does not exist", []string{"check", "1000000000"}, nil, exitRefused, "starter list"},
		{"an order that has ended", []string{"check", number}, fault.New(fault.NotFound, "order.not-running", "ありません。", "None."), exitRefused, "starter status"},
		{"an engine that is down", []string{"check", number, "--signal"}, fault.New(fault.Unavailable, "engine.unavailable", "停止中。", "Down."), exitUnavailable, "worker"},
	} {
		c.lost = row.lost
		r := c.run("", row.args...)
		require.Equal(t, row.code, r.code, "%s: %s", row.why, r.err)
		require.Contains(t, r.err, row.says, row.why)
		require.Empty(t, r.out, row.why)
	}
}

// The cause of a failure is for whoever asks for it.
func TestVerboseShowsTheCause(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	c.lost = fault.New(fault.Unavailable, "engine.unavailable", "停止中。", "Down.").Because(os.ErrDeadlineExceeded)
	require.NotContains(t, c.run("", "check", "1000000000").err, "i/o timeout")
	require.Contains(t, c.run("", "check", "1000000000", "--verbose").err, "i/o timeout")
}

// Whatever a machine calls its users, the actor is one that can be recorded.
func TestLoginNamesBecomeActors(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ops", plainLogin(`CORP\ops`))
	require.Equal(t, "ops@example.jp", plainLogin("ops@example.jp"))
	require.Equal(t, "unknown", plainLogin("@@"))
	rapid.Check(t, func(t *rapid.T) {
		actor := order.Actor{Actor: "staff/" + plainLogin(rapid.String().Draw(t, "user"))}
		if fields := (order.DomainCheckNow{Actor: actor}).Check(); len(fields) > 0 {
			t.Fatalf("%q: %+v", actor.Actor, fields)
		}
	})
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	var visit func(path []string)
	visit = func(path []string) {
		help := c.ok(append(slices.Clone(path), "--help", "--lang", "both")...)
		require.Contains(t, help, "使い方 / Usage:", path)
		for _, line := range strings.Split(help, "\n") {
			name, _, found := strings.Cut(strings.TrimSpace(line), " ")
			isCommand := found && strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") && strings.Contains(line, " / ") && !strings.HasPrefix(name, "-")
			if isCommand && name != "starter" && len(path) < 2 && c.run("", append(append([]string{}, path...), name, "--help")...).code == exitDone {
				visit(append(append([]string{}, path...), name))
			}
		}
	}
	visit(nil)
}
