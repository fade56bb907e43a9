// Everything that a page does with a private key, and all of it happens in the browser: making it together with a CSR, and joining it
// with its certificate. Nothing in here speaks to a network.
export { makeKey } from "./make.js";
export { joinKey } from "./join.js";
export { judge } from "./passphrase.js";
export { Trouble } from "./trouble.js";
