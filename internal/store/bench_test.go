package store_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/order"
)

// BenchmarkAccept is one acceptance: voucher, order, letter and audit line in one statement.
func BenchmarkAccept(b *testing.B) {
	r := newRecord(b)
	hashes := r.vouchers(b.N)
	as := make([]order.Acceptance, b.N)
	for i, h := range hashes {
		sub := submission(h)
		number, _, err := r.ReserveNumber(r.ctx(), sub)
		require.NoError(b, err)
		as[i] = acceptance(number, sub, noon)
	}
	var next atomic.Int64
	b.SetParallelism(4)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if err := r.Accept(r.ctx(), as[next.Add(1)-1]); err != nil {
				b.Error(err)
			}
		}
	})
}
