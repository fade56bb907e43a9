// Private keys in the browser: the dialog of the forms that makes one, and the form of the download page that joins one with its
// certificate. keys.js does the work and is loaded when somebody begins; the words are in the page (parts/makekey.html, parts/joinkey.html).
// Neither key nor password is ever sent: the inputs have no names, and nothing here posts.

// WebCrypto is there in secure contexts only (https, or this machine).
if (globalThis.isSecureContext && globalThis.crypto?.subtle) {
  document.querySelectorAll("dialog[data-make-key]").forEach(offerToMake);
  document.querySelectorAll("form[data-join-key]").forEach(offerToJoin);
}

function offerToMake(dialog) {
  const { form, library, say, word } = parts(dialog);
  const done = dialog.querySelector("[data-done]");
  document.querySelectorAll(`[data-opens="${dialog.id}"]`).forEach((place) => {
    place.hidden = false;
    place.querySelector("button").addEventListener("click", () => {
      begin();
      dialog.showModal();
    });
  });
  dialog.querySelectorAll("[data-close]").forEach((b) => b.addEventListener("click", () => dialog.close()));
  dialog.addEventListener("close", () => form.reset());

  function begin() {
    form.hidden = false;
    done.hidden = true;
    done.firstElementChild.hidden = false;
    dialog.querySelector("[data-return]").hidden = true;
    say("");
    hint(form, library, word);
  }

  work(form, say, async () => {
    const keys = await library();
    const password = await newPassword(form, keys);
    say("making");
    const made = await keys.makeKey(password);
    const link = dialog.querySelector("[data-save]");
    keep(link, made.key, "application/x-pem-file", link.dataset.save.replace("DATE", today()));
    link.onclick = () => saved(made.csr);
    form.reset();
    form.hidden = true;
    done.hidden = false;
    say("made");
    link.focus();
  });

  // The request goes into the form only once the key file has been saved: a certificate for a key that is gone is of no use.
  function saved(csr) {
    enter(dialog.dataset.makeKey, csr);
    document.querySelectorAll(`[data-opened="${dialog.id}"]`).forEach((line) => (line.textContent = word("entered")));
    say("entered");
    done.firstElementChild.hidden = true;
    dialog.querySelector("[data-return]").hidden = false;
  }
}

function offerToJoin(form) {
  const { library, say, word } = parts(form);
  form.hidden = false;
  hint(form, library, word);
  work(form, say, async () => {
    const keys = await library();
    const [file] = form.querySelector("[type=file]").files;
    const newPassphrase = await newPassword(form, keys);
    if (file.size > 65_536) throw new keys.Trouble("key-file");
    say("joining");
    const made = await keys.joinKey({
      keyFile: await file.text(), passphrase: form.querySelector("[data-old]").value, newPassphrase,
      chain: await fetchChain(form.dataset.chain, keys), name: form.dataset.name,
    });
    const link = form.querySelector("[data-save]");
    keep(link, made, "application/x-pkcs12", link.dataset.save);
    link.parentElement.hidden = false;
    link.click();
    form.reset();
    say("joined");
  });
}

// parts finds what both places have: the form, a place for messages, and a template with the words for them.
function parts(root) {
  const words = root.querySelector("template").content;
  const word = (code) => words.querySelector(`[data-word="${code}"]`)?.textContent ?? words.querySelector('[data-word="failed"]').textContent;
  const [status, alert] = [root.querySelector("[role=status]"), root.querySelector("[role=alert]")];
  const say = (code, trouble = false) => {
    status.textContent = code && !trouble ? word(code) : "";
    alert.textContent = code && trouble ? word(code) : "";
    (trouble ? alert : status).scrollIntoView({ block: "nearest" });
  };
  let loaded;
  const library = () => (loaded ??= import(root.dataset.keys));
  return { form: root.matches("form") ? root : root.querySelector("form"), library, say, word };
}

// work runs a task when the form is sent, one at a time, and says what went wrong.
function work(form, say, task) {
  const button = form.querySelector("[type=submit]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.ariaDisabled === "true") return;
    button.ariaDisabled = "true";
    form.querySelectorAll("[aria-invalid]").forEach((input) => input.removeAttribute("aria-invalid"));
    try {
      await task();
    } catch (e) {
      say(e.code ?? "failed", true);
      const input = form.querySelector(`[data-at~="${e.code}"]`);
      input?.setAttribute("aria-invalid", "true");
      input?.focus();
    } finally {
      button.ariaDisabled = "false";
    }
  });
}

// newPassword returns the password that was typed twice, if it will do.
async function newPassword(form, keys) {
  const [first, second] = form.querySelectorAll("[data-new]");
  const verdict = keys.judge(first.value);
  if (["characters", "short", "simple"].includes(verdict)) throw new keys.Trouble(verdict);
  if (first.value !== second.value) throw new keys.Trouble("differs");
  return first.value;
}

// hint says how good a new password is while it is typed.
function hint(form, library, word) {
  const [input] = form.querySelectorAll("[data-new]");
  const line = form.querySelector("[data-hint]");
  input.oninput = async () => {
    const { judge } = await library();
    line.textContent = input.value ? word(judge(input.value)) : "";
  };
  form.onreset = () => (line.textContent = "");
}

async function fetchChain(address, keys) {
  const answer = await fetch(address).catch(() => null);
  if (!answer?.ok) throw new keys.Trouble("network");
  return answer.text();
}

// keep puts the bytes behind the link as a file to save.
function keep(link, content, type, name) {
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
}

function enter(field, text) {
  const area = document.getElementById(field);
  area.value = text;
  area.dispatchEvent(new Event("input", { bubbles: true }));
  area.dispatchEvent(new Event("change", { bubbles: true }));
}

function today() {
  const now = new Date();
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((n) => String(n).padStart(2, "0")).join("");
}
