//go:build cgo

package app

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/pkcs11"
	"github.com/stretchr/testify/require"

	"securemailid.example/internal/ca"
	"securemailid.example/internal/ca/catest"
	"securemailid.example/internal/ca/ceremony"
	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/ca/hsm/hsmtest"
	"securemailid.example/internal/config"
	"securemailid.example/internal/fault"
	"securemailid.example/internal/order"
	"securemailid.example/internal/policy"
	"securemailid.example/internal/store/storetest"
)

func TestMain(m *testing.M) {
	code := storetest.Main(m)
	if err := hsmtest.Remove(); err != nil {
		code = 1
	}
	os.Exit(code)
}

func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// The way from keys in files to keys in an HSM: the first CA's key is a file, the second's is inside, and both work in one authority.
func TestAnAuthorityThatRolledOverIntoAnHSM(t *testing.T) {
	t.Parallel()
	token, dir, ctx := hsmtest.Token(t), t.TempDir(), t.Context()
	token.Object = "issuing-2"
	spec, err := ceremony.Parse(strings.NewReader(ceremony.Example()))
	require.NoError(t, err)
	first, err := ceremony.Run(ctx, spec, dir, noon, rand.Reader, nil)
	require.NoError(t, err)
	book, _ := policy.Open(policy.Guide)
	settings := config.CA{Dir: dir, URL: "http://ca.example.jp", PolicyOID: spec.PolicyOID}
	old, err := LoadAuthority(settings, book, "", noon)
	require.NoError(t, err)
	reserved, err := old.Prepare(ctx, catest.Request(t))
	require.NoError(t, err)

	later := func() time.Time { return noon().AddDate(1, 0, 0) }
	spec.Issuing.Subject.CommonName += " 2"
	spec.Issuing.HSM = token.String()
	second, err := ceremony.Rollover(ctx, spec, dir, "", later, rand.Reader, nil)
	require.NoError(t, err)
	a, err := LoadAuthority(settings, book, "", later)
	require.NoError(t, err)
	require.Len(t, a.All(), 2)
	require.Equal(t, ca.IssuerID(second.Issuing), a.Active().ID())

	_, err = a.Sign(ctx, reserved)
	require.NoError(t, err, "what the old CA sealed, the old key signs")
	fresh, err := a.Prepare(ctx, catest.Request(t))
	require.NoError(t, err)
	der, err := a.Sign(ctx, fresh)
	require.NoError(t, err)
	for _, c := range a.All() {
		_, err := c.CRL(ctx, order.CRLDraft{Number: 1, At: later()})
		require.NoError(t, err)
	}

	logOut(t, token)
	again, err := a.Sign(ctx, fresh)
	require.NoError(t, err, "the lost session is made anew")
	require.Equal(t, der, again, "and the certificate is the same, bit for bit")

	moved := filepath.Join(t.TempDir(), "pin")
	require.NoError(t, os.WriteFile(moved, []byte(hsmtest.PIN), 0o600))
	settings.KeyURI = "pkcs11:?pin-source=" + moved
	_, err = LoadAuthority(settings, book, "", later)
	require.NoError(t, err, "the machine says where its PIN is")

	afterTheFirst := func() time.Time { return first.Issuing.NotAfter.Add(time.Second) }
	a, err = LoadAuthority(settings, book, "", afterTheFirst)
	require.NoError(t, err)
	require.Len(t, a.All(), 1, "an expired issuing CA has nothing left to do")
	require.NoError(t, os.Remove(filepath.Join(dir, ceremony.IssuingKey)))
	_, err = LoadAuthority(settings, book, "", afterTheFirst)
	require.NoError(t, err, "and its key may be destroyed")
	_, err = LoadAuthority(settings, book, "", later)
	require.ErrorContains(t, err, "issuing: ca: open key", "but not before")
}

// logOut ends the login of the whole process, as a colleague with the token's administration may.
func logOut(t *testing.T, u hsm.URI) {
	t.Helper()
	m := pkcs11.New(u.ModulePath)
	defer m.Destroy()
	slots, err := m.GetSlotList(true)
	require.NoError(t, err)
	for _, slot := range slots {
		info, err := m.GetTokenInfo(slot)
		require.NoError(t, err)
		if info.Label == u.Token {
			session, err := m.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION)
			require.NoError(t, err)
			require.NoError(t, m.Logout(session))
			return
		}
	}
	require.Fail(t, "no such token")
}

func TestSettingsOfTheHSMAreRead(t *testing.T) {
	t.Parallel()
	book, _ := policy.Open(policy.Guide)
	_, err := LoadAuthority(config.CA{Dir: t.TempDir(), KeyURI: "pkcs11:pin=1234"}, book, "http://ca.example.jp", noon)
	require.ErrorContains(t, err, "SMID_CA_KEY")
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	_, err = LoadAuthority(config.CA{Dir: t.TempDir()}, book, "http://ca.example.jp", noon)
	require.ErrorContains(t, err, "starter ca init")
}
