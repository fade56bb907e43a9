package store

import (
	"context"
	"database/sql"
	"time"

	"securemailid.example/internal/audit"
	"securemailid.example/internal/dcv"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// reservationRow is a stored to-be-signed certificate.
type reservationRow struct {
	Order     string `db:"order_number"`
	Sequence  int
	Issuer    string
	Serial    string
	DER       []byte
	Seal      []byte
	NotBefore time.Time `db:"not_before"`
	NotAfter  time.Time `db:"not_after"`
}

const selectReservation = `
	SELECT order_number, sequence, issuer, serial, der, seal, not_before, not_after FROM reservations WHERE order_number = $1 AND sequence = $2`

func (r reservationRow) toBeSigned() order.ToBeSigned {
	return order.ToBeSigned{Order: r.Order, Sequence: r.Sequence, DER: r.DER, Serial: r.Serial, Issuer: r.Issuer,
		NotBefore: r.NotBefore.UTC(), NotAfter: r.NotAfter.UTC(), Seal: r.Seal}
}

// Reserve stores the to-be-signed bytes under (order, sequence), moves the order to issuing, and returns what is stored: the first
// reservation wins for ever. caa is kept as evidence. It is the last gate before the CA key: without the proof of domain control,
// which the order's state stands for, the three phone steps (G20) or those of an earlier order, and an answer to every question (G12) it is
// a Conflict; so is a reissue that does not end when its original ends (G25), and what rests on evidence that does not hold any more
// (code reuse.lapsed).
func (s *Store) Reserve(ctx context.Context, t order.ToBeSigned, caa dcv.CAADecision, at time.Time) (order.ToBeSigned, error) {
	var out order.ToBeSigned
	err := s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, t.Order)
		if err != nil {
			return err
		}
		out, err = reservation(ctx, c, t.Order, t.Sequence)
		if fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err := readyToIssue(o); err != nil {
			return err
		}
		if err := c.endsWithOriginal(ctx, o, t); err != nil {
			return err
		}
		if err := c.reusesHold(ctx, o, at); err != nil {
			return err
		}
		key, err := keyToBeSigned(t.DER)
		if err != nil {
			return err
		}
		if err := c.refuseBlockedKey(ctx, key); err != nil {
			return err
		}
		out, err = c.reserve(ctx, t, caa, at)
		return err
	})
	return out, err
}

func readyToIssue(o standing) error {
	switch {
	case o.State != order.OrganizationValidation && o.State != order.Issuing:
		return wrongState(o.State)
	case o.OpenInquiry:
		return fault.New(fault.Conflict, "inquiry.open", "回答待ちのお問い合わせがあるため、発行できません。",
			"A question still waits for its answer: nothing is issued before.")
	case !o.phone().Done() && !o.PhoneReusedAt.Valid:
		return fault.New(fault.Conflict, "order.not-validated", "組織の電話確認が完了していないため、発行できません。",
			"The organisation has not been validated by phone yet: nothing is issued before.")
	}
	return nil
}

// reserveCertificate reserves, moves the order to issuing unless it is there, and writes the audit line; see acceptOrder.
const reserveCertificate = `
	WITH changed AS (
		INSERT INTO reservations (order_number, sequence, issuer, serial, der, seal, not_before, not_after, caa, reserved_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $14)
		RETURNING order_number AS number
	), moved AS (
		UPDATE orders SET state = 'issuing', state_since = $14, ` + onward + `
		WHERE number = (SELECT number FROM changed) AND state <> 'issuing'
	)
	SELECT audit_append($10, number, $11, $12, $13, $14, $15) FROM changed`

func (c *change) reserve(ctx context.Context, t order.ToBeSigned, caa dcv.CAADecision, at time.Time) (order.ToBeSigned, error) {
	t.NotBefore, t.NotAfter = stored(t.NotBefore), stored(t.NotAfter)
	line, err := audit.New(t.Order, system, "certificate-reserved",
		map[string]any{"sequence": t.Sequence, "serial": t.Serial, "issuer": t.Issuer, "caa": caa.Code}, at)
	if err != nil {
		return t, err
	}
	_, err = c.execNoted(ctx, line, reserveCertificate,
		t.Order, t.Sequence, t.Issuer, t.Serial, t.DER, t.Seal, t.NotBefore, t.NotAfter, asJSON(caa))
	return t, err
}

