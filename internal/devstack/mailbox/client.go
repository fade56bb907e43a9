package mailbox

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxAnswer limits what a Client reads of one answer.
const maxAnswer = 256 << 20

// Client reads the mailbox of another process.
type Client struct {
	URL  string       // Box.WebURL
	HTTP *http.Client // nil: http.DefaultClient
}

// Mails returns the mails to an address, oldest first; to the empty address, all.
func (c Client) Mails(ctx context.Context, to string) ([]Mail, error) {
	return c.ask(ctx, url.Values{"to": {to}})
}

// Wait does what Box.Wait does, by long polls: it returns the first mail to the address (any, if empty) for which want holds.
// The mail comes with its Raw.
func (c Client) Wait(ctx context.Context, to string, want func(Mail) bool) (Mail, error) {
	q := url.Values{"to": {to}, "wait": {maxWait.String()}}
	for {
		mails, err := c.ask(ctx, q)
		if err != nil {
			return Mail{}, err
		}
		for _, m := range mails {
			if want(m) {
				m.Raw, err = c.Raw(ctx, m.ID)
				return m, err
			}
			q.Set("after", m.ID)
		}
	}
}

// Raw returns a mail as it was received, what an .eml file holds.
func (c Client) Raw(ctx context.Context, id string) ([]byte, error) {
	return c.get(ctx, "/mails/"+url.PathEscape(id)+"/raw")
}

// ask asks the API for mails.
func (c Client) ask(ctx context.Context, q url.Values) ([]Mail, error) {
	body, err := c.get(ctx, "/api/mails?"+q.Encode())
	if err != nil {
		return nil, err
	}
	var mails []Mail
	if err := json.Unmarshal(body, &mails); err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	return mails, nil
}

// get fetches one address of the mailbox.
func (c Client) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+path, nil)
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("mailbox: %s", res.Status)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("mailbox: %w", err)
	}
	return body, nil
}
