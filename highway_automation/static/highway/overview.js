// Keeps the overview true without reloading: asks for the page again and takes over what changes on it.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const here = document.getElementById("overview");
  if (!here) return;
  const usual = Number(here.dataset.every);
  let pause = usual;

  const take = (fresh, selector) => {
    const [then, now] = [document.querySelector(selector), fresh.querySelector(selector)];
    if (then && now && then.innerHTML !== now.innerHTML) then.innerHTML = now.innerHTML;
  };
  const badges = (fresh) => fresh.querySelectorAll("#nav-sidebar a").forEach((link) => {
    const [now, then] = [link.querySelector(".hw-badge-count"),
      document.querySelector(`#nav-sidebar a[href="${CSS.escape(link.getAttribute("href"))}"] .hw-badge-count`)];
    if (now && then) { then.textContent = now.textContent; then.hidden = now.hidden; }
  });
  const focused = () => [...here.querySelectorAll("a, [tabindex]")].indexOf(document.activeElement);

  const refresh = async () => {
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { headers: { "X-Requested-With": "fetch" } });
        if (answer.redirected) { location.reload(); return; }
        if (!answer.ok) throw new Error(answer.status);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const at = focused();
        take(fresh, "#overview");
        badges(fresh);
        if (at >= 0) here.querySelectorAll("a, [tabindex]")[at]?.focus({ preventScroll: true });
        here.classList.remove("hw-o-stale");
        pause = usual;
      } catch (error) {
        here.classList.add("hw-o-stale");
        pause = Math.min(pause * 2, 60000);
      }
    }
    setTimeout(refresh, pause);
  };
  setTimeout(refresh, pause);
  document.addEventListener("visibilitychange", () => { pause = usual; });
});
