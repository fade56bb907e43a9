import * as asn1js from "asn1js";
import { CryptoEngine, PKCS8ShroudedKeyBag } from "pkijs";

// PKI.js cuts encrypted content into pieces, which makes BER of it; whoever reads DER only, such as Go, would refuse the file.
class WholeContent extends CryptoEngine {
  async encryptEncryptedContentInfo(parameters) {
    const info = await super.encryptEncryptedContentInfo(parameters);
    info.encryptedContent = new asn1js.OctetString({ valueHex: info.getEncryptedContent() });
    return info;
  }
}

export const engine = new WholeContent({ name: "browser", crypto: globalThis.crypto });

// encryption is PBES2 with PBKDF2-HMAC-SHA256 and AES-256-CBC (RFC 8018), as PKI.js wants it said.
export function encryption(passphrase, iterationCount) {
  return {
    password: new TextEncoder().encode(passphrase).buffer,
    contentEncryptionAlgorithm: { name: "AES-CBC", length: 256 },
    hmacHashAlgorithm: "SHA-256",
    iterationCount,
  };
}

// seal encrypts a PrivateKeyInfo; what it returns is both an EncryptedPrivateKeyInfo (RFC 5958) and a bag for PKCS #12.
export async function seal(privateKeyInfo, passphrase, iterations) {
  const bag = new PKCS8ShroudedKeyBag({ parsedValue: privateKeyInfo });
  await bag.makeInternalValues(encryption(passphrase, iterations), engine);
  return bag;
}