func reservation(ctx context.Context, q queryer, number string, sequence int) (order.ToBeSigned, error) {
	var r reservationRow
	if err := q.GetContext(ctx, &r, selectReservation, number, sequence); err != nil {
		return order.ToBeSigned{}, orNotFound(err, notReserved())
	}
	return r.toBeSigned(), nil
}

func notReserved() *fault.Error {
	return fault.New(fault.NotFound, "certificate.not-reserved", "証明書の発行準備ができていません。", "No certificate has been prepared.")
}

// Reserved returns the reservation, or NotFound.
func (s *Store) Reserved(ctx context.Context, number string, sequence int) (order.ToBeSigned, error) {
	t, err := reservation(ctx, s.db, number, sequence)
	return t, translate(ctx, err)
}

// Issue signs the reserved bytes by sign under a row lock and records the result, moves the order to issued and puts the
// letters into the outbox. If the certificate is there already it is returned and sign is not called. When sign or
// the recording fails nothing is kept, and the next call signs the same bytes again.
func (s *Store) Issue(ctx context.Context, number string, sequence int, at time.Time, sign func(order.ToBeSigned) (der []byte, err error),
	letters func(order.Certificate) []order.Letter,
) (order.Certificate, error) {
	var out order.Certificate
	err := s.change(ctx, func(c *change) error {
		o, err := c.lockOrder(ctx, number)
		if err != nil {
			return err
		}
		r, err := c.signable(ctx, number, sequence)
		if err != nil {
			return err
		}
		if r.IssuedAt.Valid {
			out = r.certificate()
			return nil
		}
		if o.State != order.Issuing {
			return wrongState(o.State)
		}
		key, err := keyToBeSigned(r.DER)
		if err != nil {
			return err
		}
		if err := c.refuseBlockedKey(ctx, key); err != nil { // before the CA key is touched: a signature cannot be taken back
			return err
		}
		der, err := sign(r.toBeSigned())
		if err != nil {
			return err
		}
		r.Signed, r.IssuedAt = der, timeOrNull(at)
		out = r.certificate()
		return c.recordCertificate(ctx, out, key, letters(out))
	})
	if err != nil {
		return order.Certificate{}, err
	}
	return out, nil
}

// signableRow is a reservation with what makes it a certificate, if it is one already.
type signableRow struct {
	reservationRow
	Signed    []byte
	IssuedAt  sql.NullTime  `db:"issued_at"`
	RevokedAt sql.NullTime  `db:"revoked_at"`
	Reason    sql.NullInt16 `db:"revocation_reason"`
}

func (r signableRow) certificate() order.Certificate {
	return certificateRow{Order: r.Order, Sequence: r.Sequence, Issuer: r.Issuer, Serial: r.Serial, DER: r.Signed, NotBefore: r.NotBefore,
		NotAfter: r.NotAfter, IssuedAt: r.IssuedAt.Time, RevokedAt: r.RevokedAt, Reason: r.Reason}.certificate()
}

// signable takes the reservation for this transaction. Under the order's lock neither it nor its certificate can come meanwhile, so one
// look is enough for both.
func (c *change) signable(ctx context.Context, number string, sequence int) (r signableRow, err error) {
	err = c.GetContext(ctx, &r, `
		SELECT r.order_number, r.sequence, r.issuer, r.serial, r.der, r.seal, r.not_before, r.not_after,
			c.der AS signed, c.issued_at, c.revoked_at, c.revocation_reason
		FROM reservations r LEFT JOIN certificates c USING (order_number, sequence)
		WHERE r.order_number = $1 AND r.sequence = $2 FOR UPDATE OF r`, number, sequence)
	return r, orNotFound(err, notReserved())
}

// issueCertificate records the certificate, moves the order on to issued, posts the letters and writes the audit line; see acceptOrder.
const issueCertificate = `
	WITH certified AS (
		INSERT INTO certificates (order_number, sequence, issuer, serial, der, not_before, not_after, key_hash, issued_at)
		VALUES ($1, $4, $5, $6, $7, $8, $9, $10, $15)
		RETURNING order_number
	), changed AS (
		UPDATE orders SET state = 'issued', state_since = $15, ` + onward + `
		WHERE number = (SELECT order_number FROM certified) AND state = 'issuing'
		RETURNING number
	), ` + posting + `
	SELECT audit_append($11, number, $12, $13, $14, $15, $16) FROM changed`

