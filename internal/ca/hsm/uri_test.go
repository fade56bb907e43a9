package hsm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"securemailid.example/internal/ca/hsm"
	"securemailid.example/internal/fault"
)

func TestParseURI(t *testing.T) {
	t.Parallel()
	for title, row := range map[string]struct {
		text string
		want hsm.URI
	}{
		"all that we know": {
			"pkcs11:token=Mail%20CA;object=issuing-2;id=%01%AB?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=/run/secrets/pin",
			hsm.URI{Token: "Mail CA", Object: "issuing-2", ID: "\x01\xab", ModulePath: "/usr/lib/softhsm/libsofthsm2.so", PINSource: "/run/secrets/pin"},
		},
		"a token by its serial number": {"pkcs11:serial=0123", hsm.URI{Serial: "0123"}},
		"a PIN file as a file URI":     {"pkcs11:?pin-source=file:/run/pin", hsm.URI{PINSource: "/run/pin"}},
		"and in the longer form":       {"pkcs11:?pin-source=file:///run/pin", hsm.URI{PINSource: "/run/pin"}},
		"a label in Japanese":          {"pkcs11:object=%E7%99%BA%E8%A1%8C", hsm.URI{Object: "発行"}},
		"a plus is a plus":             {"pkcs11:object=a+b", hsm.URI{Object: "a+b"}},
		"nothing":                      {"pkcs11:", hsm.URI{}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			u, err := hsm.ParseURI(row.text)
			require.NoError(t, err)
			require.Equal(t, row.want, u)
			again, err := hsm.ParseURI(u.String())
			require.NoError(t, err)
			require.Equal(t, u, again)
		})
	}
}

func TestParseURIRefuses(t *testing.T) {
	t.Parallel()
	for title, row := range map[string]struct{ text, says string }{
		"a path":                              {"/etc/issuing.key", "pkcs11:"},
		"a PIN in the URI":                    {"pkcs11:token=a?pin-value=hush-hush", "pin-source"},
		"an attribute that would select else": {"pkcs11:token=a;slot-id=3", "attributes are"},
		"an attribute twice":                  {"pkcs11:token=a;token=b", "twice"},
		"an attribute without a value":        {"pkcs11:token", "attributes are"},
		"an empty value":                      {"pkcs11:token=", "cannot be read"},
		"half an escape":                      {"pkcs11:token=%4", "cannot be read"},
		"a zero byte in a label":              {"pkcs11:token=a%00", "cannot be read"},
		"a query's attribute in the path":     {"pkcs11:module-path=/lib/a.so", "attributes are"},
		"a module that is looked for":         {"pkcs11:token=a?module-path=libsofthsm2.so", "absolute"},
		"a PIN from a program":                {"pkcs11:token=a?pin-source=|cat", "absolute"},
		"far too much":                        {"pkcs11:token=" + strings.Repeat("a", 4096), "pkcs11:"},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			_, err := hsm.ParseURI(row.text)
			require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid, Code: "hsm.uri"})
			require.ErrorContains(t, err, row.says)
			require.NotContains(t, err.Error(), "hush-hush")
		})
	}
}

func TestTheMachineSaysHowATokenIsReached(t *testing.T) {
	t.Parallel()
	key := hsm.URI{Token: "a", Object: "b", ModulePath: "/ceremony/module.so", PINSource: "/ceremony/pin"}
	require.Equal(t, key, key.On(hsm.URI{}))
	require.Equal(t, hsm.URI{Token: "a", Object: "b", ModulePath: "/worker/module.so", PINSource: "/worker/pin"},
		key.On(hsm.URI{Token: "other", Object: "other", ModulePath: "/worker/module.so", PINSource: "/worker/pin"}))
}

func TestEveryURIIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		label, path := rapid.StringMatching(`[^\x00]{0,40}`), rapid.StringMatching(`(/[^\x00]{1,20})?`)
		u := hsm.URI{
			Token: label.Draw(t, "token"), Object: label.Draw(t, "object"), ID: string(rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "id")),
			ModulePath: path.Draw(t, "module"), PINSource: path.Draw(t, "pin"),
		}
		again, err := hsm.ParseURI(u.String())
		require.NoError(t, err)
		require.Equal(t, u, again)
	})
}

func FuzzParseURI(f *testing.F) {
	f.Add("pkcs11:token=Mail%20CA;object=issuing;id=%01?module-path=/m.so&pin-source=/p")
	f.Add("pkcs11:token=a?pin-value=1234")
	f.Add("pkcs11:;;?&&")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := hsm.ParseURI(s)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		again, err := hsm.ParseURI(u.String())
		if len(u.String()) <= 2048 {
			require.NoError(t, err)
			require.Equal(t, u, again)
		}
	})
}
