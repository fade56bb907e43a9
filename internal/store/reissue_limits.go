package store

import (
	"context"
	"time"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// askedADay is how many reissues of one certificate may be asked for in a day, by whomever: each request is a mail to the certificate's holder
// and a receipt to whatever address was typed. Beyond it the request is refused, not the mail left out: nobody asks for somebody's certificate
// behind their back.
const askedADay = 5

// mayAsk returns why no reissue of the certificates can be asked for now, or nil. Another open request holds those that it is or may be of. A
// request that was never accepted holds nothing and counts for nothing.
func mayAsk(ctx context.Context, q queryer, number string, refs []order.CertificateRef, at time.Time) error {
	orders, sequences := columnsOf(refs)
	var others struct {
		Held   bool
		Lately int
	}
	err := q.GetContext(ctx, &others, `
		SELECT coalesce(bool_or(state NOT IN ('issued', 'rejected', 'cancelled', 'expired')), false) AS held, coalesce(max(lately), 0) AS lately
		FROM (
			SELECT o.state, count(*) FILTER (WHERE o.created_at > $4) OVER (PARTITION BY k.order_number, k.sequence) AS lately
			FROM reissue_candidates k JOIN reissues r USING (number) JOIN orders o USING (number)
			WHERE k.number <> $1 AND (k.order_number, k.sequence) IN (SELECT * FROM unnest($2::text[], $3::int[]))
				AND (r.original_order IS NULL OR (r.original_order, r.original_sequence) = (k.order_number, k.sequence))
		) AS asked`,
		number, orders, sequences, stored(at.Add(-24*time.Hour)))
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
