// Portcullis in the browser. Loaded in <head> without defer, so that the theme is there before the first paint;
// everything else waits for the document. Pages work without it, except for what moves by itself.
(() => {
  "use strict";
  const root = document.documentElement;
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Theme: the system's until somebody chooses.
  const remember = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* private mode */ } };
  const remembered = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    say(isDark() ? "Dark theme." : "Light theme.");
  }

  // Announcements: one polite live region for ears, a toast for eyes.
  function say(text) {
    const region = $("#announce");
    if (!region || !text) return;
    region.textContent = "";
    requestAnimationFrame(() => { region.textContent = text; });
  }

  function toast(text) {
    say(text);
    const sample = $("#toast");
    const place = $(".toasts");
    if (!sample || !place) return;
    const node = sample.content.firstElementChild.cloneNode(true);
    $("[data-text]", node).textContent = text;
    place.append(node);
    setTimeout(() => node.remove(), 6000);
  }

  // Times: the same words as age_words and until_words in portal/kit/templatetags/kit.py.
  const SIZES = [[365 * 86400, "y"], [30 * 86400, "mo"], [86400, "d"], [3600, "h"], [60, "min"]];

  function ageWords(seconds, style) {
    const fit = SIZES.find(([size]) => seconds >= size);
    if (!fit) return style === "short" ? "now" : "just now";
    return `${Math.floor(seconds / fit[0])} ${fit[1]}${style === "short" ? "" : " ago"}`;
  }

  function untilWords(seconds, style) {
    if (seconds <= 0) return "ended";
    const end = style === "short" ? "" : " left";
    if (seconds < 60) return `${seconds} s${end}`;
    seconds = Math.ceil(seconds / 60) * 60;
    const days = Math.floor(seconds / 86400), hours = Math.floor(seconds % 86400 / 3600), minutes = Math.floor(seconds % 3600 / 60);
    const parts = days ? [[days, "d"], [hours, "h"]] : [[hours, "h"], [minutes, "min"]];
    return parts.filter(([number]) => number).map(([number, word]) => `${number} ${word}`).join(" ") + end;
  }

  // The server's clock decides; a laptop's may be wrong.
  let ahead = 0;
  const now = () => Date.now() + ahead;
  const setClock = (date) => { if (date) ahead = Math.abs(Date.parse(date) - Date.now()) > 2000 ? Date.parse(date) - Date.now() : 0; };

  function write(node, text) { if (node.textContent !== text) node.textContent = text; }

  function tick(within = document) {
    for (const node of $$("time[data-age]", within)) write(node, ageWords(Math.floor((now() - Date.parse(node.dateTime)) / 1000), node.dataset.age));
    for (const node of $$("time[data-until]", within)) write(node, untilWords(Math.floor((Date.parse(node.dateTime) - now()) / 1000), node.dataset.until));
  }

  // Live parts: [data-live="URL"] asks every two seconds while the tab is seen. 204 is unchanged.
  const PERIOD = 2000;
  const lost = new Map();
  const asking = new Set();

  function keepWhatIsInUse(old) {
    if (old.nodeType !== 1) return true;
    return !(old.matches("[data-keep], dialog[open]") || (old.matches("[popover]") && old.matches(":popover-open")));
  }

  function morph(old, html) {
    Idiomorph.morph(old, html, {
      morphStyle: "outerHTML",
      // With this set Idiomorph also leaves alone what is inside the focused element: right for a field, wrong for a cell.
      ignoreActiveValue: Boolean(typing(document.activeElement)),
      callbacks: {
        beforeNodeMorphed: keepWhatIsInUse,
        beforeNodeRemoved: keepWhatIsInUse,
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details")),
      },
    });
  }

  function showLost() {
    const note = $("#stale");
    if (!note) return;
    const worst = [...lost.values()].sort((a, b) => a.since - b.since)[0];
    note.hidden = !worst;
    if (worst) write($("[data-text]", note), worst.signedOut ? "You are signed out. What you see no longer changes." : `Not live since ${worst.since.toTimeString().slice(0, 8)}. Trying again.`);
    $("a", note).hidden = !worst?.signedOut;
  }

  async function refresh(part) {
    const id = part.id;
    if (!id || asking.has(id) || part.dataset.live === "off") return;
    asking.add(id);
    const url = part.dataset.live || location.href;
    try {
      const answer = await fetch(url, {
        headers: { "HX-Request": "true", "HX-Target": id, "HX-Current-URL": location.href, "X-Stamp": part.dataset.stamp || "" },
        credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(10000),
      });
      const signedOut = answer.redirected || [401, 403].includes(answer.status) || answer.headers.has("HX-Redirect");
      if (signedOut || !answer.ok) throw Object.assign(new Error(`${url} answered ${answer.status}`), { signedOut });
      setClock(answer.headers.get("Date"));
      if (answer.status === 200) {
        const html = await answer.text();
        const stamp = answer.headers.get("X-Stamp");
        const here = document.getElementById(id);
        if (!here || (here.dataset.live || location.href) !== url) return;
        morph(here, html);
        const fresh = document.getElementById(id);
        if (fresh && stamp) fresh.dataset.stamp = stamp;
        if (fresh) { window.htmx?.process(fresh); tick(fresh); }
      } else if (answer.status === 286) part.dataset.live = "off";
      if (lost.delete(id) && !lost.size) say("Live again.");
    } catch (error) {
      if (!lost.has(id)) lost.set(id, { since: new Date() });
      lost.get(id).signedOut = Boolean(error.signedOut);
    } finally {
      asking.delete(id);
      for (const gone of lost.keys()) if (!document.getElementById(gone)) lost.delete(gone);
      showLost();
    }
  }

  const refreshAll = () => { if (document.visibilityState === "visible") $$("[data-live]").forEach(refresh); };

  // Popovers open next to what opened them. Without this they open in the middle, which also works.
  function place(popover, anchor) {
    const box = anchor.getBoundingClientRect();
    popover.classList.add("placed");
    const { offsetWidth: width, offsetHeight: height } = popover;
    const end = popover.matches(".menu-end");
    const left = Math.min(Math.max(8, end ? box.right - width : box.left), innerWidth - width - 8);
    const below = box.bottom + 6;
    const top = below + height > innerHeight - 8 && box.top - height - 6 > 8 ? box.top - height - 6 : below;
    popover.style.left = `${Math.max(8, left)}px`;
    popover.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
  }

  const openers = new WeakMap();
  document.addEventListener("toggle", (event) => {
    const popover = event.target;
    if (event.newState !== "open" || !popover.matches?.("[popover]:not(.side)")) return;
    const anchor = openers.get(popover) || $(`[popovertarget="${CSS.escape(popover.id)}"]`);
    if (anchor) place(popover, anchor);
    $("[autofocus], .field input:not([type=hidden]), .field textarea", popover)?.focus();
  }, true);
  const replace = () => { for (const popover of $$("[popover]:popover-open.placed")) if (openers.has(popover)) place(popover, openers.get(popover)); };
  addEventListener("scroll", replace, { passive: true, capture: true });
  addEventListener("resize", replace);

  // The card of a cell: one popover for the page, filled from the cell's data-card. Hover, a tap, or Space.
  let cardTimer = 0;

  async function openCard(cell, { focus = false } = {}) {
    const card = $("#card");
    if (!card || !cell.isConnected) return;
    const url = cell.dataset.card;
    openers.set(card, cell);
    if (card.dataset.of !== url || !card.matches(":popover-open")) {
      card.dataset.of = url;
      card.replaceChildren($("#card-waiting").content.cloneNode(true));
      if (!card.matches(":popover-open")) card.showPopover();
      place(card, cell);
      card.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Target": "card" }, credentials: "same-origin" });
        const html = answer.ok && !answer.redirected ? await answer.text() : "";
        if (card.dataset.of !== url) return;
        if (html) {
          const parsed = new DOMParser().parseFromString(html, "text/html");
          card.replaceChildren(...parsed.body.childNodes);
          window.htmx?.process(card);
        } else card.textContent = "This could not be loaded. Open the page of the cell instead.";
      } catch {
        card.textContent = "This could not be loaded: the portal did not answer.";
      }
      card.removeAttribute("aria-busy");
      tick(card);
      place(card, cell);
    }
    if (focus) ($("a, button", card) || card).focus();
  }

  function closeCard() { const card = $("#card"); if (card?.matches(":popover-open")) card.hidePopover(); }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const cell = event.target.closest?.("[data-card]");
    clearTimeout(cardTimer);
    if (cell) cardTimer = setTimeout(openCard, 400, cell);
    else if (!event.target.closest?.("#card")) cardTimer = setTimeout(closeCard, 350);
  });
  document.addEventListener("click", (event) => {
    const cell = event.target.closest?.("[data-card]");
    if (!cell || event.metaKey || event.ctrlKey || event.shiftKey || event.pointerType !== "touch") return;
    event.preventDefault();
    openCard(cell);
  }, true);

  // Keyboard.
  const typing = (node) => node?.matches?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  let pending = "";

  function focusSearch(own) {
    const field = (own && $("[data-search]")) || $(".finder input") || $("[data-search]");
    field?.focus();
    field?.select?.();
    return Boolean(field);
  }

  function goTo(letter) {
    const link = $$(".side a[href]").find((node) => node.textContent.trim().toLowerCase().startsWith(letter));
    if (link) location.assign(link.href);
  }

  function moveInGrid(event) {
    const cell = event.target.closest?.("[data-grid] [data-at]");
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!cell) return false;
    if (event.key === " " && cell.dataset.card) { openCard(cell, { focus: true }); return true; }
    if (!step) return false;
    const [row, column] = cell.dataset.at.split(",").map(Number);
    const next = $(`[data-at="${row + step[0]},${column + step[1]}"]`, cell.closest("[data-grid]"));
    if (next) { closeCard(); next.focus(); next.scrollIntoView({ block: "nearest", inline: "nearest" }); }
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { if (focusSearch(false)) event.preventDefault(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    if (moveInGrid(event)) { event.preventDefault(); return; }
    if (pending === "g") { pending = ""; if (/^[a-z]$/.test(event.key)) goTo(event.key); return; }
    if (event.key === "g") { pending = "g"; setTimeout(() => { pending = ""; }, 1200); return; }
    if (event.key === "/") { if (focusSearch(true)) event.preventDefault(); return; }
    if (event.key === "?") { $("#shortcuts")?.showModal?.(); return; }
  });

  // Buttons that need a script.
  async function copy(button) {
    const text = button.dataset.copy || $("pre", button.closest(".code"))?.textContent.trim() || "";
    try { await navigator.clipboard.writeText(text); } catch { return toast("Copying is not allowed here. Select the text instead."); }
    button.classList.add("copied");
    $("use", button)?.setAttribute("href", $("use", button).getAttribute("href").replace(/#.*/, "#check"));
    say("Copied.");
    setTimeout(() => {
      button.classList.remove("copied");
      $("use", button)?.setAttribute("href", $("use", button).getAttribute("href").replace(/#.*/, "#copy"));
    }, 1800);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-action]");
    if (!button) return;
    if (button.dataset.action === "copy") copy(button);
    if (button.dataset.action === "theme") toggleTheme();
    if (button.dataset.action === "shortcuts") $("#shortcuts")?.showModal();
    if (button.dataset.action === "dismiss") button.closest(".toast")?.remove();
    if (button.dataset.action === "print") print();
  });

  // Filters: forms with data-auto are sent on change (typed text: on Enter), without their empty fields.
  document.addEventListener("change", (event) => { if (!typing(event.target) || event.target.matches("select")) event.target.closest?.("form[data-auto]")?.requestSubmit(); });
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("[data-auto]")) return;
    for (const [key, value] of [...event.formData]) if (value === "") event.formData.delete(key);
  });

  // The filter builder: what the value's field offers follows the property; a chosen property leads on.
  document.addEventListener("change", (event) => {
    const property = event.target.closest?.("[data-property]");
    const value = property && $("[data-value]", property.parentElement);
    if (value) value.setAttribute("list", `values-${property.value}`);
  });

  // A part that is swapped whole keeps the focus on what was used: on itself, or on what opened its popover.
  let used = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id !== "table") return;
    const popover = event.target.closest?.("[popover]");
    used = (popover && $(`[popovertarget="${CSS.escape(popover.id)}"]`)?.id) || event.target.id || document.activeElement?.id || "";
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const count = event.detail.target?.id === "table" && $("#table [data-count]");
    if (event.detail.target?.id !== "table") return;
    if (used && [document.body, $("#main")].includes(document.activeElement)) document.getElementById(used)?.focus({ preventScroll: true });
    say(count ? $("span", count)?.textContent : "Nothing matches.");
  });

  // htmx: a form with errors comes back with 422; the first error gets the focus.
  const focusError = (within) => $('[aria-invalid="true"], [data-focus]', within)?.focus();
  document.addEventListener("htmx:afterSettle", (event) => {
    tick(event.detail.elt);
    if (event.detail.xhr?.status === 422) { focusError(event.detail.elt); say($(".error", event.detail.elt)?.textContent.trim()); }
  });
  // A form that is done closes its popover, which an open one would keep from the refresh. What opened it may go, so the page gets the focus.
  document.addEventListener("htmx:afterRequest", (event) => {
    const popover = event.target.closest?.("form") && event.target.closest("[popover]:popover-open");
    if (!popover || !event.detail.successful || event.detail.xhr.status >= 400) return;
    popover.hidePopover();
    $("#main")?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:responseError", (event) => toast(event.detail.xhr.status === 403
    ? "You may not do that. Ask the holder, the team or an admin."
    : `That did not work: the portal answered ${event.detail.xhr.status}. Nothing was changed.`));
  document.addEventListener("htmx:sendError", () => toast("The portal did not answer. Check your connection and try again."));
  document.addEventListener("htmx:timeout", () => toast("The portal took too long. Look whether it was done before you try again."));
  document.addEventListener("announce", (event) => toast(event.detail.value ?? event.detail.message));
  document.addEventListener("refresh", refreshAll);

  document.addEventListener("DOMContentLoaded", () => {
    root.classList.add("js");
    tick();
    focusError(document);
    setInterval(tick, 1000);
    setInterval(refreshAll, PERIOD);
    for (const node of $$(".toasts .toast")) { say(node.textContent.trim()); setTimeout(() => node.remove(), 8000); }
  });
  // When the address names a part of the page, the browser goes there and forgets which field waits for the cursor.
  addEventListener("load", () => { if (location.hash) setTimeout(() => $("main [autofocus]")?.focus()); });
  document.addEventListener("visibilitychange", refreshAll);
})();
