package netlab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Client changes a running lab through its HTTP interface. Its methods do what those of World do.
type Client struct {
	AdminURL string // Lab.AdminURL
}

// Set replaces the records of one type at a name.
func (c Client) Set(ctx context.Context, name, rrtype string, values ...string) error {
	return c.send(ctx, http.MethodPut, "/records", recordBody{Name: name, Type: rrtype, Values: values})
}

// SetTXT publishes TXT records, one for each value.
func (c Client) SetTXT(ctx context.Context, name string, values ...string) error {
	return c.Set(ctx, name, "TXT", values...)
}

// SetCNAME publishes an alias.
func (c Client) SetCNAME(ctx context.Context, name, target string) error {
	return c.Set(ctx, name, "CNAME", target)
}

// SetCAA publishes CAA records, each as in a zone file.
func (c Client) SetCAA(ctx context.Context, name string, values ...string) error {
	return c.Set(ctx, name, "CAA", values...)
}

// Remove withdraws the records of one type at a name, or all of the name for an empty type.
func (c Client) Remove(ctx context.Context, name, rrtype string) error {
	return c.send(ctx, http.MethodDelete, "/records", recordBody{Name: name, Type: rrtype})
}

// SetFile puts a file on the web host of a name.
func (c Client) SetFile(ctx context.Context, host, path, content string) error {
	return c.send(ctx, http.MethodPut, "/files", fileBody{Host: host, Path: path, Content: content})
}

// RemoveFile takes a file away.
func (c Client) RemoveFile(ctx context.Context, host, path string) error {
	return c.send(ctx, http.MethodDelete, "/files", fileBody{Host: host, Path: path})
}

// SetContacts says which addresses WHOIS publishes for a domain.
func (c Client) SetContacts(ctx context.Context, domain string, addresses ...string) error {
	return c.send(ctx, http.MethodPut, "/contacts", contactsBody{Domain: domain, Addresses: append([]string{}, addresses...)})
}

// Content lists everything that was published.
func (c Client) Content(ctx context.Context) (Content, error) {
	var content Content
	raw, err := c.do(ctx, http.MethodGet, "/", nil)
	if err == nil {
		err = json.Unmarshal(raw, &content)
	}
	return content, err
}

func (c Client) send(ctx context.Context, method, path string, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, method, path, raw)
	return err
}

func (c Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.AdminURL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Close = true // commands are rare; no connection needs to stay
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("%s", strings.TrimSpace(string(answer)))
	}
	return answer, nil
}
