// judge says what to tell about a passphrase. The first three are refused: "characters" (mail clients disagree on how characters beyond
// ASCII become bytes), "short" and "simple"; "fair" and "good" will do.
export function judge(passphrase) {
  if (/[^ -~]/.test(passphrase)) return "characters";
  if (passphrase.length < 12) return "short";
  if (new Set(passphrase).size < 6) return "simple";
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(passphrase)).length;
  return passphrase.length >= 16 || kinds >= 3 ? "good" : "fair";
}
