package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"securemailid.example/activities"
	"securemailid.example/internal/config"
	"securemailid.example/internal/csr"
	"securemailid.example/internal/engine"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store"
	"securemailid.example/internal/voucher"
)

// Desk is what people and programs use orders through: the record, the engine, vouchers and rules.
type Desk struct {
	Records  *store.Store
	Orders   Orders
	Vouchers voucher.Hasher
	Rules    policy.Book
	Blocked  csr.Blocklist // compromised keys
	Clock    func() time.Time
	Letters  activities.Writer // for what is asked for apart from an order's workflow

	Logger *slog.Logger

	disconnect func()
}

// Orders is the engine as a desk uses it.
type Orders interface {
	Submit(ctx context.Context, s order.Submission) (order.Receipt, error)
	Command(ctx context.Context, number string, c order.Command) (order.Outcome, error)
	Signal(ctx context.Context, number string, c order.Command) error
	Post(ctx context.Context, number, letter string) error
	Revoke(ctx context.Context, request string) error
	CertifyResponder(ctx context.Context, issuer string, request []byte) error
	Ping(ctx context.Context) error
}

// OpenDesk connects to the record. Temporal is dialled at the first call that needs it, so that what only reads works without.
func OpenDesk(ctx context.Context, cfg config.Common, logger *slog.Logger) (*Desk, error) {
	rules, err := cfg.Book()
	if err != nil {
		return nil, err
	}
	base, err := cfg.BaseURL()
	if err != nil {
		return nil, err
	}
	hasher, err := voucherHasher(cfg.VoucherKeyFile)
	if err != nil {
		return nil, err
	}
	blocked, err := blocklist(cfg.BlocklistFile)
	if err != nil {
		return nil, err
	}
	records, err := store.Open(ctx, cfg.URL)
	if err != nil {
		return nil, err
	}
	orders := &lazyOrders{address: cfg.Temporal, numbers: records, logger: logger}
	letters := activities.Writer{Addresses: activities.Addresses{PublicURL: base}, Policy: rules, Clock: time.Now}
	return &Desk{
		Records: records, Orders: orders, Vouchers: hasher, Rules: rules, Blocked: blocked, Clock: time.Now, Letters: letters, Logger: logger,
		disconnect: orders.close,
	}, nil
}

// Close disconnects.
func (d *Desk) Close() {
	d.disconnect()
	_ = d.Records.Disconnect() // nothing is under way any more
}

// Submit validates the form (G2–G13), recognises the voucher by its hash and hands the application in. An empty key becomes a
// digest of the normalised form, so that the same file handed in twice is one order.
func (d *Desk) Submit(ctx context.Context, a order.Application, key string) (order.Receipt, error) {
	keys := &keyCheck{ctx: ctx, file: d.Blocked, records: d.Records}
	n, err := order.Validate(a, d.limits(keys))
	if err := cmp.Or(keys.Err, err); err != nil {
		return order.Receipt{}, err
	}
	hash := d.Vouchers.Hash(n.Voucher)
	n.Application.Voucher = ""
	if key == "" {
		if key, err = digest(n.Application, hash); err != nil {
			return order.Receipt{}, err
		}
	}
	return d.Orders.Submit(ctx, order.Submission{Key: key, Application: n.Application, VoucherHash: hash})
}

// Check validates the form as Submit does and returns its normal form. It asks nobody, so it works without record and engine.
func (d *Desk) Check(_ context.Context, a order.Application) (order.Application, error) {
	n, err := order.Validate(a, d.limits(d.Blocked))
	return n.Application, err
}

// CSR reads a signing request, and refuses a compromised key as Submit does. While the record does not answer only the operator's file is
// asked: the form can be filled in, and Submit asks again.
func (d *Desk) CSR(ctx context.Context, text string) (csr.Request, error) {
	keys := &keyCheck{ctx: ctx, file: d.Blocked, records: d.Records}
	r, err := csr.Parse(text, keys)
	if keys.Err != nil {
		d.Logger.WarnContext(ctx, "the record did not say whether a key is compromised", "error", keys.Err)
	}
	return r, err
}

