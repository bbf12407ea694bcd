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

  function toast(text, undo = "") {
    say(text);
    const sample = $("#toast");
    const place = $(".toasts");
    if (!sample || !place) return;
    const node = sample.content.firstElementChild.cloneNode(true);
    $("[data-text]", node).textContent = text;
    if (undo) Object.assign($("form", node), { action: undo, hidden: false });
    place.append(node);
    fade(node);
  }

  // One that offers to undo stays longer, and for as long as it is in use.
  function fade(node) {
    setTimeout(() => (node.matches(":hover, :focus-within") ? fade(node) : node.remove()), $("form:not([hidden])", node) ? 15000 : 6000);
  }

  // Times: the same words as age_words and until_words in portal/kit/templatetags/kit.py.
  const SIZES = [[365 * 86400, "y"], [30 * 86400, "mo"], [86400, "d"], [3600, "h"], [60, "min"]];

  function ageWords(seconds, style) {
    const fit = SIZES.find(([size]) => seconds >= size);
    if (!fit) return style === "short" ? "now" : "just now";
    return `${Math.floor(seconds / fit[0])} ${fit[1]}${style === "short" ? "" : " ago"}`;
  }

  function untilWords(seconds, style) {
    if (seconds <= 0) return style === "timer" ? "Expired" : "ended";
    const end = style === "" ? " left" : "";
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

  function keepWhatIsInUse(old, fresh) {
    if (old.nodeType !== 1) return true;
    if (fresh && old.dataset.part && old.dataset.part === fresh.dataset?.part) return false;
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
        beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details")) && !(name === "tabindex" && node.closest("[data-grid]")),
      },
    });
  }

  // What a large page has of its parts, so that it is sent only those that differ. Too many for a header are not told.
  const MOST_PARTS = 900;

  function partsOf(live) {
    const parts = live.dataset.frame ? $$("[data-part]", live) : [];
    return parts.length && parts.length <= MOST_PARTS ? live.dataset.frame + parts.map((part) => part.dataset.part).join("") : "";
  }

  // Part by part, with pauses, so that nobody's typing waits for five hundred of them.
  async function morphParts(live, html) {
    const sample = document.createElement("template");
    sample.innerHTML = html;
    let begun = performance.now();
    for (const fresh of [...sample.content.children]) {
      const old = document.getElementById(fresh.id);
      if (!old) { live.dataset.frame = live.dataset.stamp = ""; return; }
      morph(old, fresh);
      settle(document.getElementById(fresh.id));
      if (performance.now() - begun < 12) continue;
      await new Promise((done) => setTimeout(done));
      begun = performance.now();
    }
  }

  // What has come in gets what the page gives to everything in it.
  function settle(fresh) {
    window.htmx?.process(fresh);
    tick(fresh);
    const within = fresh.closest("[data-grid]");
    if (within) rove(within, fresh);
    else for (const grid of $$("[data-grid]", fresh)) rove(grid);
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
        headers: { "HX-Request": "true", "HX-Target": id, "HX-Current-URL": location.href, "X-Stamp": part.dataset.stamp || "", "X-Parts": partsOf(part) },
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
        if (stamp) here.dataset.stamp = stamp;
        if (answer.headers.has("X-Parts")) await morphParts(here, html);
        else {
          morph(here, html);
          const fresh = document.getElementById(id);
          if (fresh) { if (stamp) fresh.dataset.stamp = stamp; settle(fresh); countPicked(); fitOperators(fresh); }
        }
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

  // What the search at the top offers while somebody types: arrows go through it, Escape closes it.
  document.addEventListener("keydown", (event) => {
    const finder = event.target.closest?.(".finder");
    if (!finder || event.isComposing) return;
    const field = $("input", finder), links = $$(".offers a", finder), at = links.indexOf(event.target);
    if (event.key === "Escape") { $(".offers", finder).replaceChildren(); field.focus(); }
    const next = { ArrowDown: links[at + 1], ArrowUp: at > 0 ? links[at - 1] : at === 0 ? field : null }[event.key];
    if (next) { next.focus(); event.preventDefault(); }
  });

  function goTo(letter) {
    // The sections of the top bar first: among all pages, Commits would come before Catalog.
    const link = [...$$(".sections a"), ...$$(".side > ul > li > a")].find((node) => node.textContent.trim().toLowerCase().startsWith(letter));
    if (link) location.assign(link.href);
  }

  // A grid is one stop of the Tab key: arrows move between its cells, and only the cell one is in has its links among the stops.
  const CONTROLS = "a[href], button, input, select, textarea, summary";
  const inGrid = (node) => node.closest?.("[data-grid] :is(th, td)");
  const linesOf = (grid) => [...grid.rows].filter((row) => row.cells.length);
  // Where the focus goes in a cell: to its own link where that is what the cell is, else to the cell.
  const stopOf = (cell) => (cell.matches("th") ? $("a[href]", cell) : $("[data-card]", cell)) || cell;
  const current = new WeakMap();

  function rove(grid, within = grid) {
    for (const node of $$(`th, td, ${CONTROLS}`, within)) if (!node.closest("[data-editor]")) node.tabIndex = -1;
    const held = current.get(grid);
    const line = linesOf(grid).find((row) => row.parentElement.tagName === "TBODY");
    const cell = inGrid(document.activeElement) || (held?.isConnected ? held : line?.cells[0]);
    if (cell && grid.contains(cell)) enter(cell);
  }

  function enter(cell) {
    const grid = cell.closest("[data-grid]");
    const left = current.get(grid);
    for (const node of left ? [left, ...$$(CONTROLS, left)] : []) if (!node.closest("[data-editor]")) node.tabIndex = -1;
    current.set(grid, cell);
    for (const node of [stopOf(cell), ...$$(CONTROLS, cell)]) node.tabIndex = 0;
  }

  function goToCell(cell) {
    closeCard();
    enter(cell);
    stopOf(cell).focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // How many lines are seen at once.
  function pageOf(grid) {
    const line = linesOf(grid).at(-1), frame = grid.closest(".scroll");
    const seen = Math.min(frame?.clientHeight || innerHeight, innerHeight) - (grid.tHead?.offsetHeight || 0);
    return Math.max(1, Math.floor(seen / line.offsetHeight) - 1);
  }

  function moveInGrid(event) {
    const cell = inGrid(event.target);
    if (!cell || event.target.closest("[data-editor]")) return false;
    const grid = cell.closest("[data-grid]");
    const card = $("[data-card]", cell);
    if (card && event.key === "Enter" && !event.shiftKey) return Boolean(openCard(card, { focus: true }));
    if (event.key === " " && !event.target.matches("button, input, summary")) {
      const pick = $(".pick input", cell.parentElement);
      if (card) openCard(card, { focus: true });
      else if (pick) pick.click();
      return Boolean(card || pick);
    }
    if (event.key === "F2" || (event.key === "Enter" && event.target === cell)) return openEditor(cell);
    const lines = linesOf(grid), y = lines.indexOf(cell.parentElement), x = cell.cellIndex;
    const at = (row, column) => row && [...row.cells][Math.min(column, row.cells.length - 1)];
    const next = {
      ArrowUp: () => at(lines[y - 1], x), ArrowDown: () => at(lines[y + 1], x),
      ArrowLeft: () => at(lines[y], x - 1), ArrowRight: () => (x + 1 < cell.parentElement.cells.length ? at(lines[y], x + 1) : null),
      Home: () => at(event.ctrlKey ? lines[1] : lines[y], 0), End: () => at(event.ctrlKey ? lines.at(-1) : lines[y], Infinity),
      PageUp: () => at(lines[Math.max(Math.min(y, 1), y - pageOf(grid))], x), PageDown: () => at(lines[Math.min(lines.length - 1, y + pageOf(grid))], x),
    }[event.key];
    if (!next) return false;
    const found = next();
    if (found) goToCell(found);
    return true;
  }

  document.addEventListener("focusin", (event) => {
    const cell = inGrid(event.target);
    if (cell && current.get(cell.closest("[data-grid]")) !== cell) enter(cell);
  });

  // One value changed in its cell: a click, Enter or F2 opens it, Escape leaves it as it was.
  const shut = new WeakMap();

  async function ask(url, options = {}) {
    try {
      const answer = await fetch(url, { headers: { "HX-Request": "true", "HX-Current-URL": location.href }, credentials: "same-origin", ...options });
      return answer.headers.has("HX-Redirect") || answer.redirected ? (location.assign(location.href), null) : answer;
    } catch {
      toast("The portal did not answer. Check your connection and try again.");
      return null;
    }
  }

  function openEditor(cell) {
    const row = cell.closest("[data-edit]");
    if (!row || !cell.dataset.name) return false;
    fetchEditor(cell, row);
    return true;
  }

  async function fetchEditor(cell, row) {
    if (shut.has(cell)) return;
    for (const other of $$("[data-editing]")) closeEditor(other);
    const grid = cell.closest("[data-grid]");
    const answer = await ask(`${row.dataset.edit}?${new URLSearchParams({ cell: cell.dataset.name })}&${grid.dataset.query}`);
    const html = await answer?.text();
    if (!html || !cell.isConnected) return;
    if (![200, 409].includes(answer.status)) return toast("This value could not be opened.");
    shut.set(cell, [...cell.childNodes]);
    cell.dataset.editing = cell.dataset.keep = "";
    fillEditor(cell, html);
    if (answer.status === 409) say(cell.textContent.trim());
  }

  function fillEditor(cell, html) {
    cell.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    const field = $('[aria-invalid="true"]', cell) || $("input:not([type=hidden]):checked, input:not([type=hidden]), select, textarea", cell);
    (field || cell).focus();
    if (field?.matches("input:not([type=checkbox])")) field.select();
  }

  function closeEditor(cell, { focus = false } = {}) {
    cell.replaceChildren(...shut.get(cell));
    shut.delete(cell);
    delete cell.dataset.editing;
    delete cell.dataset.keep;
    enter(cell);
    if (focus) stopOf(cell).focus();
  }

  async function saveEditor(form) {
    const cell = form.closest("[data-editing]");
    const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
    form.setAttribute("aria-busy", "true");
    const answer = await ask(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "HX-Request": "true", ...token } });
    form.removeAttribute("aria-busy");
    const html = await answer?.text();
    if (!html) return;
    if (answer.status === 422 || answer.status === 409) {
      fillEditor(cell, html);
      return say($(".error, .note-red, .cell-why", cell)?.textContent.trim());
    }
    if (!answer.ok) return toast(`That did not work: the portal answered ${answer.status}. Nothing was changed.`);
    const row = cell.parentElement, grid = cell.closest("[data-grid]"), at = cell.cellIndex, picked = $(".pick input", row)?.checked;
    const table = new DOMParser().parseFromString(`<table><tbody>${html}</tbody></table>`, "text/html");
    const fresh = document.adoptNode($("tr", table));
    row.replaceWith(fresh);
    if (picked) $(".pick input", fresh).checked = true;
    window.htmx?.process(fresh);
    tick(fresh);
    rove(grid);
    goToCell(fresh.cells[at]);
    const told = JSON.parse(answer.headers.get("HX-Trigger") || "{}").announce;
    if (told) toast(told.message, told.undo);
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-editor]")) return;
    event.preventDefault();
    saveEditor(event.target);
  });
  document.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("[data-editing]");
    if (!cell) return;
    const form = $("form", cell);
    if (event.key === "Escape" || (!form && event.key !== "Tab")) {
      event.preventDefault();
      event.stopPropagation();
      closeEditor(cell, { focus: true });
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form?.requestSubmit();
    }
  }, true);
  document.addEventListener("click", (event) => {
    const cell = inGrid(event.target);
    for (const other of $$("[data-editing]")) if (other !== cell && !$("form", other)) closeEditor(other);
    if (!cell || !cell.matches("td") || event.target.closest(`${CONTROLS}, label`) || getSelection().toString()) return;
    openEditor(cell);
  });

  // Rows that are chosen for what is done to many.
  let picked = null;

  function countPicked() {
    const boxes = $$("[data-grid] tbody .pick input"), chosen = boxes.filter((box) => box.checked).length;
    for (const node of $$("[data-picked]")) write(node, String(chosen));
    for (const box of boxes) box.closest("tr").toggleAttribute("data-chosen", box.checked);
    for (const all of $$("[data-pick-all]")) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
    return chosen;
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-grid] tbody .pick input");
    if (!box) return;
    const boxes = $$("tbody .pick input", box.closest("[data-grid]"));
    if (event.shiftKey && picked?.isConnected) {
      const [from, to] = [boxes.indexOf(picked), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
    }
    picked = box;
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches?.("[data-pick-all]")) for (const box of $$("tbody .pick input", event.target.closest("[data-grid]"))) box.checked = event.target.checked;
    if (event.target.closest?.(".pick")) say(`${countPicked()} chosen`);
    // In the form for many, what is typed into is ticked.
    const line = event.target.closest?.(".bulk-line");
    if (line && event.target.name !== "set") $('[name="set"]', line).checked = true;
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { if (focusSearch(false)) event.preventDefault(); return; }
    const corner = event.ctrlKey && ["Home", "End"].includes(event.key) && inGrid(event.target);
    if (event.metaKey || event.altKey || event.isComposing || typing(event.target) || (event.ctrlKey && !corner)) return;
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

  // What somebody opened in the sidebar stays open on other pages; the section of a page is open anyway.
  const folds = () => { try { return JSON.parse(localStorage.getItem("folds")) || {}; } catch { return {}; } };
  document.addEventListener("DOMContentLoaded", () => { for (const each of $$("details[data-fold]")) if (folds()[each.dataset.fold]) each.open = true; });
  document.addEventListener("click", (event) => {
    const fold = event.target.closest?.("[data-fold] > summary")?.parentElement;
    if (!fold) return;
    try { localStorage.setItem("folds", JSON.stringify({ ...folds(), [fold.dataset.fold]: !fold.open })); } catch { /* not kept */ }
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-action]");
    if (!button) return;
    if (button.dataset.action === "copy") copy(button);
    if (button.dataset.action === "theme") toggleTheme();
    if (button.dataset.action === "shortcuts") $("#shortcuts")?.showModal();
    if (button.dataset.action === "dismiss") button.closest(".toast")?.remove();
    if (button.dataset.action === "print") print();
    if (button.dataset.action === "uncell") closeEditor(button.closest("[data-editing]"), { focus: true });
    if (button.dataset.action === "unpick") { for (const box of $$(".pick input")) box.checked = false; say(`${countPicked()} chosen`); }
  });

  // Filters: forms with data-auto are sent on change (typed text: on Enter), without their empty fields.
  // What lists several to choose among has a button of its own.
  document.addEventListener("change", (event) => { if ((!typing(event.target) || event.target.matches("select")) && !event.target.closest?.("details.kinds")) event.target.closest?.("form[data-auto]")?.requestSubmit(); });
  const openKinds = (but) => $$("details.kinds[open]").filter((each) => !each.contains(but));
  document.addEventListener("click", (event) => { for (const each of openKinds(event.target)) each.open = false; });
  document.addEventListener("keydown", (event) => {
    const [kinds] = event.key === "Escape" ? openKinds(null) : [];
    if (kinds) { kinds.open = false; $("summary", kinds).focus(); }
  });
  document.addEventListener("formdata", (event) => {
    if (!event.target.matches("[data-auto]")) return;
    for (const [key, value] of [...event.formData]) if (value === "") event.formData.delete(key);
  });

  // The filter builder: the comparisons and the values on offer follow the property.
  function fitOperator(property) {
    const line = property.parentElement, operator = $("[data-operator]", line), value = $("[data-value]", line);
    const kind = property.selectedOptions[0]?.dataset.kind;
    value.setAttribute("list", `values-${property.value}`);
    for (const option of operator.options) option.hidden = option.disabled = Boolean(kind) && !option.dataset.kinds.split(" ").includes(kind);
    if (operator.selectedOptions[0]?.disabled) operator.value = [...operator.options].find((option) => !option.disabled).value;
  }
  const fitOperators = (within) => $$("[data-property]", within).forEach(fitOperator);
  document.addEventListener("change", (event) => { if (event.target.matches?.("[data-property]")) fitOperator(event.target); });

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
    for (const grid of $$("#table [data-grid]")) rove(grid);
    fitOperators($("#table"));
    if (used && [document.body, $("#main")].includes(document.activeElement)) document.getElementById(used)?.focus({ preventScroll: true });
    say(count && $("#table tbody") ? count.textContent : "Nothing matches.");
  });

  // htmx: a form with errors comes back with 422; the first error gets the focus.
  const focusError = (within) => $('[aria-invalid="true"], [data-focus]', within)?.focus();
  document.addEventListener("htmx:afterSettle", (event) => {
    const grid = event.detail.target?.closest?.("[data-grid]");
    if (grid) rove(grid);
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
  document.addEventListener("announce", (event) => toast(event.detail.value ?? event.detail.message, event.detail.undo));
  document.addEventListener("refresh", refreshAll);

  document.addEventListener("DOMContentLoaded", () => {
    root.classList.add("js");
    tick();
    focusError(document);
    setInterval(tick, 1000);
    setInterval(refreshAll, PERIOD);
    for (const node of $$(".toasts .toast")) { say($("[data-text]", node).textContent); fade(node); }
    for (const grid of $$("[data-grid]")) rove(grid);
    fitOperators(document);
  });
  // When the address names a part of the page, the browser goes there and forgets which field waits for the cursor.
  addEventListener("load", () => { if (location.hash) setTimeout(() => $("main [autofocus]")?.focus()); });
  document.addEventListener("visibilitychange", refreshAll);
})();
