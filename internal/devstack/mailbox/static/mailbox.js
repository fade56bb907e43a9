// Reloads the list as soon as mail arrives.
"use strict";

async function watch() {
  const last = document.body.dataset.last;
  for (;;) {
    const answer = await fetch("/api/mails?wait=25s&after=" + encodeURIComponent(last));
    if (!answer.ok) return;
    if ((await answer.json()).length > 0) {
      location.reload();
      return;
    }
  }
}

watch().catch(() => {});