func (d *Desk) limits(blocked csr.Blocklist) order.Limits {
	l := d.Rules.At(d.Clock()).Limits()
	l.Blocklist = blocked
	return l
}

// digest is the idempotency key of a form without one.
func digest(form any, voucherHash []byte) (string, error) {
	body, err := json.Marshal(form)
	if err != nil {
		return "", fmt.Errorf("digest of the form: %w", err)
	}
	h := sha256.New()
	h.Write(voucherHash)
	h.Write(body)
	return "form-" + hex.EncodeToString(h.Sum(nil)), nil
}

// voucherHasher reads the key under which vouchers are recognised.
func voucherHasher(file string) (voucher.Hasher, error) {
	text, err := config.Secret(file)
	if err != nil {
		return voucher.Hasher{}, fmt.Errorf("SMID_VOUCHER_KEY_FILE: %w", err)
	}
	key, err := hex.DecodeString(text)
	if err != nil {
		return voucher.Hasher{}, fmt.Errorf("SMID_VOUCHER_KEY_FILE: the file must hold hex digits")
	}
	return voucher.NewHasher(key)
}

// blocklist reads the compromised keys that the operator knows (SBR 6.1.1.3); without a file there are none.
func blocklist(file string) (csr.Blocklist, error) {
	if file == "" {
		return csr.Fingerprints{}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("SMID_KEY_BLOCKLIST_FILE: %w", err)
	}
	keys, err := csr.ReadBlocklist(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("SMID_KEY_BLOCKLIST_FILE: %w", err)
	}
	return keys, nil
}

// lazyOrders dials Temporal when it is first needed.
type lazyOrders struct {
	address string
	numbers engine.Numbers
	logger  *slog.Logger

	mu     sync.Mutex
	client client.Client
}

func (l *lazyOrders) open(ctx context.Context) (*engine.Orders, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil {
		c, err := engine.Dial(ctx, l.address, l.logger)
		if err != nil {
			return nil, engine.Unreachable(err)
		}
		l.client = c
	}
	return &engine.Orders{Client: l.client, Numbers: l.numbers}, nil
}

func (l *lazyOrders) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client != nil {
		l.client.Close()
	}
}

// Submit is engine.Orders.Submit.
func (l *lazyOrders) Submit(ctx context.Context, s order.Submission) (order.Receipt, error) {
	o, err := l.open(ctx)
	if err != nil {
		return order.Receipt{}, err
	}
	return o.Submit(ctx, s)
}

// Command is engine.Orders.Command.
func (l *lazyOrders) Command(ctx context.Context, number string, c order.Command) (order.Outcome, error) {
	o, err := l.open(ctx)
	if err != nil {
		return order.Outcome{}, err
	}
	return o.Command(ctx, number, c)
}

// Signal is engine.Orders.Signal.
func (l *lazyOrders) Signal(ctx context.Context, number string, c order.Command) error {
	o, err := l.open(ctx)
	if err != nil {
		return err
	}
	return o.Signal(ctx, number, c)
}

// Post is engine.Orders.Post.
func (l *lazyOrders) Post(ctx context.Context, number, letter string) error {
	o, err := l.open(ctx)
	if err != nil {
		return err
	}
	return o.Post(ctx, number, letter)
}

// Revoke is engine.Orders.Revoke.
func (l *lazyOrders) Revoke(ctx context.Context, request string) error {
	o, err := l.open(ctx)
	if err != nil {
		return err
	}
	return o.Revoke(ctx, request)
}

// CertifyResponder is engine.Orders.CertifyResponder.
func (l *lazyOrders) CertifyResponder(ctx context.Context, issuer string, request []byte) error {
	o, err := l.open(ctx)
	if err != nil {
		return err
	}
	return o.CertifyResponder(ctx, issuer, request)
}

// Ping is engine.Orders.Ping.
func (l *lazyOrders) Ping(ctx context.Context) error {
	o, err := l.open(ctx)
	if err != nil {
		return err
	}
	return o.Ping(ctx)
}
