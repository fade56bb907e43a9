package p12

import (
	"encoding/asn1"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
)

// What a file asks for is looked at before anything is worked out, and before anybody is asked for a passphrase.
func TestAFileCannotAskForEndlessWork(t *testing.T) {
	t.Parallel()
	for title, change := range map[string]func(*encryptedKey){
		"too many iterations": func(k *encryptedKey) { k.Algorithm.Parameters.Derivation.Parameters.Iterations = maxIterations + 1 },
		"no iterations":       func(k *encryptedKey) { k.Algorithm.Parameters.Derivation.Parameters.Iterations = 0 },
		"a short vector":      func(k *encryptedKey) { k.Algorithm.Parameters.Encryption.IV = make([]byte, 15) },
		"half a block":        func(k *encryptedKey) { k.Data = make([]byte, 24) },
		"no data":             func(k *encryptedKey) { k.Data = nil },
		"another cipher": func(k *encryptedKey) {
			k.Algorithm.Parameters.Encryption.Cipher = asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}
		},
		"another scheme": func(k *encryptedKey) { k.Algorithm.PBES2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 10} },
	} {
		var k encryptedKey
		k.Algorithm.PBES2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
		k.Algorithm.Parameters.Derivation.PBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
		k.Algorithm.Parameters.Derivation.Parameters = pbkdf2Parameters{Salt: make([]byte, 16), Iterations: 1}
		k.Algorithm.Parameters.Encryption.Cipher = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
		k.Algorithm.Parameters.Encryption.IV, k.Data = make([]byte, 16), make([]byte, 32)
		asked := 0
		decrypt := func() error {
			der, err := asn1.Marshal(k)
			require.NoError(t, err)
			_, err = decryptKey(der, func() (string, error) { asked++; return "x", nil })
			return err
		}
		require.ErrorIs(t, decrypt(), &fault.Error{Kind: fault.Invalid, Code: "p12.key-passphrase"}, "as it is, only the passphrase is wrong")
		require.Equal(t, 1, asked)
		change(&k)
		require.ErrorIs(t, decrypt(), &fault.Error{Kind: fault.Invalid, Code: "p12.key"}, title)
		require.Equal(t, 1, asked, title)
	}
}
