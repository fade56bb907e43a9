package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ocsp"

	"securemailid.example/activities"
	"securemailid.example/internal/app"
	"securemailid.example/internal/ca"
	"securemailid.example/internal/config"
	"securemailid.example/internal/devstack"
	"securemailid.example/internal/devstack/proc"
	"securemailid.example/internal/mail"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/portal"
)

// pki is the portal as it is shipped, with its log in a file, and beside it a plain file server with the same limits. No Temporal runs: what
// is served here must not need one.
type pki struct {
	record *record
	ca     *ca.CA
	lists  *activities.Publishing
	issuer *x509.Certificate

	portal, files *asker
	signer        crypto.Signer // the responder's
	dir           string        // of the file server
	made          int           // certificates
	stop          []func() error
}

// ownCA certifies OCSP signers without Temporal.
type ownCA struct {
	app.Orders
	responders *activities.Responders
}

func (o ownCA) CertifyResponder(ctx context.Context, issuer string, request []byte) error {
	_, err := o.responders.CertifyResponder(ctx, activities.CertifyInput{Issuer: issuer, Request: request})
	return err
}

func openPKI(ctx context.Context) (p *pki, err error) {
	p = &pki{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.record, err = openRecord(ctx); err != nil {
		return p, err
	}
	p.stop = append(p.stop, func() error { return p.record.close(context.WithoutCancel(ctx)) })
	authority, err := p.openCA(ctx)
	if err != nil {
		return p, err
	}
	handler, err := p.openPortal(ctx, authority)
	if err != nil {
		return p, err
	}
	if p.portal, err = p.serve(ctx, handler); err != nil {
		return p, err
	}
	p.dir = filepath.Join(p.record.dir, "files")
	if err := os.Mkdir(p.dir, 0o700); err != nil {
		return p, err
	}
	if p.files, err = p.serve(ctx, http.FileServer(http.Dir(p.dir))); err != nil {
		return p, err
	}
	err = p.awaitSigner(ctx)
	return p, err
}

func (p *pki) close() error {
	var err error
	for i := len(p.stop) - 1; i >= 0; i-- {
		err = errors.Join(err, p.stop[i]())
	}
	return err
}

// openCA makes an issuing CA whose first list is empty. Its certificates will need no orders.
func (p *pki) openCA(ctx context.Context) (*ca.Authority, error) {
	dir := filepath.Join(p.record.dir, "ca")
	if err := devstack.MakeCA(ctx, dir, nil); err != nil {
		return nil, err
	}
	rules, _ := policy.Open(policy.Guide)
	authority, err := app.LoadAuthority(config.CA{Dir: dir, PolicyOID: "2.999.1.1"}, rules, benchURL, time.Now)
	if err != nil {
		return nil, err
	}
	p.ca = authority.All()[0]
	if p.issuer, err = x509.ParseCertificate(p.ca.Describe().DER); err != nil {
		return nil, err
	}
	p.lists = app.Publishing(p.record.Store, authority, rules, time.Now)
	if _, err := p.record.sql.ExecContext(ctx, `ALTER TABLE certificates DROP CONSTRAINT certificates_reservation`); err != nil {
		return nil, err
	}
	return authority, p.publish(ctx)
}

func (p *pki) publish(ctx context.Context) error {
	_, err := p.lists.PublishCRLs(ctx, activities.PublishInput{})
	return err
}

func (p *pki) openPortal(ctx context.Context, authority *ca.Authority) (http.Handler, error) {
	key := filepath.Join(p.record.dir, "voucher.key")
	if err := os.WriteFile(key, []byte(hex.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(p.record.dir, "portal.log"))
	if err != nil {
		return nil, err
	}
	logger := slog.New(slog.NewJSONHandler(log, nil))
	cfg := config.Portal{
		Common: config.Common{
			Database: config.Database{URL: p.record.server.DSN()}, Policy: policy.Guide, VoucherKeyFile: key, PublicURL: benchURL,
		},
		Brand: mail.Brand{
			Company: mail.Words{JA: "サンプル認証局", EN: "Sample CA"}, Support: mail.Support{URL: "https://www.example.jp/"}, TermsURL: "https://www.example.jp/",
		},
		OCSPDir: filepath.Join(p.record.dir, "ocsp"),
	}
	desk, err := app.OpenDesk(ctx, cfg.Common, logger)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	desk.Orders = ownCA{desk.Orders, app.Responders(p.record.Store, authority, time.Now)}
	handler, stop, err := app.OpenPortal(ctx, cfg, desk, logger)
	if err != nil {
		desk.Close()
		return nil, errors.Join(err, log.Close())
	}
	p.stop = append(p.stop, func() error { stop(); desk.Close(); return log.Close() })
	return handler, nil
}

// serve starts the portal's kind of server and returns its clients.
func (p *pki) serve(ctx context.Context, h http.Handler) (*asker, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server, ended := portal.Server(h), make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	c, err := dial(ctx, l.Addr().String(), statusClients)
	p.stop = append(p.stop, func() error {
		if c != nil {
			c.close()
		}
		err := server.Close()
		if e := <-ended; !errors.Is(e, http.ErrServerClosed) {
			err = errors.Join(err, e)
		}
		return err
	})
	return c, err
}

// awaitSigner waits until the responder answers, which it does once its key has a certificate.
func (p *pki) awaitSigner(ctx context.Context) error {
	serials, err := p.certificates(ctx, 1)
	if err != nil {
		return err
	}
	der, err := p.request(serials[0])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err = proc.Await(ctx, 50*time.Millisecond, func(context.Context) error {
		r, _, err := p.portal.ask(post(der), true)
		if err == nil {
			_, err = ocsp.ParseResponse(r.body, p.issuer)
		}
		return err
	})
	if err != nil {
		return err
	}
	p.signer, err = ca.LoadKey(filepath.Join(p.record.dir, "ocsp", p.ca.ID()+".key"))
	return err
}

// certificates puts n certificates into the record and returns their serial numbers. Of each there is only what its status needs.
func (p *pki) certificates(ctx context.Context, n int) ([]string, error) {
	rows, err := p.record.sql.QueryContext(ctx, `
		INSERT INTO certificates (order_number, sequence, issuer, serial, der, not_before, not_after, issued_at)
			SELECT 'c' || n, 1, $1, '7' || substr(md5(n::text), 2), '\x00', now(), now() + '1 year', now() FROM generate_series($2::int, $3) n
			RETURNING serial`, p.ca.ID(), p.made+1, p.made+n)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	p.made += n
	serials := make([]string, 0, n)
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		serials = append(serials, s)
	}
	return serials, rows.Err()
}

// revoke revokes n certificates, publishes a list that says so, and returns when the portal serves it.
func (p *pki) revoke(ctx context.Context, n int) error {
	if _, err := p.certificates(ctx, n); err != nil {
		return err
	}
	if _, err := p.record.sql.ExecContext(ctx, `
		UPDATE certificates SET revoked_at = now(), revocation_reason = 4 WHERE order_number IN (SELECT 'c' || n FROM generate_series($1::int, $2) n)`,
		p.made-n+1, p.made); err != nil {
		return err
	}
	if err := p.publish(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return proc.Await(ctx, 100*time.Millisecond, func(context.Context) error {
		r, _, err := p.portal.ask(fetch(p.listPath()), true)
		if err != nil {
			return err
		}
		list, err := x509.ParseRevocationList(r.body)
		if err == nil && len(list.RevokedCertificateEntries) != n {
			err = fmt.Errorf("a list of %d entries", len(list.RevokedCertificateEntries))
		}
		return err
	})
}

func (p *pki) listPath() string { return "/crl/" + p.ca.ID() + ".crl" }

// request is what a client asks about a certificate.
func (p *pki) request(serial string) ([]byte, error) {
	n, ok := new(big.Int).SetString(serial, 16)
	if !ok {
		return nil, fmt.Errorf("%q is no serial number", serial)
	}
	return ocsp.CreateRequest(&x509.Certificate{SerialNumber: n}, p.issuer, &ocsp.RequestOptions{Hash: crypto.SHA1})
}

// post is an OCSP request by POST (RFC 6960 A.1).
func post(der []byte) []byte {
	return fmt.Appendf(nil, "POST /ocsp HTTP/1.1\r\nHost: ca.example.jp\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n%s", len(der), der)
}

// get is an OCSP request by GET (RFC 5019 5).
func get(der []byte) []byte {
	return fetch("/ocsp/" + url.QueryEscape(base64.StdEncoding.EncodeToString(der)))
}

// fetch is a GET.
func fetch(path string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: ca.example.jp\r\n\r\n", path)
}

// with is a request without a body, with one more header.
func with(request []byte, header string) []byte {
	return fmt.Appendf(nil, "%s%s\r\n\r\n", request[:len(request)-2], header)
}
