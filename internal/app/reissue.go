package app

import (
	"cmp"
	"context"

	"securemailid.example/internal/order"
)

// Reissue validates the form (G24), finds the certificate that it names and hands the request in: it becomes an order of its own,
// which waits for its review (G26). A certificate that is not found, has ended or was revoked, or of which another reissue is under way
// is a fault that says what to do. An empty key becomes a digest of the normalised form, as for Submit.
func (d *Desk) Reissue(ctx context.Context, r order.ReissueRequest, key string) (order.Receipt, error) {
	keys := &keyCheck{ctx: ctx, file: d.Blocked, records: d.Records}
	n, err := order.ValidateReissue(r, d.limits(keys))
	if err := cmp.Or(keys.Err, err); err != nil {
		return order.Receipt{}, err
	}
	if key == "" {
		if key, err = digest(n.Request, nil); err != nil {
			return order.Receipt{}, err
		}
	}
	return d.Orders.Submit(ctx, order.Submission{Key: key, Request: &n})
}

// CheckReissue validates the form as Reissue does and returns its normal form. It asks nobody, so it cannot tell whether there is such a
// certificate.
func (d *Desk) CheckReissue(_ context.Context, r order.ReissueRequest) (order.ReissueRequest, error) {
	n, err := order.ValidateReissue(r, d.limits(d.Blocked))
	return n.Request, err
}
