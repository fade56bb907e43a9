package store

import (
	"context"
	"encoding/hex"
	"slices"

	"github.com/google/uuid"
	"github.com/lib/pq"

	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
)

// confine keeps a mere claim from reaching other people's certificates. A CSR is no secret: whoever has somebody else's can have the key in
// it certified for an organisation of their own, and then say that it is compromised. So the claim covers the claimant's certificates, those of
// the same organisation and representative; the others with the key are returned as foreign, and the key is not blocked while there are any.
func (c *change) confine(ctx context.Context, r order.RevocationRequest, t targets) (own targets, foreign []targetRow, err error) {
	if !r.Claimed() || len(t.named) == 0 {
		return t, nil, nil
	}
	var numbers []string
	if err := c.SelectContext(ctx, &numbers, `
		SELECT o.number FROM orders o JOIN orders mine ON mine.number = $1
		WHERE o.number = ANY ($2) AND (o.number = mine.number
			OR o.organization_key = mine.organization_key AND o.representative_key = mine.representative_key)`,
		t.named[0].Order, pq.Array(t.orders())); err != nil {
		return t, nil, err
	}
	own = t
	own.certificates = nil
	for _, each := range t.certificates {
		if slices.Contains(numbers, each.Order) {
			own.certificates = append(own.certificates, each)
		} else {
			foreign = append(foreign, each)
		}
	}
	if len(foreign) > 0 {
		own.keys, own.blockedBy = nil, nil
	}
	return own, foreign, nil
}

// reportClaim puts the certificates that a claim does not cover before staff, as a problem report with the claim's clock: once for each
// certificate whose holder claims something about the key.
func (c *change) reportClaim(ctx context.Context, r order.RevocationRequest, named targetRow, foreign []targetRow) error {
	foreign = slices.DeleteFunc(slices.Clone(foreign), func(f targetRow) bool { return !f.changes(r.Reason) })
	if len(foreign) == 0 {
		return nil
	}
	report := order.RevocationRequest{
		ID:     uuid.NewSHA1(uuid.NameSpaceOID, []byte("claim by "+named.Serial+" about key "+hex.EncodeToString(named.Key))).String(),
		Origin: order.RevocationByStaff, Actor: system, Reason: r.Reason, Undecided: true, At: r.At, DueAt: r.DueAt,
		Note: "オーダー " + named.Order + " の証明書について秘密鍵の漏えいの申し出があり、失効しました。この証明書は同じ鍵で、別の申請団体のものです。" +
			" / The holder of order " + named.Order + "'s certificate, which is revoked, says that its key is compromised. This certificate, of another organisation, has the same key.",
	}
	if _, err := revocation(ctx, c, report.ID); fault.KindOf(err) != fault.NotFound {
		return err
	}
	return c.keepRequest(ctx, report, targets{certificates: foreign, named: foreign})
}
