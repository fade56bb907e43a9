package portal

import (
	"net/http"
	"time"

	"github.com/go-chi/httprate"
)

// voucherGuard keeps voucher numbers from being guessed. It counts refusals only, so that people with good vouchers are never stopped
// by their own work.
//
// With the defaults one address learns of at most 10 numbers an hour whether they can be used, and everybody together of 600, which is
// 5.3 million a year for each portal process, against 10^15 coupons with a right check digit (a voucher code has 2^155 forms). If a million
// unused coupons were about, all guessers of a year together would hit one with a probability of 0.5 %. Requests that are under way
// when a limit is reached still get their answer: as many as the portal answers at once, a few hundred at most.
type voucherGuard struct {
	address, all           *httprate.RateLimiter
	addressLimit, allLimit float64
}

// everybody is the key of the count of all addresses together.
const everybody = "all"

func newVoucherGuard(l Limits) voucherGuard {
	return voucherGuard{
		address: httprate.NewRateLimiter(l.VoucherRefusals, time.Hour), addressLimit: float64(l.VoucherRefusals),
		all: httprate.NewRateLimiter(l.VoucherRefusalsInAll, time.Hour), allLimit: float64(l.VoucherRefusalsInAll),
	}
}

// exhausted reports whether no more numbers are looked up for this address at present.
func (g voucherGuard) exhausted(client string) bool {
	_, rate, err := g.address.Status(client)
	_, total, allErr := g.all.Status(everybody)
	return err != nil || allErr != nil || rate+1 > g.addressLimit || total+1 > g.allLimit
}

// refused counts a number that cannot be used.
func (g voucherGuard) refused(w http.ResponseWriter, r *http.Request, client string) {
	g.address.OnLimit(w, r, client)
	g.all.OnLimit(w, r, everybody)
}
