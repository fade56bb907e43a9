package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// asker asks an HTTP server over a few connections that stay open. It writes requests as they are, so that it costs little beside the
// server: what it costs is on both sides and would hide a difference.
type asker struct{ free chan *connection }

type connection struct {
	net.Conn
	answers *bufio.Reader
}

func dial(ctx context.Context, address string, connections int) (*asker, error) {
	c := &asker{free: make(chan *connection, connections)}
	for range connections {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			c.close()
			return nil, err
		}
		c.free <- &connection{conn, bufio.NewReaderSize(conn, 64<<10)}
	}
	return c, nil
}

// close ends the connections; nobody asks any more.
func (c *asker) close() {
	close(c.free)
	for conn := range c.free {
		_ = conn.Close() // there is nothing more to come
	}
}

// reply is what a server answered.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends a request and reads the whole answer, into memory if keep says so.
func (c *asker) ask(request []byte, keep bool) (r reply, size int64, err error) {
	conn := <-c.free
	defer func() { c.free <- conn }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return r, 0, err
	}
	if _, err := conn.Write(request); err != nil {
		return r, 0, err
	}
	answer, err := http.ReadResponse(conn.answers, nil)
	if err != nil {
		return r, 0, err
	}
	defer func() { _ = answer.Body.Close() }()
	r = reply{status: answer.StatusCode, header: answer.Header}
	if keep {
		r.body, err = io.ReadAll(answer.Body)
		return r, int64(len(r.body)), err
	}
	size, err = io.Copy(io.Discard, answer.Body)
	return r, size, err
}

// question is a request whose answer is known.
type question struct {
	request []byte
	status  int
	size    int64
}

// put asks a question and compares the answer with what is known.
func (c *asker) put(q question) error {
	r, size, err := c.ask(q.request, false)
	if err == nil && (r.status != q.status || size != q.size) {
		err = fmt.Errorf("answered %d with %d bytes, not %d with %d", r.status, size, q.status, q.size)
	}
	return err
}
