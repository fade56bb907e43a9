package main

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/order"
)

// standing is the certificate of the order as the record has it.
func (c *counter) standing(number string) order.Certificate {
	c.t.Helper()
	all, err := c.Records.Certificates(c.t.Context(), number)
	require.NoError(c.t, err)
	require.Len(c.t, all, 1)
	return all[0]
}

func TestStaffRevokeByOrderOrSerial(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	serial := c.standing(number).Serial
	shown := strings.ToUpper(serial[:2] + ":" + serial[2:])
	require.Equal(t, exitInput, c.run("", "revoke", shown, "--reason", "certificateHold").code)
	require.Equal(t, exitInput, c.run("", "revoke", shown, "--reason", "superseded", "--actor", "applicant").code, "only staff say so without a proof")
	require.Equal(t, exitRefused, c.run("", "revoke", "abcdef", "--reason", "superseded").code)
	require.Equal(t, exitInput, c.run("", "revoke", "--reason", "superseded").code)
	require.Zero(t, c.standing(number).RevokedAt)

	out := c.ok("revoke", shown, "--reason", "superseded", "--wait", "0")
	require.Contains(t, out, "revoked: "+serial)
	require.Contains(t, out, "The CRL will follow.")
	got := c.standing(number)
	require.Equal(t, order.ReasonSuperseded, got.Reason)
	require.Len(t, c.post, 1, "its workflow is started")
	require.Contains(t, c.ok("revoke", number, "--reason", "superseded", "--wait", "0"), c.post[0], "the request that did it")
	require.Contains(t, c.ok("revoke", "list"), c.post[0])
	page := c.ok("status", number)
	require.Contains(t, page, "superseded")
	require.Contains(t, page, "revocation under way")
}

func TestARevocationDoesNotNeedTemporal(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	c.lost = os.ErrDeadlineExceeded
	c.ok("revoke", number, "--reason", "cessationOfOperation", "--wait", "0")
	require.NotZero(t, c.standing(number).RevokedAt)
	again := c.run("", "revoke", number, "--reason", "superseded", "--wait", "0")
	require.Equal(t, exitDone, again.code)
	require.Contains(t, again.err, "revoked already for another reason, which stays: cessationOfOperation", "a hurried operator does not take it for the new one")
	worse := c.run("", "revoke", number, "--reason", "keyCompromise", "--wait", "0")
	require.NotContains(t, worse.err, "which stays", "a compromised key is worse")
	require.Equal(t, order.ReasonKeyCompromise, c.standing(number).Reason)
}

func TestAReportWaitsForADecision(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	report := func(args ...string) order.Revocation {
		t.Helper()
		var r order.Revocation
		all := append([]string{"revoke", number, "--report", "--json", "--reason", "privilegeWithdrawn"}, args...)
		require.NoError(t, json.Unmarshal([]byte(c.ok(all...)), &r))
		return r
	}
	slow, urgent := report(), report("--urgent", "--note", "the domain is contested")
	require.Equal(t, 5*24*time.Hour, slow.DueAt.Sub(slow.RequestedAt))
	require.Equal(t, 24*time.Hour, urgent.DueAt.Sub(urgent.RequestedAt))
	require.Zero(t, c.standing(number).RevokedAt)
	list := c.ok("revoke", "list")
	require.Less(t, strings.Index(list, urgent.ID), strings.Index(list, slow.ID), "the most pressing first")
	require.Contains(t, list, "a decision")

	require.Equal(t, exitInput, c.run("", "revoke", "decide", slow.ID).code)
	require.Equal(t, 2, strings.Count(c.ok("revoke", "decide", "--help"), "word for word"), "text and flag say who reads what staff write")
	require.Contains(t, c.ok("revoke", "decide", slow.ID, "--decline", "nothing was misused"), "declined")
	require.Equal(t, exitRefused, c.run("", "revoke", "decide", slow.ID, "--revoke", "--reason", "superseded").code)
	require.Contains(t, c.ok("revoke", "decide", urgent.ID, "--revoke", "--reason", "superseded"), "revoked")
	list = c.ok("revoke", "list")
	require.Contains(t, list, "decided", "a decision is an answer")
	require.Equal(t, 1, strings.Count(list, urgent.DueAt.In(time.FixedZone("JST", 9*60*60)).Format("2006-01-02 15:04")), "only the list is due")
	require.NotZero(t, c.standing(number).RevokedAt)
}

func TestAReportIsAnsweredWithinADay(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	require.Equal(t, exitInput, c.run("", "revoke", number, "--reason", "superseded", "--reporter", "a@example.com").code, "only a report has a reporter")
	require.Equal(t, exitInput, c.run("", "revoke", number, "--reason", "superseded", "--report", "--reporter", "nobody").code)
	var report order.Revocation
	require.NoError(t, json.Unmarshal([]byte(c.ok("revoke", number, "--report", "--reason", "privilegeWithdrawn", "--reporter", "a@example.com", "--json")), &report))
	require.Equal(t, 24*time.Hour, report.AnswerDueAt.Sub(report.RequestedAt))
	require.Contains(t, c.ok("revoke", "list"), "answer due")
	require.Equal(t, exitInput, c.run("", "revoke", "answer", report.ID).code, "an answer says something")
	for range 2 {
		c.ok("revoke", "answer", report.ID, "--findings", "We are asking the organisation.")
	}
	require.Contains(t, c.ok("revoke", "list"), "answered")
	require.Equal(t, exitRefused, c.run("", "revoke", "answer", report.ID, "--findings", "Something else.").code)
	c.ok("revoke", "decide", report.ID, "--decline", "All is well.")
	st, err := c.Records.Order(t.Context(), number)
	require.NoError(t, err)
	answers := 0
	for _, l := range st.Letters {
		if l.Kind == order.LetterReportAnswer {
			answers++
		}
	}
	require.Equal(t, 4, answers, "what was found, then what was decided, to both")
	require.Zero(t, c.standing(number).RevokedAt)
}

