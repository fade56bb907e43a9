package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"securemailid.example/internal/devstack/mailbox"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/order"
)

// starter runs a command of the starter, as a person does in a terminal, and returns what it printed.
func (c *carried) starter(ctx context.Context, args ...string) ([]byte, error) {
	return c.exec(ctx, c.Starter, args...)
}

func (c *carried) exec(ctx context.Context, path string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // the starter, the Temporal CLI or openssl, by names of our own
	cmd.Env = append(os.Environ(), c.Stack.Environ()...)
	cmd.Env = append(cmd.Env, "SMID_ACTOR=staff/demo")
	var out, problem bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problem
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, problem.String())
	}
	return out.Bytes(), nil
}

// writeOrder buys a voucher from the reseller and fills in the order file.
func (c *carried) writeOrder(ctx context.Context) error {
	out, err := c.starter(ctx, "voucher", "issue", "--kind", "voucher", "--years", "1", "--count", "1",
		"--reseller", "Sample Sales K.K.", "--expires", time.Now().AddDate(1, 0, 0).Format(time.DateOnly))
	if err != nil {
		return err
	}
	code, err := firstCode(out)
	if err != nil {
		return err
	}
	template, err := c.starter(ctx, "template")
	if err != nil {
		return err
	}
	text := string(template)
	for _, set := range [][2]string{
		{`voucher: ""`, "voucher: " + code},
		{"info@example.jp", c.email()},
		{"tech@example.jp", c.contact()},
		{"representative@example.jp", "representative@" + c.domain},
		{"dcv_method: dns-txt", "dcv_method: " + string(c.method)},
		{"terms_accepted: false", "terms_accepted: true"},
	} {
		if !strings.Contains(text, set[0]) {
			return fmt.Errorf("the template holds no %q", set[0])
		}
		text = strings.ReplaceAll(text, set[0], set[1])
	}
	return os.WriteFile(c.path("order.yaml"), []byte(text), 0o600)
}

// firstCode reads the code of the first voucher in the CSV.
func firstCode(text []byte) (string, error) {
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 2 {
		return "", fmt.Errorf("the voucher CSV cannot be read: %w", errors.Join(err, errors.New("no row")))
	}
	for i, name := range rows[0] {
		if name == "code" {
			return rows[1][i], nil
		}
	}
	return "", errors.New("the voucher CSV has no column code")
}

func (c *carried) makeKey(ctx context.Context) error {
	_, err := c.starter(ctx, "csr", "--email", c.email(), "--out-key", c.path("key.pem"), "--out-csr", c.path("request.csr"))
	return err
}

func (c *carried) submit(ctx context.Context) error {
	out, err := c.starter(ctx, "submit", "-f", c.path("order.yaml"), "--csr", c.path("request.csr"), "--json")
	if err != nil {
		return err
	}
	var receipt order.Receipt
	if err := json.Unmarshal(out, &receipt); err != nil || receipt.Number == "" {
		return fmt.Errorf("the receipt cannot be read: %w: %s", err, out)
	}
	c.number = receipt.Number
	return nil
}

// mail waits for a mail about this order.
func (c *carried) mail(ctx context.Context, to string, about func(mailbox.Mail) bool) (mailbox.Mail, error) {
	return c.Stack.Mailbox.Wait(ctx, func(m mailbox.Mail) bool {
		return m.SentTo(to) && strings.Contains(m.Text, c.number) && about(m)
	})
}

func (c *carried) receipt(ctx context.Context) error {
	_, err := c.mail(ctx, c.contact(), func(m mailbox.Mail) bool { return strings.Contains(m.Subject, "申請完了") })
	return err
}

// proveDomain does what the mail says: the record or file goes where the mail names it, the link in the mail is opened and approved.
func (c *carried) proveDomain(ctx context.Context) error {
	var err error
	if c.method == order.DCVEmail {
		err = c.approve(ctx)
	} else {
		err = c.publish(ctx)
	}
	if err != nil {
		return err
	}
	_, err = c.await(ctx, func(s order.Status) bool { return s.State != order.Accepted && s.State != order.DomainValidation })
	return err
}

var (
	record  = regexp.MustCompile(`(\S+)\. IN (TXT|CNAME) "?([^"\s]+?)\.?"?\s`)
	fileURL = regexp.MustCompile(`http://\S+/fileauth\.txt`)
	token   = regexp.MustCompile(`(?m)^\s*([a-z0-9]{20,})\s*$`)
)

func (c *carried) publish(ctx context.Context) error {
	m, err := c.mail(ctx, c.contact(), func(m mailbox.Mail) bool { return record.MatchString(m.Text) || fileURL.MatchString(m.Text) })
	if err != nil {
		return err
	}
	if r := record.FindStringSubmatch(m.Text); r != nil {
		return c.Stack.Lab.Set(r[1], r[2], r[3])
	}
	content := token.FindStringSubmatch(m.Text)
	if content == nil {
		return errors.New("the mail names no content for the file")
	}
	u, err := url.Parse(fileURL.FindString(m.Text))
	if err != nil {
		return err
	}
	return c.Stack.Lab.SetFile(u.Hostname(), u.Path, content[1]+"\n")
}

// await waits until the record says so.
func (c *carried) await(ctx context.Context, done func(order.Status) bool) (order.Status, error) {
	var st order.Status
	err := proc.Await(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		var err error
		if st, err = c.Desk.Records.Order(ctx, c.number); err != nil {
			return err
		}
		if !done(st) {
			return fmt.Errorf("the order is in state %s and waits for %v", st.State, st.Awaited)
		}
		return nil
	})
	return st, err
}
