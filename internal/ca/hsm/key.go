//go:build cgo

package hsm

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"sync"

	"github.com/ThalesGroup/crypto11"

	"securemailid.example/internal/fault"
)

// Key is an RSA key in a token. It meets crypto.Signer, is safe for concurrent use, and finds itself again after a lost connection.
type Key struct {
	token  *Token
	uri    URI
	public *rsa.PublicKey

	mu    sync.Mutex
	pair  crypto11.SignerDecrypter // of the epoch
	epoch int
}

// URI names the key.
func (k *Key) URI() URI { return k.uri }

// Public returns the *rsa.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Sign signs a SHA-256 digest by PKCS #1 v1.5 and nothing else: that is the product's signature (G5), and it is the same each time. A
// token that does not answer is a fault of kind Unavailable; the next call tries it anew.
func (k *Key) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) (signature []byte, err error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || opts.HashFunc() != crypto.SHA256 || len(digest) != sha256.Size {
		return nil, errors.New("hsm: the key signs SHA-256 digests by PKCS #1 v1.5 only")
	}
	err = k.token.retry(func(ctx *crypto11.Context, epoch int) error {
		pair, err := k.find(ctx, epoch)
		if err != nil {
			return err
		}
		if signature, err = pair.Sign(rand, digest, crypto.SHA256); err != nil {
			return unavailable(err)
		}
		return nil
	})
	if err != nil && fault.KindOf(err) != fault.Unavailable { // such as a PIN that was changed: for whoever waits for the signature it is the same
		err = unavailable(err)
	}
	return signature, err
}

// Delete removes both halves from the token. It is for a ceremony that fails: a key that nothing was certified for.
func (k *Key) Delete() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair == nil {
		return nil
	}
	if err := k.pair.Delete(); err != nil {
		return unavailable(err)
	}
	k.pair = nil
	return nil
}

// find returns the pair's handles for the epoch. After a reconnection it must be the key that it was.
func (k *Key) find(ctx *crypto11.Context, epoch int) (crypto11.SignerDecrypter, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair != nil && k.epoch == epoch {
		return k.pair, nil
	}
	found, err := ctx.FindRSAKeyPairs([]byte(k.uri.ID), []byte(k.uri.Object))
	switch {
	case err != nil:
		return nil, unavailable(err)
	case len(found) == 0 && k.public != nil:
		return nil, unavailable(errors.New("the key is not there any more"))
	case len(found) == 0:
		return nil, fault.New(fault.NotFound, "hsm.no-key", "HSM に RSA 鍵 (秘密鍵と公開鍵の組) が見つかりません。", "There is no such RSA key, with its public half, in the HSM.")
	case len(found) > 1:
		return nil, fault.New(fault.Conflict, "hsm.many-keys", "HSM に該当する鍵が複数あります。id で指定してください。", "Several keys in the HSM have this name: select one by id.")
	}
	if err := k.setPublic(found[0].Public()); err != nil {
		return nil, err
	}
	k.pair, k.epoch = found[0], epoch
	return k.pair, nil
}

// hold keeps the handles of a key that was just made.
func (k *Key) hold(pair crypto11.SignerDecrypter, epoch int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pair, k.epoch = pair, epoch
}

// setPublic keeps the public half, once.
func (k *Key) setPublic(public crypto.PublicKey) error {
	key, ok := public.(*rsa.PublicKey)
	switch {
	case !ok:
		return errors.New("hsm: the key is not RSA")
	case k.public != nil && !k.public.Equal(key):
		return errors.New("hsm: another key has taken the place of this one")
	}
	k.public = key
	return nil
}
