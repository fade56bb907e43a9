package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"securemailid.example/internal/order"
	"securemailid.example/workflows"
)

// phone sends the three phone steps (G20) as signals by the Temporal CLI, as an operator could, and waits for the certificate.
func (c *carried) phone(ctx context.Context) error {
	for _, s := range [][2]string{
		{string(order.CmdPhoneNumberVerified), `{"actor":"staff/demo","number":"+81312345600","source":"government","reference":"public register"}`},
		{string(order.CmdRepresentativeReached), `{"actor":"staff/demo","how":"transferred"}`},
		{string(order.CmdRepresentativeConfirmed), `{"actor":"staff/demo"}`},
	} {
		if _, err := c.exec(ctx, c.Temporal, "workflow", "signal", "--address", c.Stack.Temporal.HostPort(),
			"--workflow-id", workflows.OrderID(c.number), "--name", s[0], "--input", s[1]); err != nil {
			return err
		}
	}
	st, err := c.await(ctx, func(s order.Status) bool { return s.State == order.Issued })
	if err != nil {
		return err
	}
	c.serial = st.Certificates[0].Serial
	return nil
}

// message is what is signed and encrypted in the check.
const message = "Content-Type: text/plain; charset=utf-8\r\n\r\n証明書の確認です。 / A check of the certificate.\r\n"

// verify lets OpenSSL judge: the chain, the PKCS #7 bundle, and a round trip of signing, verifying, encrypting and decrypting.
func (c *carried) verify(ctx context.Context) error {
	if err := os.WriteFile(c.path("message.txt"), []byte(message), 0o600); err != nil {
		return err
	}
	certs, err := c.chain()
	if err != nil {
		return err
	}
	for i, name := range []string{"certificate.pem", "issuing.pem", "root.pem"} {
		if err := os.WriteFile(c.path(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certs[i].Raw}), 0o600); err != nil {
			return err
		}
	}
	p := c.path
	for _, args := range [][]string{
		{"verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", p("root.pem"), "-untrusted", p("issuing.pem"), p("certificate.pem")},
		{"verify", "-x509_strict", "-purpose", "smimeencrypt", "-CAfile", p("root.pem"), "-untrusted", p("issuing.pem"), p("certificate.pem")},
		{"pkcs7", "-inform", "DER", "-in", p("certificate.p7b"), "-print_certs", "-out", p("bundle.txt")},
		{"cms", "-sign", "-in", p("message.txt"), "-signer", p("certificate.pem"), "-certfile", p("issuing.pem"), "-inkey", p("key.pem"), "-out", p("signed.eml")},
		{"cms", "-verify", "-in", p("signed.eml"), "-CAfile", p("root.pem"), "-out", p("verified.txt")},
		{"cms", "-encrypt", "-aes256", "-in", p("message.txt"), "-out", p("encrypted.eml"), p("certificate.pem")},
		{"cms", "-decrypt", "-in", p("encrypted.eml"), "-recip", p("certificate.pem"), "-inkey", p("key.pem"), "-out", p("decrypted.txt")},
	} {
		if _, err := c.exec(ctx, "openssl", args...); err != nil {
			return err
		}
	}
	if err := c.sameInAllForms(certs); err != nil {
		return err
	}
	for _, name := range []string{"verified.txt", "decrypted.txt"} {
		got, err := os.ReadFile(p(name))
		if err != nil {
			return err
		}
		if !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace([]byte(message))) {
			return fmt.Errorf("%s is not the message that was sent", name)
		}
	}
	return nil
}

// archive keeps the workflow's history and every mail about the order.
func (c *carried) archive(ctx context.Context) error {
	address := c.Stack.Temporal.HostPort()
	// The workflow ends after its mail has gone out; the history is then complete.
	if _, err := c.exec(ctx, c.Temporal, "workflow", "result", "--address", address, "--workflow-id", workflows.OrderID(c.number)); err != nil {
		return err
	}
	history, err := c.exec(ctx, c.Temporal, "workflow", "show", "--address", address, "--workflow-id", workflows.OrderID(c.number), "--output", "json")
	if err != nil {
		return err
	}
	var events struct {
		Events []json.RawMessage `json:"events"`
	}
	if err := json.Unmarshal(history, &events); err != nil {
		return err
	}
	c.events = len(events.Events)
	err = os.WriteFile(c.path("history.json"), history, 0o600)
	return errors.Join(err, c.keepMails())
}

func (c *carried) keepMails() error {
	dir := c.path("mails")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, m := range c.Stack.Mailbox.Mails() {
		if !strings.Contains(m.Text, c.number) {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, m.ID+".eml"), m.Raw, 0o600); err != nil {
			return err
		}
	}
	return nil
}
