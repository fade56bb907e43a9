package csr

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"securemailid.example/internal/fault"
)

// key2048 is shared: making RSA keys is what these tests would spend their time on.
var key2048 = sync.OnceValue(func() *rsa.PrivateKey { return newKey(2048) })

func newKey(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

func template() *x509.CertificateRequest {
	return &x509.CertificateRequest{
		Subject: pkix.Name{
			CommonName: "Sample", Organization: []string{"Sample Trading K.K."}, Country: []string{"JP"},
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidEmail, Value: "info@example.jp"}},
		},
		EmailAddresses: []string{"info@example.jp", "sales@example.jp"},
	}
}

func request(t testing.TB, tmpl *x509.CertificateRequest, signer crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, tmpl, signer)
	require.NoError(t, err)
	return der
}

func toPEM(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// withKey returns the request with another public key in it. Its signature no longer matches, but the key is looked at first.
func withKey(t testing.TB, der []byte, key *rsa.PublicKey) []byte {
	t.Helper()
	type body struct {
		Version    int
		Subject    asn1.RawValue
		PublicKey  asn1.RawValue
		Attributes asn1.RawValue `asn1:"tag:0"`
	}
	var parts struct {
		Body      body
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	_, err := asn1.Unmarshal(der, &parts)
	require.NoError(t, err)
	parts.Body.PublicKey.FullBytes = canonical(key)
	out, err := asn1.Marshal(parts)
	require.NoError(t, err)
	return out
}

// codeOf returns the code of the one broken rule, or "" without an error.
func codeOf(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var f *fault.Error
	require.ErrorAs(t, err, &f)
	require.Equal(t, fault.Invalid, f.Kind)
	require.Len(t, f.Fields, 1)
	require.Equal(t, Path, f.Fields[0].Path)
	for _, text := range []fault.Text{f.Fields[0].Rule, f.Fields[0].Remedy} {
		require.NotEmpty(t, text.JA)
		require.NotEmpty(t, text.EN)
	}
	return f.Fields[0].Code
}

func TestParseReadsEveryForm(t *testing.T) {
	t.Parallel()
	der := request(t, template(), key2048())
	spki, err := x509.MarshalPKIXPublicKey(key2048().Public())
	require.NoError(t, err)
	for name, text := range map[string]string{
		"PEM":                              toPEM(pemType, der),
		"PEM with the old type name":       toPEM("NEW "+pemType, der),
		"PEM with CRLF and spaces around":  "\r\n " + strings.ReplaceAll(toPEM(pemType, der), "\n", "\r\n") + "\r\n",
		"PEM after a byte order mark":      "\uFEFF" + toPEM(pemType, der),
		"DER":                              string(der),
		"base64 of DER in one line":        base64.StdEncoding.EncodeToString(der),
		"base64 of DER in lines, as typed": strings.Join(strings.SplitAfterN(base64.StdEncoding.EncodeToString(der), "A", 5), "\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Parse(text, nil)
			require.NoError(t, err)
			require.Equal(t, der, r.DER)
			require.Equal(t, spki, r.PublicKey)
			require.Equal(t, sha256.Sum256(spki), r.Fingerprint)
			require.Equal(t, 2048, r.Bits)
			require.Equal(t, Subject{CommonName: "Sample", Organization: "Sample Trading K.K.", Country: "JP"}, r.Subject)
			require.Equal(t, []string{"info@example.jp", "sales@example.jp"}, r.Emails)
			require.Equal(t, toPEM(pemType, der), r.PEM())
		})
	}
}

func TestParseRefusesWhatIsNotOneRequest(t *testing.T) {
	t.Parallel()
	der := request(t, template(), key2048())
	good := toPEM(pemType, der)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key2048())
	require.NoError(t, err)
	selfSigned, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)},
		&x509.Certificate{SerialNumber: big.NewInt(1)}, key2048().Public(), key2048())
	require.NoError(t, err)
	for name, row := range map[string]struct{ text, code string }{
		"nothing":                               {"", "required"},
		"blanks":                                {" \n\t", "required"},
		"too long":                              {strings.Repeat("A", maxText+1), "csr.length"},
		"words":                                 {"please see attachment", "csr.malformed"},
		"base64 of something else":              {"aGVsbG8=", "csr.malformed"},
		"two requests":                          {good + good, "csr.one"},
		"text before the block":                 {"Certificate Request:\n" + good, "csr.one"},
		"text after the block":                  {good + "sent from my desk", "csr.one"},
		"a broken block before a good one":      {"-----BEGIN X-----\n" + good, "csr.one"},
		"a block without an end":                {strings.Split(good, "-----END")[0], "csr.malformed"},
		"PEM headers":                           {strings.Replace(good, "-----\n", "-----\nProc-Type: 4\n\n", 1), "csr.malformed"},
		"bytes after the DER":                   {toPEM(pemType, append(bytes.Clone(der), 0)), "csr.malformed"},
		"a public key":                          {toPEM("PUBLIC KEY", der), "csr.malformed"},
		"a certificate":                         {toPEM("CERTIFICATE", selfSigned), "csr.certificate"},
		"a certificate under the type of a CSR": {toPEM(pemType, selfSigned), "csr.certificate"},
		"a private key":                         {toPEM("PRIVATE KEY", pkcs8), "csr.private-key"},
		"a request together with its private key": {good + toPEM("RSA PRIVATE KEY", pkcs8), "csr.private-key"},
		"a private key as bare base64":            {base64.StdEncoding.EncodeToString(pkcs8), "csr.private-key"},
		"a PKCS #1 private key as DER":            {string(x509.MarshalPKCS1PrivateKey(key2048())), "csr.private-key"},
		"a private key under the type of a CSR":   {toPEM(pemType, pkcs8), "csr.private-key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(row.text, nil)
			require.Equal(t, row.code, codeOf(t, err))
		})
	}
}

