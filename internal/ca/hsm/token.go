//go:build cgo

package hsm

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"securemailid.example/internal/fault"
)

// sessions is how many signatures a token makes at a time, and one more that keeps the login alive. sessionWait bounds the wait
// for one.
const (
	sessions    = 9
	sessionWait = 20 * time.Second
)

// Token is a connection to one token: logged in, and made anew when it was lost.
type Token struct {
	uri URI

	mu      sync.RWMutex      // held for reading while the token works, so that nobody is cut off by a reconnection
	ctx     *crypto11.Context // nil while there is no connection
	epoch   int               // counts connections: object handles hold for one
	refused error             // the PIN was refused; tokens lock themselves after a few attempts, so there is no other
}

func openToken(u URI) (*Token, error) {
	t := &Token{uri: u}
	if err := t.connect(0); err != nil {
		return nil, err
	}
	return t, nil
}

// connect replaces the connection of the given epoch, unless somebody else has done so already.
func (t *Token) connect(lost int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.epoch != lost {
		return nil
	}
	if t.refused != nil {
		return t.refused
	}
	if t.ctx != nil {
		_ = t.ctx.Close() // what is lost cannot say goodbye
		t.ctx = nil
	}
	pin, err := readPIN(t.uri.PINSource)
	if err != nil {
		return err
	}
	ctx, err := crypto11.Configure(&crypto11.Config{
		Path: t.uri.ModulePath, TokenLabel: t.uri.Token, TokenSerial: t.uri.Serial, Pin: pin, MaxSessions: sessions, PoolWaitTimeout: sessionWait,
	})
	if err != nil {
		return t.failed(err)
	}
	t.ctx, t.epoch = ctx, t.epoch+1
	return nil
}

// failed says why there is no connection. A PIN that was refused once is not tried again.
func (t *Token) failed(err error) error {
	if code, ok := errors.AsType[pkcs11.Error](err); ok {
		switch code {
		case pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED:
			t.refused = fault.New(fault.Invalid, "hsm.pin-refused",
				"HSM が PIN を受け付けません。ロックを避けるため再試行しません。pin-source を確認し、再起動してください。",
				"The HSM refuses the PIN. To keep it from locking it is not tried again: check pin-source and start again.").Because(err)
			return t.refused
		}
	}
	return unavailable(err)
}

// use calls do with the connection; what do is given must not be kept beyond its epoch.
func (t *Token) use(do func(ctx *crypto11.Context, epoch int) error) (epoch int, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.ctx == nil {
		return t.epoch, unavailable(errors.New("there is no connection"))
	}
	return t.epoch, do(t.ctx, t.epoch)
}

// retry is use, and once more after a new connection if that failed: a session that was lost (the token was drawn, somebody logged out, the
// module was restarted) does not come back by itself.
func (t *Token) retry(do func(ctx *crypto11.Context, epoch int) error) error {
	epoch, err := t.use(do)
	if err == nil || fault.Permanent(err) {
		return err
	}
	if err := t.connect(epoch); err != nil {
		return err
	}
	_, err = t.use(do)
	return err
}

func (t *Token) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ctx == nil {
		return nil
	}
	err := t.ctx.Close()
	t.ctx = nil
	return err
}

// key finds the key and its public half.
func (t *Token) key(u URI) (*Key, error) {
	k := &Key{token: t, uri: u}
	err := t.retry(func(ctx *crypto11.Context, epoch int) error {
		_, err := k.find(ctx, epoch)
		return err
	})
	if err != nil {
		return nil, err
	}
	return k, nil
}

// generate makes a key pair in the token and checks that the token holds it as asked.
func (t *Token) generate(u URI, bits int) (*Key, error) {
	var id [20]byte
	_, _ = rand.Read(id[:]) // never fails since Go 1.24
	u.ID = string(id[:])
	k := &Key{token: t, uri: u}
	_, err := t.use(func(ctx *crypto11.Context, epoch int) error { // never twice: a key that was made unseen would stay for ever
		switch found, err := ctx.FindRSAKeyPairs(nil, []byte(u.Object)); {
		case err != nil:
			return unavailable(err)
		case len(found) > 0:
			return fault.New(fault.Conflict, "hsm.key-exists", "この名前の鍵が HSM に既にあります。上書きしません。", "There is a key of this name in the HSM already. It is not replaced.")
		}
		public, private, err := templates(u)
		if err != nil {
			return err
		}
		pair, err := ctx.GenerateRSAKeyPairWithAttributes(public, private, bits)
		if err != nil {
			return unavailable(err)
		}
		k.hold(pair, epoch)
		return errors.Join(checkSealed(ctx, pair), k.setPublic(pair.Public()))
	})
	if err != nil {
		return nil, errors.Join(err, k.Delete())
	}
	return k, nil
}

// templates ask for a key that signs and does nothing else, and that never leaves the token (SBR 6.2.6, 6.2.7).
func templates(u URI) (public, private crypto11.AttributeSet, err error) {
	if public, err = crypto11.NewAttributeSetWithIDAndLabel([]byte(u.ID), []byte(u.Object)); err != nil {
		return nil, nil, fmt.Errorf("hsm: key template: %w", err)
	}
	private = public.Copy()
	for _, a := range []struct {
		set   crypto11.AttributeSet
		typ   crypto11.AttributeType
		value bool
	}{
		{public, crypto11.CkaEncrypt, false}, {public, crypto11.CkaVerify, true},
		{private, crypto11.CkaPrivate, true}, {private, crypto11.CkaSensitive, true}, {private, crypto11.CkaExtractable, false},
		{private, crypto11.CkaSign, true}, {private, crypto11.CkaDecrypt, false}, {private, crypto11.CkaUnwrap, false},
	} {
		if err := a.set.Set(a.typ, a.value); err != nil {
			return nil, nil, fmt.Errorf("hsm: key template: %w", err)
		}
	}
	return public, private, nil
}

// checkSealed asks the token what it made: a key that was ever outside, or could get there, is refused.
func checkSealed(ctx *crypto11.Context, pair crypto11.Signer) error {
	for typ, want := range map[crypto11.AttributeType]byte{
		crypto11.CkaSensitive: 1, crypto11.CkaAlwaysSensitive: 1, crypto11.CkaNeverExtractable: 1, crypto11.CkaLocal: 1, crypto11.CkaExtractable: 0,
	} {
		a, err := ctx.GetAttribute(pair, typ)
		if err != nil {
			return unavailable(err)
		}
		if len(a.Value) != 1 || a.Value[0] != want {
			return fault.New(fault.Conflict, "hsm.extractable", "HSM が作った鍵は取り出し可能なため使えません。", "The HSM made a key that could leave it, so it is not used.")
		}
	}
	return nil
}

// unavailable names PKCS #11's reason, which holds no value of ours.
func unavailable(err error) error {
	reason := ""
	if code, ok := errors.AsType[pkcs11.Error](err); ok {
		reason = " " + code.Error()
	}
	return fault.New(fault.Unavailable, "hsm.unavailable", "HSM を使用できません。"+reason, "The HSM cannot be used."+reason).Because(err)
}
