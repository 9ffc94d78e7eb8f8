// Restores the key of a form, and refreshes the rows of tasks in progress. Polls less often while nothing changes, not
// while the page is hidden, and stops when no row needs it. Without this script the page is reloaded by hand.
"use strict";
{
  const MIN_DELAY = 3000;
  const MAX_DELAY = 15000;
  const MAX_ERROR_DELAY = 60000;
  let delay = MIN_DELAY;
  let etag = "";

  const refreshedIds = () => [
    ...new Set([...document.querySelectorAll("[data-seedance-refresh]")].map((cell) => cell.dataset.seedanceTask)),
  ];

  const cellsOf = (id) => document.querySelectorAll(`[data-seedance-task="${CSS.escape(id)}"]`);

  function updateRow(id, row) {
    for (const cell of cellsOf(id)) {
      const html = row?.cells[cell.dataset.seedanceCell]; // escaped by the server
      if (html !== undefined && cell.innerHTML !== html) cell.innerHTML = html;
      cell.toggleAttribute("data-seedance-refresh", Boolean(row?.refresh));
    }
  }

  // Whether anything has changed.
  async function refresh(root) {
    const ids = refreshedIds();
    const response = await fetch(`${root.dataset.seedanceLive}?ids=${ids.join(",")}`, {
      headers: etag ? { "If-None-Match": etag } : {},
      cache: "no-store",
    });
    if (response.status === 304) return false;
    if (!response.ok || response.redirected) throw new Error(`status ${response.status}`);
    etag = response.headers.get("ETag") ?? "";
    const rows = await response.json();
    const version = root.dataset.seedanceVersion; // only on the page of one task
    if (version && ids.some((id) => rows[id]?.version !== version || !rows[id].refresh)) location.reload();
    else ids.forEach((id) => updateRow(id, rows[id]));
    return true;
  }

  async function poll(root) {
    if (!document.hidden) {
      try {
        delay = (await refresh(root)) ? MIN_DELAY : Math.min(delay * 1.3, MAX_DELAY);
      } catch {
        delay = Math.min(delay * 2, MAX_ERROR_DELAY);
      }
    }
    if (refreshedIds().length) setTimeout(poll, delay, root);
  }

  // The back button loads the page again from the server. Its forms keep the key they had, so that pressing the button
  // again repeats the same request; only a page that is opened anew creates another task.
  function restoreSubmissionKey() {
    const fields = [...document.querySelectorAll('input[name="submission_key"]')];
    if (!fields.length) return;
    const key = history.state?.seedanceKey ?? fields[0].value;
    history.replaceState({ ...history.state, seedanceKey: key }, "");
    for (const field of fields) field.value = key;
  }

  document.addEventListener("DOMContentLoaded", () => {
    restoreSubmissionKey();
    const root = document.querySelector("[data-seedance-live]");
    if (root && refreshedIds().length) setTimeout(poll, delay, root);
  });
}
