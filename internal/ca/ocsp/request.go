package ocsp

import (
	"crypto"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	asn "golang.org/x/crypto/cryptobyte/asn1"
)

// certID names a certificate as a client does: by hashes of its issuer's name and key, and its serial number (RFC 6960 4.1.1).
type certID struct {
	issuer issuerID
	serial string // lower-case hex, as the record has it
}

// issuerID is comparable, so that it can be looked up.
type issuerID struct {
	hash      crypto.Hash
	name, key string // the hashes, raw
}

// maxSerial bounds a serial number, in bits (RFC 5280 4.1.2.2: 20 octets).
const maxSerial = 160

// parseRequest reads an OCSPRequest, DER. What is not exactly one request, or has something behind it, is malformed: clients of RFC 5019
// ask about one certificate at a time. Signatures and names of clients are not looked at, neither are extensions: a nonce is ignored, as
// RFC 9654 2.1 leaves to responders that answer from a cache.
func parseRequest(der []byte) (certID, bool) {
	input := cryptobyte.String(der)
	var request, tbs, list, one, id cryptobyte.String
	ok := input.ReadASN1(&request, asn.SEQUENCE) && input.Empty() &&
		request.ReadASN1(&tbs, asn.SEQUENCE) && request.SkipOptionalASN1(explicit(0)) && request.Empty() && // signature
		readList(tbs, &list) && list.ReadASN1(&one, asn.SEQUENCE) && list.Empty() &&
		one.ReadASN1(&id, asn.SEQUENCE) && one.SkipOptionalASN1(explicit(0)) && one.Empty() // extensions
	if !ok {
		return certID{}, false
	}
	return readCertID(id)
}

// readList reads TBSRequest up to its list of requests.
func readList(tbs cryptobyte.String, list *cryptobyte.String) bool {
	var version int64
	return readVersion(&tbs, &version) && version == 0 && tbs.SkipOptionalASN1(explicit(1)) && // requestor's name
		tbs.ReadASN1(list, asn.SEQUENCE) && tbs.SkipOptionalASN1(explicit(2)) && tbs.Empty() // extensions
}

func explicit(n uint8) asn.Tag { return asn.Tag(n).ContextSpecific().Constructed() }

func readVersion(tbs *cryptobyte.String, version *int64) bool {
	var there bool
	var inside cryptobyte.String
	if !tbs.ReadOptionalASN1(&inside, &there, explicit(0)) {
		return false
	}
	return !there || inside.ReadASN1Integer(version) && inside.Empty()
}

func readCertID(id cryptobyte.String) (certID, bool) {
	var algorithm, name, key cryptobyte.String
	var oid asn1.ObjectIdentifier
	serial := new(big.Int)
	ok := id.ReadASN1(&algorithm, asn.SEQUENCE) && id.ReadASN1(&name, asn.OCTET_STRING) && id.ReadASN1(&key, asn.OCTET_STRING) &&
		id.ReadASN1Integer(serial) && id.Empty() &&
		algorithm.ReadASN1ObjectIdentifier(&oid) && algorithm.SkipOptionalASN1(asn.NULL) && algorithm.Empty()
	if !ok || serial.Sign() <= 0 || serial.BitLen() > maxSerial {
		return certID{}, false
	}
	return certID{issuerID{hashOf(oid), string(name), string(key)}, serial.Text(16)}, true
}

// hashOf knows the hashes that clients use; another one makes an issuer that nobody has, which is answered as such.
func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	switch {
	case oid.Equal(asn1.ObjectIdentifier{1, 3, 14, 3, 2, 26}):
		return crypto.SHA1 // RFC 5019 2.1.1; it names a certificate here and proves nothing
	case oid.Equal(asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}):
		return crypto.SHA256
	default:
		return 0
	}
}
