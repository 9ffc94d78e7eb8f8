// Keeps the key of a form, and refreshes the tasks on the page that move by themselves. Asks less often while nothing
// changes, not at all while the page is hidden, and stops when nothing moves any more. Without this script the page is simply reloaded by hand.
"use strict";
{
  const SOONEST = 3000;
  const LATEST = 15000;
  const AFTER_ERROR = 60000;
  let delay = SOONEST;
  let etag = "";

  const moving = () => [...new Set([...document.querySelectorAll("[data-seedance-moving]")].map((cell) => cell.dataset.seedanceTask))];

  const cellsOf = (id) => document.querySelectorAll(`[data-seedance-task="${CSS.escape(id)}"]`);

  function show(id, row) {
    for (const cell of cellsOf(id)) {
      const html = row?.cells[cell.dataset.seedanceCell]; // escaped by the server
      if (html !== undefined && cell.innerHTML !== html) cell.innerHTML = html;
      cell.toggleAttribute("data-seedance-moving", Boolean(row?.moving));
    }
  }

  async function refresh(root) {
    const ids = moving();
    const answer = await fetch(`${root.dataset.seedanceLive}?ids=${ids.join(",")}`, {
      headers: etag ? { "If-None-Match": etag } : {},
      cache: "no-store",
    });
    if (answer.status === 304) return false;
    if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
    etag = answer.headers.get("ETag") ?? "";
    const rows = await answer.json();
    const before = root.dataset.seedanceReload;
    if (before && ids.some((id) => rows[id]?.moment !== before || !rows[id].moving)) location.reload();
    else ids.forEach((id) => show(id, rows[id]));
    return true;
  }

  async function round(root) {
    if (!document.hidden) {
      try {
        delay = (await refresh(root)) ? SOONEST : Math.min(delay * 1.3, LATEST);
      } catch {
        delay = Math.min(delay * 2, AFTER_ERROR);
      }
    }
    if (moving().length) setTimeout(round, delay, root);
  }

  // Who goes back to a page gets it anew from the server. The key of its forms stays what it was, so that pressing the
  // button again is the same request as before; only a page that is opened anew makes another task.
  function keepKey() {
    const fields = [...document.querySelectorAll('input[name="submission_key"]')];
    if (!fields.length) return;
    const key = history.state?.seedanceKey ?? fields[0].value;
    history.replaceState({ ...history.state, seedanceKey: key }, "");
    for (const field of fields) field.value = key;
  }

  document.addEventListener("DOMContentLoaded", () => {
    keepKey();
    const root = document.querySelector("[data-seedance-live]");
    if (root && moving().length) setTimeout(round, delay, root);
  });
}
