import { CertificationRequest, PrivateKeyInfo } from "pkijs";
import { toPEM } from "./pem.js";
import { seal } from "./seal.js";

const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
const iterations = 600_000; // of PBKDF2-HMAC-SHA256; the key file may lie around for years

// makeKey makes an RSA-2048 key and returns { key, csr }: the key as an encrypted PKCS #8 file, and a request that names nobody, because
// the form says who the certificate is for (G6).
export async function makeKey(passphrase) {
  const pair = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const request = new CertificationRequest({ version: 0, attributes: [] });
  await request.subjectPublicKeyInfo.importKey(pair.publicKey);
  await request.sign(pair.privateKey, "SHA-256");
  const der = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const sealed = await seal(PrivateKeyInfo.fromBER(der), passphrase, iterations);
  return {
    key: toPEM("ENCRYPTED PRIVATE KEY", sealed.toSchema().toBER()),
    csr: toPEM("CERTIFICATE REQUEST", request.toSchema().toBER()),
  };
}
