package store

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// targetRow is a certificate as far as a revocation looks at it.
type targetRow struct {
	Order      string `db:"order_number"`
	Sequence   int
	Issuer     string
	Serial     string
	NotAfter   time.Time     `db:"not_after"`
	Key        []byte        `db:"key_hash"`
	RevokedAt  sql.NullTime  `db:"revoked_at"`
	Reason     sql.NullInt16 `db:"revocation_reason"`
	Revocation sql.NullString
	Named      bool // by the request that it is read for
}

const targetColumns = `order_number, sequence, issuer, serial, not_after, key_hash, revoked_at, revocation_reason, certificates.revocation`

// changes reports whether a revocation for the reason changes anything: a revoked certificate stays as it is, unless it turns out that
// its key is compromised.
func (t targetRow) changes(reason order.RevocationReason) bool {
	return !t.RevokedAt.Valid || reason == order.ReasonKeyCompromise && t.Reason.Int16 != int16(order.ReasonKeyCompromise)
}

// targets are the certificates of a request, under lock, and the keys that it says are compromised.
type targets struct {
	certificates []targetRow
	named        []targetRow // of them those that the request names; the others have their keys
	keys         [][]byte
	blockedBy    []string // for each key the request that blocked it, or ""
}

// settledBy returns the request that has brought about already what a request for the reason asks for, or "".
func (t targets) settledBy(reason order.RevocationReason) string {
	by := ""
	for _, c := range t.certificates {
		if c.changes(reason) {
			return ""
		}
		by = c.Revocation.String
	}
	for _, blockedBy := range t.blockedBy {
		if blockedBy == "" {
			return ""
		}
		by = blockedBy
	}
	return by
}

func (t targets) names(c targetRow) bool {
	return slices.ContainsFunc(t.named, func(n targetRow) bool { return n.compare(c) == 0 })
}

func (t targets) holds(number string, sequence int) bool {
	return slices.ContainsFunc(t.certificates, func(c targetRow) bool { return c.Order == number && c.Sequence == sequence })
}

