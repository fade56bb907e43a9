import * as asn1js from "asn1js";
import { Attribute, AuthenticatedSafe, CertBag, Certificate, PFX, SafeBag, SafeContents } from "pkijs";
import { openKey } from "./open.js";
import { fromPEM } from "./pem.js";
import { encryption, engine, seal } from "./seal.js";
import { Trouble } from "./trouble.js";

const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

// The same for key, certificates and MAC. Some readers stop at 600,000 in all, and the MAC's derivation is not WebCrypto's but JavaScript's.
const iterations = 100_000;

// joinKey returns the bytes of a PKCS #12 file (RFC 7292): the key of keyFile, opened with passphrase, and the certificates of chain, the
// key's own first, both PEM. Everything in it is encrypted under newPassphrase; name is what mail clients show it as.
export async function joinKey({ keyFile, passphrase, chain, newPassphrase, name }) {
  const certificates = readChain(chain);
  const key = await openKey(keyFile, passphrase);
  await requirePair(key, certificates[0]);
  const label = labels(name);
  const certBags = certificates.map((c, i) => bag("1.2.840.113549.1.12.10.1.3", new CertBag({ parsedValue: c }), i ? [] : label));
  const keyBag = bag("1.2.840.113549.1.12.10.1.2", await seal(key, newPassphrase, iterations), label);
  const safe = new AuthenticatedSafe({
    parsedValue: {
      safeContents: [
        { privacyMode: 1, value: new SafeContents({ safeBags: certBags }) },
        { privacyMode: 0, value: new SafeContents({ safeBags: [keyBag] }) },
      ],
    },
  });
  await safe.makeInternalValues({ safeContents: [encryption(newPassphrase, iterations), {}] }, engine);
  const file = new PFX({ parsedValue: { integrityMode: 0, authenticatedSafe: safe } });
  await file.makeInternalValues({
    password: new TextEncoder().encode(newPassphrase).buffer,
    iterations, pbkdf2HashAlgorithm: "SHA-256", hmacHashAlgorithm: "SHA-256",
  });
  return file.toSchema().toBER();
}

function readChain(text) {
  try {
    const certificates = fromPEM(text).filter(({ label }) => label === "CERTIFICATE").map(({ der }) => Certificate.fromBER(der));
    if (certificates.length) return certificates;
  } catch (cause) {
    throw new Trouble("certificate", cause);
  }
  throw new Trouble("certificate");
}

// requirePair compares the moduli of both keys, as WebCrypto reads them.
async function requirePair(privateKeyInfo, certificate) {
  const [own, certified] = await Promise.all([
    modulus("pkcs8", privateKeyInfo.toSchema().toBER(), ["sign"], "key-format"),
    modulus("spki", certificate.subjectPublicKeyInfo.toSchema().toBER(), ["verify"], "certificate"),
  ]);
  if (own !== certified) throw new Trouble("mismatch");
}

async function modulus(format, der, usages, trouble) {
  try {
    const key = await crypto.subtle.importKey(format, der, algorithm, true, usages);
    return (await crypto.subtle.exportKey("jwk", key)).n;
  } catch (cause) {
    throw new Trouble(trouble, cause);
  }
}

function bag(bagId, bagValue, bagAttributes) {
  return new SafeBag(bagAttributes.length ? { bagId, bagValue, bagAttributes } : { bagId, bagValue });
}

// labels are friendlyName and localKeyId; the latter is how readers know which certificate is the key's.
function labels(name) {
  return [
    new Attribute({ type: "1.2.840.113549.1.9.20", values: [new asn1js.BmpString({ value: name })] }),
    new Attribute({ type: "1.2.840.113549.1.9.21", values: [new asn1js.OctetString({ valueHex: new Uint8Array([1]).buffer })] }),
  ];
}
