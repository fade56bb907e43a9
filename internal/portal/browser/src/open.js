import { AsnError, PKCS8ShroudedKeyBag, PrivateKeyInfo } from "pkijs";
import { fromPEM } from "./pem.js";
import { Trouble } from "./trouble.js";
import * as asn1js from "asn1js";

// openKey returns the PrivateKeyInfo in a key file: ours, one of OpenSSL's PKCS #8 files, encrypted or not, or a bare RSA key. Other
// ciphers than WebCrypto's are not read: key-format.
export async function openKey(text, passphrase) {
  const block = fromPEM(text).find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (!block) throw new Trouble("key-file");
  if (!block.der) throw new Trouble("key-format");
  switch (block.label) {
    case "ENCRYPTED PRIVATE KEY":
      return decrypt(block.der, passphrase);
    case "PRIVATE KEY":
      return parse(block.der);
    case "RSA PRIVATE KEY":
      return wrap(block.der);
    default:
      throw new Trouble("key-format");
  }
}

async function decrypt(der, passphrase) {
  let bag;
  try {
    bag = PKCS8ShroudedKeyBag.fromBER(der);
  } catch (cause) {
    throw new Trouble("key-file", cause);
  }
  try {
    await bag.parseInternalValues({ password: new TextEncoder().encode(passphrase).buffer });
    return bag.parsedValue;
  } catch (cause) {
    // A wrong key fails at the padding, or, once in 256 times, at what comes out.
    const wrong = cause instanceof DOMException || cause instanceof AsnError;
    throw new Trouble(wrong ? "passphrase" : "key-format", cause);
  }
}

function parse(der) {
  try {
    return PrivateKeyInfo.fromBER(der);
  } catch (cause) {
    throw new Trouble("key-file", cause);
  }
}

// wrap puts a PKCS #1 key into PKCS #8 (RFC 5958 section 2).
function wrap(der) {
  const info = new PrivateKeyInfo();
  info.privateKeyAlgorithm.algorithmId = "1.2.840.113549.1.1.1";
  info.privateKeyAlgorithm.algorithmParams = new asn1js.Null();
  info.privateKey = new asn1js.OctetString({ valueHex: der });
  return info;
}
