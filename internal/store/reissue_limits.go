package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// askedADay is how many reissues of one certificate may be asked for in a day, by whomever: each request is a mail to the certificate's holder
// and a receipt to whatever address was typed. Beyond it the request is refused, not the mail left out: nobody asks for somebody's certificate
// behind their back.
const askedADay = 5

// request is a wish for the reissue of one of some certificates.
type request struct {
	number         string // empty while it has none
	refs           []order.CertificateRef
	byOrganization bool // they were named by their organisation, which anybody knows: it holds none before staff have chosen
}

// mayAsk returns why the reissue cannot be asked for now, or nil. Another open request holds the certificates that it is or may be of. A request
// that was never accepted holds nothing and counts for nothing; those by the name of an organisation count among themselves.
func mayAsk(ctx context.Context, q queryer, r request, at time.Time) error {
	orders, sequences := columnsOf(r.refs)
	var others struct {
		Held   bool
		Lately int
	}
	err := q.GetContext(ctx, &others, `
		SELECT coalesce(bool_or(state NOT IN ('issued', 'rejected', 'cancelled', 'expired')), false) AND NOT $5 AS held, coalesce(max(lately), 0) AS lately
		FROM (
			SELECT o.state, count(*) FILTER (WHERE o.created_at > $4) OVER (PARTITION BY k.order_number, k.sequence) AS lately
			FROM reissue_candidates k JOIN reissues r USING (number) JOIN orders o USING (number)
			WHERE k.number <> $1 AND (k.order_number, k.sequence) IN (SELECT * FROM unnest($2::text[], $3::int[]))
				AND CASE WHEN $5 THEN r.by_organization
					ELSE r.original_order IS NULL AND NOT r.by_organization OR (r.original_order, r.original_sequence) = (k.order_number, k.sequence) END
		) AS asked`,
		r.number, orders, sequences, stored(at.Add(-24*time.Hour)), r.byOrganization)
	switch {
	case err != nil:
		return err
	case others.Held:
		return underWay()
	case others.Lately >= askedADay:
		return askedTooOften()
	default:
		return nil
	}
}

// free returns nil if staff can choose the certificate: no other open request holds it. Choices and acceptances come one after the other by its row.
func (c *change) free(ctx context.Context, number string, ref order.CertificateRef) error {
	if _, err := c.ExecContext(ctx, `SELECT FROM certificates WHERE order_number = $1 AND sequence = $2 FOR NO KEY UPDATE`, ref.Order, ref.Sequence); err != nil {
		return err
	}
	var holder string
	err := c.GetContext(ctx, &holder, `
		SELECT number FROM reissue_candidates k JOIN reissues r USING (number) JOIN orders o USING (number)
		WHERE k.number <> $1 AND (k.order_number, k.sequence) = ($2, $3) AND o.state NOT IN ('issued', 'rejected', 'cancelled', 'expired')
			AND (r.original_order IS NULL AND NOT r.by_organization OR (r.original_order, r.original_sequence) = ($2, $3)) LIMIT 1`, number, ref.Order, ref.Sequence)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	default:
		return fault.New(fault.Conflict, "reissue.held", "この証明書には、手続き中の別の再発行 (オーダー "+holder+") があります。そちらを先に終えるか、却下してください。",
			"Another reissue of this certificate is under way, order "+holder+". Let it end, or reject it, first.")
	}
}

// underWay tells whoever comes second what to do; not who came first, nor under which number.
func underWay() error {
	return fault.New(fault.Conflict, "reissue.under-way",
		"この証明書の再発行は既に申請されており、当社での確認または手続きの途中です。今回の内容は受け付けていません。同じ組織の方が申請していないかご確認ください。証明書のメールアドレスと元のお申し込みの技術担当者には、申請があったことをメールでお知らせしています。お心当たりがない場合やお急ぎの場合は、証明書のシリアル番号または元のオーダー番号を添えてサポートにご連絡ください。",
		"A reissue of this certificate has been asked for already and is being reviewed or carried out; this request has not been accepted. Please ask within your "+
			"organisation whether somebody has applied: the certificate's address and the technical contact of its order were told by mail. If nobody has, or if it is urgent, "+
			"contact our support with the certificate's serial number or order number.")
}

func askedTooOften() error {
	return fault.New(fault.TooMany, "reissue.too-often",
		"この証明書の再発行は、この24時間に何度も申請されています。今回の内容は受け付けていません。明日以降にあらためて申請するか、証明書のシリアル番号または元のオーダー番号を添えてサポートにご連絡ください。",
		"Reissues of this certificate have been asked for several times within 24 hours; this request has not been accepted. Please try again tomorrow, or contact our "+
			"support with the certificate's serial number or order number.")
}

func tooManyFit() error {
	return fault.InvalidFields([]fault.Field{{
		Path: "original", Code: "reissue.too-many",
		Rule:   fault.Text{JA: "該当する証明書が多すぎます。", EN: "Too many certificates fit."},
		Remedy: fault.Text{JA: "オーダー番号またはシリアル番号で指定してください。", EN: "Give the order number or the serial number."},
	}})
}
