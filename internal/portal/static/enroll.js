// Help on top of the forms that take a CSR, which work without it: the CSR is shown decoded while the form is filled in, a file may be
// chosen or dropped, and a page can be printed by a button.

const csr = document.getElementById("csr");
const form = csr?.form;

if (form && csr) {
  const file = document.getElementById("csr_file");
  const preview = document.getElementById("csr-preview");
  let asked = 0;
  let timer;

  // A private key must not leave the browser: only the line that gives it away is sent, for the answer that says so.
  const secret = () => csr.value.includes("PRIVATE KEY");

  // show asks for the request decoded. Only the last answer counts; without one the confirm page still shows it.
  const show = async () => {
    const mine = ++asked;
    const fields = new URLSearchParams({ kind: form.id });
    for (const [name, value] of new FormData(form)) {
      if (name === "csr" || name === "certificate_email" || name.startsWith("organization.")) fields.append(name, value);
    }
    if (secret()) {
      fields.set("csr", "-----BEGIN PRIVATE KEY-----");
      csr.value = "";
    }
    try {
      const answer = await fetch("/enroll/csr", { method: "POST", body: fields });
      const text = answer.status === 200 ? await answer.text() : "";
      if (mine !== asked) return;
      preview.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    } catch {
      if (mine === asked) preview.replaceChildren();
    }
  };

  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(show, 400);
  };

  // read puts a file into the textarea. A binary file, which a CSR in DER is, goes in as base64.
  const read = async (chosen) => {
    if (!chosen) return;
    const bytes = new Uint8Array(await chosen.slice(0, 32 << 10).arrayBuffer());
    try {
      csr.value = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      csr.value = btoa(String.fromCharCode(...bytes)).replace(/.{64}/g, "$&\n");
    }
    file.value = "";
    csr.dispatchEvent(new Event("input", { bubbles: true }));
  };

  csr.addEventListener("input", later);
  file.addEventListener("change", () => read(file.files[0]));
  csr.addEventListener("dragover", (e) => e.preventDefault());
  csr.addEventListener("drop", (e) => {
    if (!e.dataTransfer.files.length) return;
    e.preventDefault();
    read(e.dataTransfer.files[0]);
  });
  form.addEventListener("change", (e) => {
    if (csr.value.trim() && (e.target.name === "certificate_email" || e.target.name?.startsWith("organization."))) later();
  });
  if (csr.value.trim()) show();
}

for (const button of document.querySelectorAll("button.print")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
