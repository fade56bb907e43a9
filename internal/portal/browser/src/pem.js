// toPEM writes DER as RFC 7468 text.
export function toPEM(label, der) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(der)));
  return `-----BEGIN ${label}-----\n${base64.match(/.{1,64}/g).join("\n")}\n-----END ${label}-----\n`;
}

// fromPEM returns the blocks of a text as { label, der }. The der of a block that is not plain base64, such as a key encrypted the way of
// OpenSSL before PKCS #8, is null.
export function fromPEM(text) {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----([^]*?)-----END \1-----/g);
  return Array.from(blocks, ([, label, body]) => ({ label, der: decode(body) }));
}

function decode(base64) {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;
  } catch {
    return null;
  }
}