func TestAReportOfWhatIsRevokedAlreadyKeepsItsReporter(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	number := c.issued()
	c.ok("revoke", number, "--reason", "cessationOfOperation", "--wait", "0")
	r := c.run("", "revoke", number, "--report", "--reason", "superseded", "--reporter", "a@example.com", "--wait", "0", "--json")
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.err, "revoked already for another reason")
	var report order.Revocation
	require.NoError(t, json.Unmarshal([]byte(r.out), &report))
	require.Equal(t, "a@example.com", report.Reporter)
	require.Contains(t, c.post, report.ID, "its workflow tells them")
}

func TestTheContactsOfEveryOrderConcernedAreAnswered(t *testing.T) {
	t.Parallel()
	c := newCounter(t)
	named, other := c.issued(), c.issued() // under one key
	if named < other {
		named, other = other, named
	}
	serial := c.standing(named).Serial
	var report order.Revocation
	require.NoError(t, json.Unmarshal([]byte(c.ok("revoke", named, "--report", "--reason", "keyCompromise", "--reporter", "a@example.com", "--json")), &report))
	require.Contains(t, c.ok("revoke", "list"), named+" +1")
	c.ok("revoke", "answer", report.ID, "--findings", "We are asking the organisation.")
	c.ok("revoke", "decide", report.ID, "--decline", "The key is safe.")
	for number, want := range map[string]int{named: 4, other: 2} {
		letters, err := c.Records.PendingLetters(t.Context(), number)
		require.NoError(t, err)
		got := 0
		for _, l := range letters {
			if l.Kind != order.LetterReportAnswer {
				continue
			}
			got++
			require.Contains(t, c.post, l.ID, "on its way at once")
			if number == named {
				require.Equal(t, serial, l.Facts.Serial)
			}
		}
		require.Equal(t, want, got)
	}
}

func TestACompromisedKeyIsRevokedWhateverItComesIn(t *testing.T) {
	t.Parallel()
	key, spki := catest.Key(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	request, err := x509.CreateCertificateRequest(nil, &x509.CertificateRequest{}, key)
	require.NoError(t, err)
	for name, block := range map[string]*pem.Block{
		"private key": {Type: "PRIVATE KEY", Bytes: pkcs8},
		"older form":  {Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)},
		"public key":  {Type: "PUBLIC KEY", Bytes: spki},
		"request":     {Type: "CERTIFICATE REQUEST", Bytes: request},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCounter(t)
			number := c.issued()
			r := c.run(string(pem.EncodeToMemory(block)), "revoke", "--key-compromise", "-", "--wait", "0")
			require.Equal(t, exitDone, r.code, r.err)
			require.Equal(t, order.ReasonKeyCompromise, c.standing(number).Reason)
		})
	}
	c := newCounter(t)
	c.issued()
	require.Equal(t, exitInput, c.run("not a key", "revoke", "--key-compromise", "-").code)
	other := newCounter(t)
	r := other.run(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})), "revoke", "--key-compromise", "-")
	require.Equal(t, exitDone, r.code, r.err)
	require.Contains(t, r.out, "refused from now on")
}

func TestASubscriberRevokesByASignature(t *testing.T) {
	t.Parallel()
	path, dir := need.Program(t, "openssl", "openssl"), t.TempDir()
	c := newCounter(t)
	number := c.issued()
	key, _ := catest.Key(t)
	write := func(name string, block *pem.Block) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
	write("cert.pem", &pem.Block{Type: "CERTIFICATE", Bytes: c.standing(number).DER})
	write("key.pem", &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	text := c.ok("revoke", "text", number, "--reason", "keyCompromise")
	sign := func(text string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append([]string{"cms", "-sign", "-signer", "cert.pem", "-inkey", "key.pem", "-binary", "-nodetach", "-outform", "PEM"}, args...)...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(text)
		out, err := cmd.Output()
		require.NoError(t, err)
		return string(out)
	}
	for why, proof := range map[string]string{
		"another text":     sign("please\n"),
		"more text":        sign(text + "and more\n"),
		"SHA-1":            sign(text, "-md", "sha1"),
		"no signature":     text,
		"a reason of ours": sign(strings.Replace(text, "keyCompromise", "privilegeWithdrawn", 1)),
	} {
		r := c.run(proof, "revoke", "--proof", "-", "--wait", "0")
		require.NotEqual(t, exitDone, r.code, why)
		require.Zero(t, c.standing(number).RevokedAt, why)
	}
	r := c.run(sign(text), "revoke", "--proof", "-", "--wait", "0", "--actor", "applicant")
	require.Equal(t, exitDone, r.code, r.err)
	require.Equal(t, order.ReasonKeyCompromise, c.standing(number).Reason)
	st, err := c.Records.Order(t.Context(), number)
	require.NoError(t, err)
	require.Equal(t, order.RevocationByProof, st.Revocations[0].Origin)
}
