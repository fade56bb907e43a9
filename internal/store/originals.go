package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// maxCandidates bounds what one request can name: of an address or organisation with more certificates that end on one day, one is named by its
// serial number.
const maxCandidates = 50

// originalRow is an issued certificate with what its order says of it.
type originalRow struct {
	certificateRow
	RevokedAt        sql.NullTime  `db:"revoked_at"`
	RevocationReason sql.NullInt64 `db:"revocation_reason"`
	Application      document[order.Application]
	Subject          document[order.Subject]
	Domain           string
	Method           order.DCVMethod `db:"dcv_method"`
}

const selectOriginals = `
	SELECT c.order_number, c.sequence, c.issuer, c.serial, c.der, c.not_before, c.not_after, c.issued_at, c.revoked_at, c.revocation_reason,
		o.application, o.subject, o.domain, o.dcv_method
	FROM certificates c JOIN orders o ON o.number = c.order_number `

func (r originalRow) original() order.Original {
	return order.Original{Certificate: r.certificate(), RevokedAt: timeOf(r.RevokedAt), RevocationReason: order.RevocationReason(r.RevocationReason.Int64),
		Application: r.Application.V, Certified: r.Subject.V, Domain: r.Domain, Method: r.Method}
}

func originals(ctx context.Context, q queryer, where string, args ...any) ([]order.Original, error) {
	var rows []originalRow
	err := q.SelectContext(ctx, &rows, selectOriginals+where, args...)
	out := make([]order.Original, len(rows))
	for i, r := range rows {
		out[i] = r.original()
	}
	return out, err
}

// Identify returns the certificates that fit the name and end at or after from and before until, oldest first (G24). None is no error; too
// many are an invalid-fields fault. Names of organisations are compared as those of evidence are: without case, width and blanks. It changes nothing.
func (s *Store) Identify(ctx context.Context, name order.CertificateName, from, until time.Time) ([]order.Original, error) {
	out, err := originals(ctx, s.db, `
		WHERE c.not_after >= $1 AND c.not_after < $2 AND (c.order_number = $3 OR c.serial = $4 OR lower(o.certificate_email) = lower($5)
			OR $6::text <> '' AND plain($6) IN (plain(o.application -> 'organization' ->> 'name_ja'), plain(o.subject ->> 'organization')))
		ORDER BY c.issued_at, c.order_number, c.sequence LIMIT $7`,
		stored(from), stored(until), name.Order, name.Serial, name.Address, name.Organization, maxCandidates+1)
	if err == nil && len(out) > maxCandidates {
		return nil, tooManyFit()
	}
	return out, translate(ctx, err)
}

// reissuable returns the certificates that the request fits and that can be issued again now, one at least.
func (s *Store) reissuable(ctx context.Context, r order.NormalizedReissue) ([]order.Original, error) {
	found, err := s.Identify(ctx, r.Original, r.ExpiresOn, r.Until())
	if err != nil {
		return nil, err
	}
	fit, err := stillReissuable(found, r.Request.Reason, r.AfterCompromise, s.now())
	switch {
	case err != nil && byOrganization(r.Original, found):
		return nil, unknownOriginal() // what became of an organisation's certificates is not told to whoever knows its name
	case err != nil:
		return nil, err
	}
	for _, o := range fit {
		if err := o.AnotherKey(r.Request.Reason, r.CSR.PublicKey); err != nil {
			return nil, err
		}
	}
	return fit, translate(ctx, mayAsk(ctx, s.db, request{refs: refsOf(fit), byOrganization: byOrganization(r.Original, fit)}, s.now()))
}

// stillReissuable leaves out what cannot be issued again. If nothing is left the fault says why, of the newest.
func stillReissuable(found []order.Original, why order.ReissueReason, afterCompromise bool, at time.Time) (fit []order.Original, err error) {
	err = unknownOriginal()
	for _, o := range found {
		if refused := o.View().Reissuable(why, afterCompromise, at); refused != nil {
			err = refused
			continue
		}
		fit = append(fit, o)
	}
	if len(fit) > 0 {
		err = nil
	}
	return fit, err
}

func refsOf(originals []order.Original) []order.CertificateRef {
	out := make([]order.CertificateRef, len(originals))
	for i, o := range originals {
		out[i] = o.Ref()
	}
	return out
}

// byOrganization reports whether the certificates fit by the name of their organisation alone.
func byOrganization(n order.CertificateName, fit []order.Original) bool {
	return n.Organization != "" && !slices.ContainsFunc(fit, func(o order.Original) bool { return o.Serial == n.Serial })
}

// unknownOriginal does not tell whether the name or the day was wrong: whoever guesses learns nothing from it.
func unknownOriginal() error {
	rule := fault.Text{JA: "この内容に該当する証明書がありません。", EN: "No certificate fits what was entered."}
	remedy := fault.Text{JA: "証明書を特定する情報と有効期限の両方を、証明書の記載と照らし合わせてください。", EN: "Compare both, the name of the certificate and the day on which it ends, with the certificate."}
	return &fault.Error{
		Kind: fault.NotFound, Code: "reissue.unknown",
		Text: fault.Text{JA: "該当する証明書が見つかりません。オーダー番号などの情報と有効期限の両方をご確認ください。",
			EN: "No certificate was found. Check both what identifies it and the day on which it ends."},
		Fields: []fault.Field{{Path: "original", Code: "reissue.unknown", Rule: rule, Remedy: remedy}, {Path: "expires_on", Code: "reissue.unknown", Rule: rule, Remedy: remedy}},
	}
}

// sameName refuses a correction: a reissue has the name of its original (G25).
func sameName() error {
	return fault.New(fault.Conflict, "reissue.subject", "再発行では証明書の記載内容を訂正できません。正しい内容での新規のお申し込みをご案内ください。",
		"A reissue has the same name as its original and cannot be corrected. Ask for a new application with the correct content.")
}
