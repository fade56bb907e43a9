// Package voucher is the right to one certificate, bought beforehand (G1, G2): batches, codes and how a code is recognised
// without being stored. It is pure: no clock, no database; randomness is passed in.
package voucher

import "time"

// Kind is one of the two forms of a code (G2).
type Kind string

const (
	Coupon      Kind = "coupon"  // 16 digits
	VoucherCode Kind = "voucher" // 32 characters
)

// Kinds lists both forms, in the order of the guide.
var Kinds = []Kind{Coupon, VoucherCode}

// State is what became of a voucher. The strings are stored and shown: they are an API.
type State string

const (
	Unused    State = "unused"
	Used      State = "used"
	Expired   State = "expired"
	Cancelled State = "cancelled"
)

// States lists every state, in the order of a voucher's life.
var States = []State{Unused, Used, Expired, Cancelled}

// Batch is a number of vouchers issued together to one reseller. All its vouchers are of one kind and one validity.
type Batch struct {
	ID            string // UUID
	Reseller      string
	Kind          Kind
	ValidityYears int // of the certificate that a voucher buys: 1 or 2 (G4)
	Count         int // vouchers in the batch
	ExpiresAt     time.Time
	CreatedAt     time.Time
	CreatedBy     string // the actor
}

// Voucher is one voucher as the record keeps it: recognisable by the hash of its code, never the code itself.
type Voucher struct {
	ID            string // UUID, no secret
	Batch         string
	Hash          []byte // Hasher.Hash of the code; unique
	Masked        string // Code.String, for people
	Kind          Kind
	ValidityYears int
	State         State  // as stored: Unused, Used or Cancelled; see StateAt
	Order         string // the order that used it; empty unless used
	CreatedAt     time.Time
	ExpiresAt     time.Time
	UsedAt        time.Time // zero unless used
	CancelledAt   time.Time // zero unless cancelled
}

// StateAt returns the state at t. Expiry is a matter of the clock and needs no write: an unused voucher has expired from
// ExpiresAt on. A used or cancelled one stays what it is.
func (v Voucher) StateAt(t time.Time) State {
	if v.State == Unused && !t.Before(v.ExpiresAt) {
		return Expired
	}
	return v.State
}