func TestParseNeverEchoesAPrivateKey(t *testing.T) {
	t.Parallel()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key2048())
	require.NoError(t, err)
	text := toPEM("PRIVATE KEY", pkcs8)
	_, err = Parse(text, nil)
	for _, line := range strings.Fields(text)[3:10] {
		require.NotContains(t, err.Error(), line)
	}
}

func TestParseRefusesKeys(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, err = Parse(string(request(t, template(), p256)), nil)
	require.Equal(t, "csr.algorithm", codeOf(t, err))

	der, n := request(t, template(), key2048()), key2048().N
	for name, row := range map[string]struct {
		modulus  *big.Int
		exponent int
		code     string
	}{
		"1024 bits":                              {new(big.Int).Rsh(n, 1024), 65537, "csr.key-size"},
		"2040 bits":                              {new(big.Int).Rsh(n, 8), 65537, "csr.key-size"},
		"2049 bits":                              {new(big.Int).Lsh(n, 1), 65537, "csr.key-size"},
		"8200 bits":                              {new(big.Int).Lsh(n, 8200-2048), 65537, "csr.key-size"},
		"exponent 3":                             {n, 3, "csr.exponent"},
		"exponent 65535":                         {n, 65535, "csr.exponent"},
		"even exponent":                          {n, 65538, "csr.exponent"},
		"even modulus":                           {new(big.Int).Sub(n, big.NewInt(1)), 65537, "csr.weak-key"},
		"a factor of 751":                        {multipleOf(751), 65537, "csr.weak-key"},
		"two factors side by side":               {neighbours(), 65537, "csr.weak-key"},
		"the square of a prime":                  {square(), 65537, "csr.weak-key"},
		"the mark of ROCA":                       {infineon(), 65537, "csr.weak-key"},
		"nothing wrong but the key is another's": {new(big.Int).SetBytes(otherModulus()), 65537, "csr.signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(string(withKey(t, der, &rsa.PublicKey{N: row.modulus, E: row.exponent})), nil)
			require.Equal(t, row.code, codeOf(t, err))
		})
	}
}

// multipleOf returns a 2048-bit odd multiple of an odd prime.
func multipleOf(prime int64) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(3), 2046)
	n.Sub(n, new(big.Int).Mod(n, big.NewInt(prime)))
	if n.Bit(0) == 0 {
		n.Add(n, big.NewInt(prime))
	}
	return n
}

// square returns the square of a 1024-bit prime.
func square() *big.Int {
	p := key2048().Primes[0]
	return new(big.Int).Mul(p, p)
}

// neighbours returns a product of two primes that differ only in their last bits.
func neighbours() *big.Int {
	p := key2048().Primes[0]
	q := new(big.Int).Add(p, big.NewInt(2))
	for !q.ProbablyPrime(20) {
		q.Add(q, big.NewInt(2))
	}
	return new(big.Int).Mul(p, q)
}

// infineon returns a 2048-bit number that is a power of 65537 modulo the primes that the ROCA test looks at, and has no small factor.
func infineon() *big.Int {
	m := big.NewInt(2)
	for _, p := range []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157} {
		m.Mul(m, big.NewInt(p))
	}
	n := new(big.Int).Lsh(big.NewInt(3), 2046)
	n.Sub(n, new(big.Int).Mod(n, m))
	n.Add(n, new(big.Int).Exp(big.NewInt(65537), big.NewInt(5), m))
	for hasSmallFactor(n) {
		n.Add(n, m)
	}
	return n
}

