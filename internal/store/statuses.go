package store

import (
	"context"
	"database/sql"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// statusRow is what revocation says of a certificate.
type statusRow struct {
	Issuer    string
	Serial    string
	RevokedAt sql.NullTime  `db:"revoked_at"`
	Reason    sql.NullInt16 `db:"revocation_reason"`
}

func (r statusRow) status() order.CertificateStatus {
	return order.CertificateStatus{Issuer: r.Issuer, Serial: r.Serial, RevokedAt: timeOf(r.RevokedAt), Reason: order.RevocationReason(r.Reason.Int16)}
}

// CertificateStatus returns whether the certificate is revoked. One that was never issued is NotFound.
func (s *Store) CertificateStatus(ctx context.Context, issuer, serial string) (order.CertificateStatus, error) {
	var r statusRow
	err := s.get(ctx, &r, `
		SELECT issuer, serial, revoked_at, revocation_reason FROM certificates WHERE issuer = $1 AND serial = $2`, issuer, serial)
	return r.status(), translate(ctx, orNotFound(err, unknownCertificate()))
}

// noteOverlap is how far StatusChanges looks back behind the moment it is asked for: longer than any transaction that revokes.
const noteOverlap = 2 * time.Minute

// StatusChanges returns the certificates whose status has changed since the moment, and the moment to ask from next time, both by the
// database's clock. Changes of the last two minutes come again, because one that was noted earlier may be committed later. The zero
// time asks for the present moment alone.
func (s *Store) StatusChanges(ctx context.Context, since time.Time) (changed []order.CertificateStatus, now time.Time, err error) {
	if err := s.db.GetContext(ctx, &now, `SELECT clock_timestamp()`); err != nil || since.IsZero() {
		return nil, now, translate(ctx, err)
	}
	var rows []statusRow
	err = s.db.SelectContext(ctx, &rows, `
		SELECT issuer, serial, revoked_at, revocation_reason FROM certificates WHERE status_noted_at > $1`, since.Add(-noteOverlap))
	changed = make([]order.CertificateStatus, len(rows))
	for i, r := range rows {
		changed[i] = r.status()
	}
	return changed, now, translate(ctx, err)
}

// KeyBlocked reports whether the key, by the SHA-256 of its SubjectPublicKeyInfo, has been compromised.
func (s *Store) KeyBlocked(ctx context.Context, key [32]byte) (blocked bool, err error) {
	err = s.db.GetContext(ctx, &blocked, `SELECT EXISTS (SELECT FROM blocked_keys WHERE key_hash = $1)`, key[:])
	return blocked, translate(ctx, err)
}

// maxResponders bounds the OCSP signers of an issuer that are alive at a time: many more than responders, and few enough that somebody
// who asks for certificates without being one is noticed.
const maxResponders = 32

// signerRow is the certificate of an OCSP signer.
type signerRow struct {
	Issuer    string
	Serial    string
	Key       []byte `db:"key_hash"`
	DER       []byte
	NotBefore time.Time `db:"not_before"`
	NotAfter  time.Time `db:"not_after"`
}

const selectSigner = `SELECT issuer, serial, key_hash, der, not_before, not_after FROM ocsp_signers WHERE issuer = $1 AND key_hash = $2`

// Responder returns the issuer's certificate for the OCSP signer with this key, by the SHA-256 of its SubjectPublicKeyInfo.
func (s *Store) Responder(ctx context.Context, issuer string, key []byte) (order.ResponderCertificate, error) {
	rc, err := responder(ctx, s.db, issuer, key)
	return rc, translate(ctx, err)
}

func responder(ctx context.Context, q queryer, issuer string, key []byte) (order.ResponderCertificate, error) {
	var r signerRow
	if err := q.GetContext(ctx, &r, selectSigner, issuer, key); err != nil {
		return order.ResponderCertificate{}, orNotFound(err, fault.New(fault.NotFound, "ocsp.no-signer", "OCSP署名証明書がありません。",
			"There is no certificate for this OCSP signer."))
	}
	return order.ResponderCertificate{Issuer: r.Issuer, Serial: r.Serial, Key: r.Key, DER: r.DER, NotBefore: r.NotBefore.UTC(), NotAfter: r.NotAfter.UTC()}, nil
}

// CertifyResponder records what certify makes for the key, under a lock on the issuer: one key has one certificate. If it is there already
// it is returned and certify is not called.
func (s *Store) CertifyResponder(ctx context.Context, issuer string, key []byte, at time.Time, certify func() (order.ResponderCertificate, error)) (order.ResponderCertificate, error) {
	var out order.ResponderCertificate
	err := s.change(ctx, func(c *change) error {
		var alive int
		if err := c.GetContext(ctx, &alive, `
			SELECT (SELECT count(*) FROM ocsp_signers WHERE issuer = id AND not_after > $2) FROM issuing_cas WHERE id = $1 FOR NO KEY UPDATE`, issuer, stored(at)); err != nil {
			return orNotFound(err, unknownIssuer())
		}
		var err error
		if out, err = responder(ctx, c, issuer, key); fault.KindOf(err) != fault.NotFound {
			return err
		}
		if alive >= maxResponders {
			return fault.New(fault.Conflict, "ocsp.too-many-signers", "有効なOCSP署名証明書が多すぎます。鍵の保存先を確認してください。",
				"Too many OCSP signers are alive. Look whether responders lose their keys.")
		}
		if out, err = certify(); err != nil {
			return err
		}
		if _, err := c.ExecContext(ctx, `
			INSERT INTO ocsp_signers (issuer, key_hash, serial, der, not_before, not_after) VALUES ($1, $2, $3, $4, $5, $6)`,
			issuer, key, out.Serial, out.DER, stored(out.NotBefore), stored(out.NotAfter)); err != nil {
			return err
		}
		return c.note("", system, "ocsp-signer-certified", map[string]any{"issuer": issuer, "serial": out.Serial}, at)
	})
	return out, err
}

func unknownCertificate() *fault.Error {
	return fault.New(fault.NotFound, "certificate.unknown", "該当する証明書がありません。", "There is no such certificate.")
}
