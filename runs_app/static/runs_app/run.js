// Keeps a run's page true while the run goes on: asks for the changing part, keeps what the reader opened open.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const root = document.querySelector(".hw-run");
  if (!root || root.dataset.final === "yes") return;
  const keys = (selector) => new Set([...root.querySelectorAll(selector)].map((node) => node.dataset.key));
  let pause = 1000;
  const offer = async () => {  // what can be done with a run that has ended
    const buttons = '[role="group"][aria-label="Actions"]';
    const fresh = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
    document.querySelector(buttons)?.replaceWith(fresh.querySelector(buttons) ?? "");
  };
  const refresh = async () => {
    try {
      const answer = await fetch(root.dataset.liveUrl, { headers: { "X-Requested-With": "fetch" } });
      if (answer.ok) {
        const open = keys("details[open][data-key]");
        root.innerHTML = await answer.text();
        root.querySelectorAll("details[data-key]").forEach((node) => { node.open = open.has(node.dataset.key); });
        pause = 1000;
        if (root.querySelector("[data-final=yes]")) {
          await offer();
          return;
        }
      }
    } catch (error) {
      pause = Math.min(pause * 2, 15000);
    }
    setTimeout(refresh, pause);
  };
  setTimeout(refresh, pause);
});
