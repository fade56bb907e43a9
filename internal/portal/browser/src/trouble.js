// Trouble is a failure that the page has words for, found by its code: key-file, key-format, passphrase, mismatch or certificate.
export class Trouble extends Error {
  constructor(code, cause) {
    super(code, { cause });
    this.code = code;
  }
}
