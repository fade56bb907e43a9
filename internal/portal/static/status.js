// The status page refreshes itself and copies values; it works without this. Parts that have changed are put in place one by one. What
// somebody is typing stays, and so does the place where they are.

const main = document.querySelector("[data-progress]");

// Shows what is only of use with scripts.
const equip = () => {
  for (const e of main.querySelectorAll(".copy, .scripted")) e.hidden = false;
  for (const e of main.querySelectorAll(".unscripted")) e.hidden = true;
};

main.addEventListener("click", async ({ target }) => {
  const button = target.closest(".copy");
  if (!button) return;
  const value = button.parentElement.querySelector("code");
  try {
    await navigator.clipboard.writeText(value.textContent);
  } catch { // without permission or TLS: leave the value selected, to be copied by hand
    getSelection().selectAllChildren(value);
    return;
  }
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  button.textContent = button.dataset.copied;
  setTimeout(() => { button.textContent = label; }, 2000);
});

// Reports whether a part holds something that somebody has begun.
const begun = (part) =>
  [...part.querySelectorAll("textarea")].some((e) => e.value !== e.defaultValue) ||
  [...part.querySelectorAll("input[type=radio]")].some((e) => e.checked !== e.defaultChecked) ||
  part.querySelector("details[open]") !== null;

// What each part looked like when it came; the page itself is changed by equip and by its reader.
const came = new Map();
const plain = (part) => part.innerHTML;

const replace = (part, fresh) => {
  if (came.get(part.id) === plain(fresh) || begun(part)) return;
  came.set(part.id, plain(fresh));
  const sentence = part.querySelector("[role=status]");
  if (sentence) { // changed in place, so that it is read out
    const text = fresh.querySelector("[role=status]").textContent;
    if (sentence.textContent !== text) sentence.textContent = text;
    return;
  }
  const active = part.contains(document.activeElement) ? document.activeElement.id : "";
  part.replaceChildren(...fresh.cloneNode(true).childNodes);
  if (active) document.getElementById(active)?.focus({ preventScroll: true });
};

let tag = "";
let final = main.querySelector("[data-final]") !== null;

// Asks for the latest state. Only an answer that is the page's counts; an address that no longer works ends the asking.
const refresh = async () => {
  const answer = await fetch(main.dataset.progress, { headers: tag ? { "If-None-Match": tag } : {}, cache: "no-store" });
  if (answer.status === 404 || answer.status === 410) final = true;
  if (answer.status !== 200) return answer.status === 304;
  tag = answer.headers.get("ETag") ?? "";
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-live]")) {
    const here = document.getElementById(part.id);
    if (here) replace(here, part);
  }
  final = fresh.querySelector("[data-final]") !== null;
  equip();
  return true;
};

// Every ten seconds in the first minutes, when people look at what they have just done; then ever more seldom, up to five minutes. A page
// that nobody sees does not ask, and asks at once when it is seen again.
let timer = 0;
let asked = 0;
const pause = () => Math.min(10 * 1.15 ** Math.max(0, asked - 12), 300) * 1000;
const later = () => {
  clearTimeout(timer);
  if (!final && !document.hidden) timer = setTimeout(ask, pause());
};
const ask = async () => {
  asked++;
  const good = await refresh().catch(() => false);
  if (!good) asked += 3; // something is away: do not add to its load
  later();
};

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.hidden || final) return;
  asked = Math.min(asked, 12);
  ask();
});

for (const part of main.querySelectorAll("[data-live]")) came.set(part.id, plain(part));
equip();
if (/[?&](done|refused)=/.test(location.search)) history.replaceState(null, "", location.pathname); // a reload does not tell it twice
later();