func TestParseChecksTheSignature(t *testing.T) {
	t.Parallel()
	signed := func(a x509.SignatureAlgorithm) []byte {
		tmpl := template()
		tmpl.SignatureAlgorithm = a
		return request(t, tmpl, key2048())
	}
	der := signed(x509.SHA256WithRSA)
	flipped := bytes.Clone(der)
	flipped[len(flipped)-1] ^= 1
	oid := func(last byte) []byte { return []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last} }
	for name, row := range map[string]struct {
		der  []byte
		code string
	}{
		"SHA-256":          {der, ""},
		"SHA-384":          {signed(x509.SHA384WithRSA), ""},
		"SHA-512 with PSS": {signed(x509.SHA512WithRSAPSS), ""},
		"SHA-1":            {signed(x509.SHA1WithRSA), "csr.signature-algorithm"},
		"MD5":              {bytes.Replace(der, oid(11), oid(4), 1), "csr.signature-algorithm"},
		"one bit changed":  {flipped, "csr.signature"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(toPEM(pemType, row.der), nil)
			require.Equal(t, row.code, codeOf(t, err))
		})
	}
}

var otherModulus = sync.OnceValue(func() []byte { return newKey(2048).N.Bytes() })

func TestParseRefusesAKeyWithUnusualEncoding(t *testing.T) {
	t.Parallel()
	der := request(t, template(), key2048())
	rsaOID, err := asn1.Marshal(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1})
	require.NoError(t, err)
	withoutNull := bytes.Replace(der, append(bytes.Clone(rsaOID), 5, 0), append(bytes.Clone(rsaOID), 4, 0), 1)
	require.NotEqual(t, der, withoutNull)
	_, err = Parse(toPEM(pemType, withoutNull), nil)
	require.Error(t, err)
}

func TestParseAcceptsLargerKeys(t *testing.T) {
	t.Parallel()
	r, err := Parse(string(request(t, template(), newKey(3072))), nil)
	require.NoError(t, err)
	require.Equal(t, 3072, r.Bits)
}

func TestParseRefusesBlockedKeys(t *testing.T) {
	t.Parallel()
	der := request(t, template(), key2048())
	r, err := Parse(string(der), Fingerprints{})
	require.NoError(t, err)
	list, err := ReadBlocklist(strings.NewReader("# leaked in a public repository\n\n" + strings.ToUpper(r.FingerprintHex()) + "\n"))
	require.NoError(t, err)
	_, err = Parse(string(der), list)
	require.Equal(t, "csr.compromised", codeOf(t, err))
}

func TestReadBlocklistRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no hex":       "# list\nzz\n",
		"too short":    "abcd\n",
		"endless line": strings.Repeat("a", 1<<17),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadBlocklist(strings.NewReader(text))
			require.Error(t, err)
		})
	}
}

func TestOverridesListsWhatTheFormReplaces(t *testing.T) {
	t.Parallel()
	r := Request{
		Emails:  []string{"INFO@example.jp", "old@example.jp"},
		Subject: Subject{Organization: "Sample", State: "Tokyo", City: "Osaka", Country: "US", Unit: "Sales"},
	}
	form := Form{Email: "info@example.jp", Organization: "Sample Trading K.K.", State: "Tokyo", City: "Chuo-ku", Country: "JP"}
	require.Equal(t, []Override{
		{"certificate_email", "old@example.jp", "info@example.jp"},
		{"organization.name", "Sample", "Sample Trading K.K."},
		{"organization.unit", "Sales", ""},
		{"organization.city", "Osaka", "Chuo-ku"},
		{"organization.country", "US", "JP"},
	}, r.Overrides(form))
	require.Empty(t, Request{}.Overrides(form), "a request that names nothing contradicts nothing")

	for cn, want := range map[string][]Override{
		"boss@other.example": {{"certificate_email", "boss@other.example", "info@example.jp"}},
		"old@example.jp":     {{"certificate_email", "old@example.jp", "info@example.jp"}},
		"INFO@example.jp":    nil,
		"Sample Trading":     nil,
	} {
		require.Equal(t, want, Request{Emails: []string{"info@example.jp"}, Subject: Subject{CommonName: cn}}.Overrides(form), "a common name that holds an address: %s", cn)
	}
	twice := Request{Emails: []string{"old@example.jp"}, Subject: Subject{CommonName: "old@example.jp"}}
	require.Len(t, twice.Overrides(form), 1, "an address is named once")
}

func FuzzCSR(f *testing.F) {
	der := request(f, template(), key2048())
	f.Add(toPEM(pemType, der))
	f.Add(string(der))
	f.Add(base64.StdEncoding.EncodeToString(der))
	f.Add("-----BEGIN PRIVATE KEY-----")
	f.Add("0\x82")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Parse(text, nil)
		if err != nil {
			require.NotEmpty(t, codeOf(t, err))
			return
		}
		again, err := Parse(r.PEM(), nil)
		require.NoError(t, err, "what is accepted is accepted in its normal form")
		require.Equal(t, r, again)
	})
}
