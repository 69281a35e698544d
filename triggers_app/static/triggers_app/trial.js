// Shows below the trigger's form whether the chosen event fits what the form says now.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const panel = document.querySelector("[data-trial-url]");
  const choice = panel && panel.querySelector("[data-trial-event]");
  if (!choice) return;
  const form = panel.closest("form");
  const result = panel.querySelector("[data-trial-result]");
  let waiting;
  let latest = 0;

  async function test() {
    const number = ++latest;
    const body = new FormData(form);
    body.set("event", choice.value);
    body.set("trigger", panel.dataset.trialTrigger);
    const answer = await fetch(panel.dataset.trialUrl, { method: "POST", body });
    const text = await answer.text();
    if (number !== latest) return;
    if (answer.ok) result.innerHTML = text;
    else result.textContent = `The test failed (${answer.status}).`;
  }

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(test, 300);
  }

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  test();
});