// orders are the numbers of the orders, each once.
func (t targets) orders() []string {
	var out []string
	for _, c := range t.certificates {
		out = append(out, c.Order)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lockTargets finds what the request names and takes it for this transaction: the orders first, as everywhere.
func (c *change) lockTargets(ctx context.Context, r order.RevocationRequest) (targets, error) {
	if r.Origin == order.RevocationByKey {
		return c.lockWithKeys(ctx, nil, [][]byte{r.Key}, r.At)
	}
	var named targetRow
	err := c.GetContext(ctx, &named, `SELECT `+targetColumns+` FROM certificates WHERE issuer = $1 AND serial = $2`, r.Issuer, r.Serial)
	if err != nil {
		return targets{}, orNotFound(err, unknownCertificate())
	}
	if !named.RevokedAt.Valid && !stored(r.At).Before(named.NotAfter) {
		return targets{}, expiredCertificate()
	}
	return c.lockNamed(ctx, []targetRow{named}, r)
}

// lockReported is lockTargets for the certificates of a problem report.
func (c *change) lockReported(ctx context.Context, known order.Revocation, r order.RevocationRequest) (targets, error) {
	var named []targetRow
	err := c.SelectContext(ctx, &named, `SELECT `+targetColumns+` FROM certificates JOIN revocation_certificates USING (order_number, sequence)
		WHERE revocation_certificates.revocation = $1`, known.ID)
	if err != nil {
		return targets{}, err
	}
	return c.lockNamed(ctx, named, r)
}

// lockNamed locks the certificates, with all that share a key with them if that is compromised.
func (c *change) lockNamed(ctx context.Context, named []targetRow, r order.RevocationRequest) (targets, error) {
	var keys [][]byte
	if r.Reason == order.ReasonKeyCompromise {
		if err := c.fillKeys(ctx); err != nil {
			return targets{}, err
		}
		for _, n := range named {
			var key []byte
			if err := c.GetContext(ctx, &key, `SELECT key_hash FROM certificates WHERE order_number = $1 AND sequence = $2`, n.Order, n.Sequence); err != nil {
				return targets{}, err
			}
			keys = append(keys, key)
		}
		slices.SortFunc(keys, bytes.Compare)
		keys = slices.CompactFunc(keys, bytes.Equal)
	}
	return c.lockWithKeys(ctx, named, keys, r.At)
}

// lockWithKeys locks the named certificates and, of those with one of the keys, all that have not expired. The lock on the key keeps
// another certificate with it from being issued meanwhile.
func (c *change) lockWithKeys(ctx context.Context, named []targetRow, keys [][]byte, at time.Time) (targets, error) {
	t := targets{keys: keys, named: slices.Clone(named)}
	if len(keys) > 0 {
		if err := c.fillKeys(ctx); err != nil {
			return t, err
		}
	}
	for _, key := range keys {
		by, err := c.lockKey(ctx, key)
		if err != nil {
			return t, err
		}
		t.blockedBy = append(t.blockedBy, by)
		var sharing []targetRow
		if err := c.SelectContext(ctx, &sharing, `SELECT `+targetColumns+` FROM certificates WHERE key_hash = $1 AND not_after > $2`, key, stored(at)); err != nil {
			return t, err
		}
		named = append(named, sharing...)
	}
	t.certificates = named
	for _, number := range t.orders() {
		if _, err := c.lockOrder(ctx, number); err != nil {
			return t, err
		}
	}
	err := c.reread(ctx, &t)
	return t, err
}

// reread looks at the certificates again, under the locks of their orders: each once, in the order of their numbers.
func (c *change) reread(ctx context.Context, t *targets) error {
	slices.SortFunc(t.certificates, targetRow.compare)
	t.certificates = slices.CompactFunc(t.certificates, func(a, b targetRow) bool { return a.compare(b) == 0 })
	for i, each := range t.certificates {
		var now targetRow
		if err := c.GetContext(ctx, &now, `SELECT `+targetColumns+` FROM certificates WHERE order_number = $1 AND sequence = $2 FOR UPDATE`,
			each.Order, each.Sequence); err != nil {
			return err
		}
		t.certificates[i] = now
	}
	return nil
}

func (t targetRow) compare(o targetRow) int {
	return cmp.Or(cmp.Compare(t.Order, o.Order), cmp.Compare(t.Sequence, o.Sequence))
}

// revoke revokes the certificates and blocks the keys. A certificate that is revoked stays so from its first moment; its reason changes
// if its key turns out to be compromised.
func (c *change) revoke(ctx context.Context, r order.RevocationRequest, t targets) error {
	for _, each := range t.certificates {
		if !each.changes(r.Reason) {
			continue
		}
		if _, err := c.ExecContext(ctx, `
			UPDATE certificates SET revoked_at = coalesce(revoked_at, $3), revocation_reason = $4, revocation = $5, crl_number = NULL,
				status_noted_at = clock_timestamp()
			WHERE order_number = $1 AND sequence = $2`, each.Order, each.Sequence, stored(r.At), int(r.Reason), r.ID); err != nil {
			return err
		}
		detail := map[string]any{"sequence": each.Sequence, "serial": each.Serial, "issuer": each.Issuer, "reason": r.Reason.String(), "request": r.ID}
		if err := c.note(each.Order, r.Actor, "certificate-revoked", detail, r.At); err != nil {
			return err
		}
	}
	for i, key := range t.keys {
		if t.blockedBy[i] != "" {
			continue
		}
		if _, err := c.ExecContext(ctx, `INSERT INTO blocked_keys (key_hash, revocation, at) VALUES ($1, $2, $3)`, key, r.ID, stored(r.At)); err != nil {
			return err
		}
		if err := c.note("", r.Actor, "key-blocked", map[string]any{"key": hex.EncodeToString(key), "request": r.ID}, r.At); err != nil {
			return err
		}
	}
	return c.settleReports(ctx, r, t)
}

// settleReports ends the problem reports about certificates that are all revoked now.
func (c *change) settleReports(ctx context.Context, r order.RevocationRequest, t targets) error {
	for _, number := range t.orders() {
		if _, err := c.ExecContext(ctx, `
			UPDATE revocations SET decided_at = $3 WHERE decided_at IS NULL AND id <> $2
				AND id IN (SELECT revocation FROM revocation_certificates WHERE order_number = $1)
				AND NOT EXISTS (SELECT FROM revocation_certificates rc JOIN certificates c USING (order_number, sequence)
					WHERE rc.revocation = revocations.id AND c.revoked_at IS NULL)`, number, r.ID, stored(r.At)); err != nil {
			return err
		}
	}
	return nil
}

// lockKey takes a key for this transaction and returns the request that has blocked it, or "".
func (c *change) lockKey(ctx context.Context, key []byte) (blockedBy string, err error) {
	err = c.GetContext(ctx, &blockedBy, `SELECT lock_key($1)`, key)
	return blockedBy, err
}

// refuseBlockedKey is the last look at the key of a certificate that is about to be reserved or signed (SBR 6.1.1.3 item 4).
func (c *change) refuseBlockedKey(ctx context.Context, key []byte) error {
	by, err := c.lockKey(ctx, key)
	if err != nil || by == "" {
		return err
	}
	return fault.New(fault.Conflict, "csr.compromised", "この鍵は漏えいした鍵として登録されているため、発行できません。",
		"This key is on the list of compromised keys: no certificate is issued for it.")
}

// fillKeys computes the key hashes of certificates that were issued before they were kept.
func (c *change) fillKeys(ctx context.Context) error {
	var old []certificateRow
	if err := c.SelectContext(ctx, &old, selectCertificates+`WHERE key_hash IS NULL ORDER BY order_number, sequence`); err != nil {
		return err
	}
	for _, o := range old {
		key, err := keyOf(o.DER)
		if err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, `UPDATE certificates SET key_hash = $3 WHERE order_number = $1 AND sequence = $2`, o.Order, o.Sequence, key); err != nil {
			return err
		}
	}
	return nil
}

// keyOf is the SHA-256 of a certificate's SubjectPublicKeyInfo.
func keyOf(der []byte) ([]byte, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("stored certificate: %w", err)
	}
	key := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return key[:], nil
}

// keyToBeSigned is keyOf for a certificate that has no signature yet (RFC 5280 4.1, TBSCertificate).
func keyToBeSigned(der []byte) ([]byte, error) {
	var tbs struct {
		Version                                       int `asn1:"optional,explicit,default:0,tag:0"`
		Serial                                        *big.Int
		Algorithm, Issuer, Validity, Subject, KeyInfo asn1.RawValue
	}
	if _, err := asn1.Unmarshal(der, &tbs); err != nil {
		return nil, fmt.Errorf("to-be-signed certificate: %w", err)
	}
	key := sha256.Sum256(tbs.KeyInfo.FullBytes)
	return key[:], nil
}

func expiredCertificate() *fault.Error {
	return fault.New(fault.Conflict, "certificate.expired", "この証明書の有効期間はすでに終わっているため、失効の必要はありません。",
		"This certificate has expired: there is nothing to revoke.")
}
