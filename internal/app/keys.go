package app

import (
	"context"

	"securemailid.example/internal/csr"
)

// keyRecords knows the keys that revocations have blocked.
type keyRecords interface {
	KeyBlocked(ctx context.Context, key [32]byte) (bool, error)
}

// keyCheck asks the operator's file and the record about the key of one form. A csr.Blocklist cannot fail; whoever hands a keyCheck out as one
// looks at Err afterwards, because a key that could not be looked up is not a good key.
type keyCheck struct {
	ctx     context.Context //nolint:containedctx // lives as long as the call that it is made for
	file    csr.Blocklist   // nil: none
	records keyRecords
	Err     error
}

// Compromised implements csr.Blocklist.
func (k *keyCheck) Compromised(key [32]byte) bool {
	if k.file != nil && k.file.Compromised(key) {
		return true
	}
	blocked, err := k.records.KeyBlocked(k.ctx, key)
	if err != nil {
		k.Err = err
	}
	return blocked
}
