//go:build cgo

package hsm_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/ca/hsm/hsmtest"
	"securemailid.example/internal/devstack/need"
	"securemailid.example/internal/fault"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := hsmtest.Remove(); err != nil {
			code = 1
		}
		os.Exit(code)
	}))
}

// made is a key of 2048 bits, which is quicker than a CA's, in a token of its own.
func made(t *testing.T) (*hsm.Ring, *hsm.Key, hsm.URI) {
	t.Helper()
	u := hsmtest.Token(t)
	u.Object = "issuing"
	ring := &hsm.Ring{}
	t.Cleanup(func() { require.NoError(t, ring.Close()) })
	key, err := ring.Generate(u, 2048)
	require.NoError(t, err)
	return ring, key, u
}

// signs has the key sign and verifies the signature.
func signs(key *hsm.Key) error {
	digest := sha256.Sum256([]byte("to be signed"))
	signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return errors.New("not RSA")
	}
	return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], signature)
}

func TestAKeyIsMadeInsideAndFoundAgain(t *testing.T) {
	t.Parallel()
	ring, key, u := made(t)
	require.NoError(t, signs(key))

	var other hsm.Ring // as another program would
	for title, name := range map[string]hsm.URI{
		"by its label":          u,
		"by its id":             {Token: u.Token, ID: key.URI().ID, ModulePath: u.ModulePath, PINSource: u.PINSource},
		"by what is kept of it": key.URI(),
	} {
		again, err := other.Key(name)
		require.NoError(t, err, title)
		require.Equal(t, key.Public(), again.Public(), title)
		require.NoError(t, signs(again), title)
	}
	require.NoError(t, other.Close())
	require.NoError(t, signs(key), "another's end is not ours")

	_, err := ring.Generate(u, 2048)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Conflict, Code: "hsm.key-exists"})
	u.Object = "unknown"
	_, err = ring.Key(u)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.NotFound, Code: "hsm.no-key"})
	require.NoError(t, key.Delete())
	_, err = ring.Key(key.URI())
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

func TestOnlyTheProductsSignatureIsMade(t *testing.T) {
	t.Parallel()
	_, key, _ := made(t)
	digest := sha256.Sum256(nil)
	for title, row := range map[string]struct {
		digest []byte
		opts   crypto.SignerOpts
	}{
		"PSS":                      {digest[:], &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: rsa.PSSSaltLengthEqualsHash}},
		"SHA-1":                    {digest[:20], crypto.SHA1},
		"SHA-512":                  {digest[:], crypto.SHA512},
		"a digest of another size": {digest[:31], crypto.SHA256},
		"a raw message":            {digest[:], crypto.Hash(0)},
	} {
		_, err := key.Sign(rand.Reader, row.digest, row.opts)
		require.ErrorContains(t, err, "PKCS #1 v1.5 only", title)
	}
}

// pkcs11-tool stands for anyone with the PIN.
func TestTheKeyCannotLeaveTheToken(t *testing.T) {
	t.Parallel()
	tool := need.Program(t, "pkcs11-tool", "opensc")
	_, _, u := made(t)
	ask := func(args ...string) (string, error) {
		args = append([]string{"--module", u.ModulePath, "--token-label", u.Token, "--login", "--pin", hsmtest.PIN}, args...)
		out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		return string(out), err
	}
	out, err := ask("--list-objects", "--type", "privkey")
	require.NoError(t, err, out)
	require.Contains(t, out, "sensitive, always sensitive, never extractable, local")
	require.Regexp(t, `Usage: +sign\s`, out, "signs and does nothing else")

	m, slot := module(t, u)
	session, err := m.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION) // logged in already: the login is the process's
	require.NoError(t, err)
	require.NoError(t, m.FindObjectsInit(session, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PRIVATE_KEY)}))
	objects, _, err := m.FindObjects(session, 2)
	require.NoError(t, err)
	require.Len(t, objects, 1)
	require.NoError(t, m.FindObjectsFinal(session))
	_, err = m.GetAttributeValue(session, objects[0], []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_PRIVATE_EXPONENT, nil)})
	require.ErrorIs(t, err, pkcs11.Error(pkcs11.CKR_ATTRIBUTE_SENSITIVE))
}

func TestALostSessionIsMadeAnew(t *testing.T) {
	t.Parallel()
	for title, lose := range map[string]func(m *pkcs11.Ctx, slot uint) error{
		"somebody logs out": func(m *pkcs11.Ctx, slot uint) error {
			session, err := m.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
			if err != nil {
				return err
			}
			return m.Logout(session)
		},
		"all sessions end": func(m *pkcs11.Ctx, slot uint) error { return m.CloseAllSessions(slot) },
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, key, u := made(t)
			require.NoError(t, lose(module(t, u)))
			require.NoError(t, signs(key))
			require.NoError(t, lose(module(t, u)))
			var wait sync.WaitGroup
			errs := make([]error, 8)
			for i := range errs {
				wait.Go(func() { errs[i] = signs(key) })
			}
			wait.Wait()
			require.NoError(t, errors.Join(errs...), "all who sign at that moment share one new connection")
		})
	}
}

