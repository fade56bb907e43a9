package p12

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // the default of PBKDF2, in which old keys are encrypted; only to read them
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"hash"
	"slices"

	"securemailid.example/internal/fault"
)

// encryptedKey is EncryptedPrivateKeyInfo (RFC 5958 3) with PBES2 (RFC 8018 6.2), PBKDF2 and AES-CBC. Libraries for it that can be had
// panic on malformed files, and take any number of iterations.
type encryptedKey struct {
	Algorithm struct {
		PBES2      asn1.ObjectIdentifier
		Parameters struct {
			Derivation struct {
				PBKDF2     asn1.ObjectIdentifier
				Parameters pbkdf2Parameters
			}
			Encryption struct {
				Cipher asn1.ObjectIdentifier
				IV     []byte
			}
		}
	}
	Data []byte
}

// pbkdf2Parameters is PBKDF2-params (RFC 8018 A.2).
type pbkdf2Parameters struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// maxIterations bounds the work that a file can ask for: some seconds.
const maxIterations = 10_000_000

// decryptKey decrypts a PKCS #8 key.
func decryptKey(der []byte, passphrase func() (string, error)) (crypto.Signer, error) {
	var k encryptedKey
	if rest, err := asn1.Unmarshal(der, &k); err != nil || len(rest) != 0 {
		return nil, errEncryption()
	}
	mac, size, ok := k.algorithms()
	if !ok || !k.sound() {
		return nil, errEncryption()
	}
	secret, err := passphrase()
	if err != nil {
		return nil, err
	}
	p := k.Algorithm.Parameters.Derivation.Parameters
	key, err := pbkdf2.Key(mac, secret, p.Salt, p.Iterations, size)
	if err != nil {
		return nil, errEncryption()
	}
	defer clear(key)
	plain, err := k.decrypt(key)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	parsed, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, errPassphrase()
	}
	return signer(parsed, nil)
}

// sound looks at the sizes before anything is worked out with them.
func (k encryptedKey) sound() bool {
	n := k.Algorithm.Parameters.Derivation.Parameters.Iterations
	return n >= 1 && n <= maxIterations && len(k.Algorithm.Parameters.Encryption.IV) == aes.BlockSize && len(k.Data) > 0 && len(k.Data)%aes.BlockSize == 0
}

// decrypt undoes AES-CBC and its padding (RFC 8018 6.1.1).
func (k encryptedKey) decrypt(key []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errEncryption()
	}
	plain := make([]byte, len(k.Data))
	cipher.NewCBCDecrypter(block, k.Algorithm.Parameters.Encryption.IV).CryptBlocks(plain, k.Data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > aes.BlockSize || slices.ContainsFunc(plain[len(plain)-padding:], func(b byte) bool { return int(b) != padding }) {
		return nil, errPassphrase()
	}
	return plain[:len(plain)-padding], nil
}

// algorithms returns the hash of PBKDF2's HMAC and the key size of the cipher, if we know both.
func (k encryptedKey) algorithms() (mac func() hash.Hash, size int, ok bool) {
	a := k.Algorithm
	if a.PBES2.String() != "1.2.840.113549.1.5.13" || a.Parameters.Derivation.PBKDF2.String() != "1.2.840.113549.1.5.12" {
		return nil, 0, false
	}
	switch a.Parameters.Encryption.Cipher.String() {
	case "2.16.840.1.101.3.4.1.2":
		size = 16
	case "2.16.840.1.101.3.4.1.22":
		size = 24
	case "2.16.840.1.101.3.4.1.42":
		size = 32
	}
	switch a.Parameters.Derivation.Parameters.PRF.Algorithm.String() {
	case "", "1.2.840.113549.2.7": // SHA-1 is the default (RFC 8018 A.2); old keys have it
		mac = sha1.New
	case "1.2.840.113549.2.9":
		mac = sha256.New
	case "1.2.840.113549.2.10":
		mac = sha512.New384
	case "1.2.840.113549.2.11":
		mac = sha512.New
	}
	return mac, size, mac != nil && size != 0
}

func errEncryption() error {
	return errKey("暗号化の形式に対応していません。「openssl pkcs8 -topk8 -v2 aes-256-cbc」で変換してください。",
		"It is encrypted in a way that is not supported. Convert it by \"openssl pkcs8 -topk8 -v2 aes-256-cbc\".")
}

func errPassphrase() error {
	return fault.New(fault.Invalid, "p12.key-passphrase", "秘密鍵のパスフレーズが違います。", "The passphrase of the private key is wrong.")
}
