// Shows in the schedule's form when it would fire as the form says now.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-preview-url]");
  if (!panel) return;
  const form = panel.closest("form");
  const result = panel.querySelector("[data-preview-result]");
  let waiting;
  let latest = 0;

  async function show() {
    const number = ++latest;
    const answer = await fetch(panel.dataset.previewUrl, { method: "POST", body: new FormData(form) });
    const text = await answer.text();
    if (number !== latest) return;
    if (answer.ok) result.innerHTML = text;
    else result.textContent = `The preview failed (${answer.status}).`;
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(show, 300);
  }

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
});
