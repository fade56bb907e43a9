package portal

import (
	"net/http"
	"time"

	"github.com/go-chi/httprate"
)

// guard keeps voucher numbers and certificates from being guessed. It counts refusals only, so that people who know what they enter are
// never stopped by their own work.
//
// Of vouchers: with the defaults one address learns of at most 10 numbers an hour whether they can be used, and everybody together of 600, which is
// 5.3 million a year for each portal process, against 10^15 coupons with a right check digit (a voucher code has 2^155 forms). If a million
// unused coupons were about, all guessers of a year together would hit one with a probability of 0.5 %. Requests that are under way
// when a limit is reached still get their answer: as many as the portal answers at once, a few hundred at most.
type guard struct {
	address, all           *httprate.RateLimiter
	addressLimit, allLimit float64
}

// everybody is the key of the count of all addresses together.
const everybody = "all"

// newGuard allows so many refusals an hour.
func newGuard(ofOneAddress, inAll int) guard {
	return guard{
		address: httprate.NewRateLimiter(ofOneAddress, time.Hour), addressLimit: float64(ofOneAddress),
		all: httprate.NewRateLimiter(inAll, time.Hour), allLimit: float64(inAll),
	}
}

// exhausted reports whether nothing more is looked up for this address at present.
func (g guard) exhausted(client string) bool {
	_, total, err := g.all.Status(everybody)
	return err != nil || total+1 > g.allLimit || g.exhaustedBy(client)
}

// exhaustedBy is exhausted for what nobody can guess, whatever others have tried: they must not be able to close the door to everybody.
func (g guard) exhaustedBy(client string) bool {
	_, rate, err := g.address.Status(client)
	return err != nil || rate+1 > g.addressLimit
}

// refused counts one that was wrong.
func (g guard) refused(w http.ResponseWriter, r *http.Request, client string) {
	g.address.OnLimit(w, r, client)
	g.all.OnLimit(w, r, everybody)
}