// module returns this process's module and the token's slot in it.
func module(t *testing.T, u hsm.URI) (*pkcs11.Ctx, uint) {
	t.Helper()
	m := pkcs11.New(u.ModulePath)
	t.Cleanup(m.Destroy)
	slots, err := m.GetSlotList(true)
	require.NoError(t, err)
	for _, slot := range slots {
		info, err := m.GetTokenInfo(slot)
		require.NoError(t, err)
		if info.Label == u.Token {
			return m, slot
		}
	}
	require.Fail(t, "no such token")
	return nil, 0
}

//nolint:paralleltest // while a token is away SoftHSM2 does not list the others either
func TestADrawnTokenIsUnavailableUntilItIsBack(t *testing.T) {
	_, key, u := made(t)
	dir := tokenDir(t, u.Token)
	away := filepath.Join(hsmtest.Store(t), "..", "away")
	m, slot := module(t, u)
	require.NoError(t, os.Rename(dir, away))
	require.NoError(t, m.CloseAllSessions(slot)) // as a reader does when its card is drawn
	for range 2 {
		err := signs(key)
		require.Equal(t, fault.Unavailable, fault.KindOf(err), "%v", err)
	}
	require.NoError(t, os.Rename(away, dir))
	require.NoError(t, signs(key))
}

// tokenDir finds the token's directory by the label in its first object.
func tokenDir(t *testing.T, label string) (dir string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(hsmtest.Store(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "token.object" {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(label)) {
			dir = filepath.Dir(path)
		}
		return err
	}))
	require.NotEmpty(t, dir)
	return dir
}

func TestAWrongPINIsTriedOnce(t *testing.T) {
	t.Parallel()
	u := hsmtest.Token(t)
	u.Object, u.PINSource = "issuing", filepath.Join(t.TempDir(), "pin")
	require.NoError(t, os.WriteFile(u.PINSource, []byte("wrong-pin-11\n"), 0o600))
	var ring hsm.Ring
	_, err := ring.Key(u)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "hsm.pin-refused"})
	require.NotContains(t, everything(err), "wrong-pin-11")
}

func TestAPINThatWasChangedIsTriedOnceUntilARestart(t *testing.T) {
	t.Parallel()
	u := hsmtest.Token(t)
	u.Object, u.PINSource = "issuing", filepath.Join(t.TempDir(), "pin")
	pin := func(text string) { require.NoError(t, os.WriteFile(u.PINSource, []byte(text), 0o600)) }
	pin(hsmtest.PIN)
	ring := &hsm.Ring{}
	t.Cleanup(func() { require.NoError(t, ring.Close()) })
	key, err := ring.Generate(u, 2048)
	require.NoError(t, err)

	pin("wrong-pin-11")
	m, slot := module(t, u)
	require.NoError(t, m.CloseAllSessions(slot))
	require.Equal(t, fault.Unavailable, fault.KindOf(signs(key)))
	pin(hsmtest.PIN)
	err = signs(key)
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "to whoever waits it may come back")
	require.Contains(t, everything(err), "not tried again")

	restarted := &hsm.Ring{}
	t.Cleanup(func() { require.NoError(t, restarted.Close()) })
	again, err := restarted.Key(u)
	require.NoError(t, err)
	require.NoError(t, signs(again))
}

func TestThePINsFileIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	u, dir := hsmtest.Token(t), t.TempDir()
	u.Object = "issuing"
	for name, row := range map[string]struct {
		mode os.FileMode
		text string
		code string
	}{
		"group":   {0o640, hsmtest.PIN, "hsm.pin-mode"},
		"others":  {0o604, hsmtest.PIN, "hsm.pin-mode"},
		"empty":   {0o600, "\n", "hsm.pin"},
		"endless": {0o600, string(bytes.Repeat([]byte("1"), 300)), "hsm.pin"},
	} {
		u.PINSource = filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(u.PINSource, []byte(row.text), row.mode))
		var ring hsm.Ring
		_, err := ring.Key(u)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: row.code}, name)
		require.NotContains(t, everything(err), hsmtest.PIN)
	}
	u.PINSource = filepath.Join(dir, "missing")
	var ring hsm.Ring
	_, err := ring.Key(u)
	require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "hsm.pin"})
}

func TestWhatIsNotThereIsUnavailable(t *testing.T) {
	t.Parallel()
	u := hsmtest.Token(t)
	u.Object = "issuing"
	for title, change := range map[string]func(*hsm.URI){
		"a module that is not there": func(u *hsm.URI) { u.ModulePath = "/nonexistent/module.so" },
		"a token that is not there":  func(u *hsm.URI) { u.Token = "Elsewhere" },
	} {
		v := u
		change(&v)
		var ring hsm.Ring
		_, err := ring.Key(v)
		require.Equal(t, fault.Unavailable, fault.KindOf(err), "%s: %v", title, err)
	}
	for title, change := range map[string]func(*hsm.URI){
		"no token": func(u *hsm.URI) { u.Token = "" }, "no module": func(u *hsm.URI) { u.ModulePath = "" },
		"no PIN": func(u *hsm.URI) { u.PINSource = "" }, "no key": func(u *hsm.URI) { u.Object = "" },
		"a label and a serial number": func(u *hsm.URI) { u.Serial = "1" },
	} {
		v := u
		change(&v)
		var ring hsm.Ring
		_, err := ring.Key(v)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%s: %v", title, err)
	}
}

// everything is an error with all its causes, as a log would have it.
func everything(err error) string {
	var all string
	for ; err != nil; err = errors.Unwrap(err) {
		all += err.Error() + "\n"
	}
	return all
}