func (c *change) recordCertificate(ctx context.Context, cert order.Certificate, key []byte, letters []order.Letter) error {
	line, err := audit.New(cert.Order, system, "certificate-issued",
		map[string]any{"sequence": cert.Sequence, "serial": cert.Serial, "issuer": cert.Issuer}, cert.IssuedAt)
	if err != nil {
		return err
	}
	issued, err := c.execNoted(ctx, line, issueCertificate, cert.Order, asJSON(rowsOf(letters, cert.IssuedAt)), asJSON(linksOf(letters)),
		cert.Sequence, cert.Issuer, cert.Serial, cert.DER, cert.NotBefore, cert.NotAfter, key)
	if err == nil && !issued {
		err = wrongState(order.Issuing)
	}
	return err
}

// certificateRow is an issued certificate.
type certificateRow struct {
	Order     string `db:"order_number"`
	Sequence  int
	Issuer    string
	Serial    string
	DER       []byte
	NotBefore time.Time `db:"not_before"`
	NotAfter  time.Time `db:"not_after"`
	IssuedAt  time.Time `db:"issued_at"`

	RevokedAt sql.NullTime  `db:"revoked_at"`
	Reason    sql.NullInt16 `db:"revocation_reason"`
}

const selectCertificates = `
	SELECT order_number, sequence, issuer, serial, der, not_before, not_after, issued_at, revoked_at, revocation_reason FROM certificates `

func (r certificateRow) certificate() order.Certificate {
	return order.Certificate{Order: r.Order, Sequence: r.Sequence, Serial: r.Serial, Issuer: r.Issuer, DER: r.DER,
		NotBefore: r.NotBefore.UTC(), NotAfter: r.NotAfter.UTC(), IssuedAt: r.IssuedAt.UTC(),
		RevokedAt: timeOf(r.RevokedAt), Reason: order.RevocationReason(r.Reason.Int16)}
}

func (c *change) issued(ctx context.Context, number string, sequence int) (order.Certificate, error) {
	var r certificateRow
	err := c.GetContext(ctx, &r, selectCertificates+`WHERE order_number = $1 AND sequence = $2`, number, sequence)
	return r.certificate(), err
}

// Certificates returns every certificate of the order in the order of their sequence; none is no error.
func (s *Store) Certificates(ctx context.Context, number string) ([]order.Certificate, error) {
	out, err := certificates(ctx, s.db, number)
	return out, translate(ctx, err)
}

func certificates(ctx context.Context, q queryer, number string) ([]order.Certificate, error) {
	var rows []certificateRow
	err := q.SelectContext(ctx, &rows, selectCertificates+`WHERE order_number = $1 ORDER BY sequence`, number)
	out := make([]order.Certificate, len(rows))
	for i, r := range rows {
		out[i] = r.certificate()
	}
	return out, err
}

// CertificateBySerial returns the certificate of the issuer with the serial, lower-case hex.
func (s *Store) CertificateBySerial(ctx context.Context, issuer, serial string) (order.Certificate, error) {
	var r certificateRow
	if err := s.db.GetContext(ctx, &r, selectCertificates+`WHERE issuer = $1 AND serial = $2`, issuer, serial); err != nil {
		return order.Certificate{}, translate(ctx, orNotFound(err, unknownCertificate()))
	}
	return r.certificate(), nil
}

// CertificatesWithSerial returns the certificates with the serial, lower-case hex, of every issuer; hardly ever more than one.
func (s *Store) CertificatesWithSerial(ctx context.Context, serial string) ([]order.Certificate, error) {
	var rows []certificateRow
	err := s.db.SelectContext(ctx, &rows, selectCertificates+`WHERE serial = $1 ORDER BY issuer`, serial)
	out := make([]order.Certificate, len(rows))
	for i, r := range rows {
		out[i] = r.certificate()
	}
	return out, translate(ctx, err)
}

func certificateViews(ctx context.Context, q queryer, number string) ([]order.CertificateView, error) {
	certs, err := certificates(ctx, q, number)
	out := make([]order.CertificateView, len(certs))
	for i, c := range certs {
		out[i] = order.CertificateView{Sequence: c.Sequence, Serial: c.Serial, NotBefore: c.NotBefore, NotAfter: c.NotAfter, IssuedAt: c.IssuedAt,
			RevokedAt: c.RevokedAt}
		if !c.RevokedAt.IsZero() {
			out[i].Reason = c.Reason.String()
		}
	}
	return out, err
}
