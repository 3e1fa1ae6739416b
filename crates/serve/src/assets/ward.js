// What makes the console quicker for those who have script: keys, palette, live line, copying. Every page works without it.
// It must not draw what the server draws, keep data in the browser, or insert words of the network as anything but text.
"use strict";
(() => {
  const root = document.documentElement;
  const body = document.body;
  root.classList.add("script");

  // ---- small tools ----

  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const one = (selector, within = document) => within.querySelector(selector);

  /** An element with attributes and text; never markup. */
  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /** Says something to everybody who listens: screen readers too. */
  function say(words) {
    const place = one("#said");
    if (!place) return;
    place.textContent = "";
    setTimeout(() => { place.textContent = words; }, 50);
  }

  /** A preference of this browser; nothing of the hospital is ever kept here. */
  const preference = {
    get(name) { try { return localStorage.getItem("ward." + name); } catch { return null; } },
    set(name, value) { try { localStorage.setItem("ward." + name, value); } catch { /* private mode: for this page only */ } },
  };

  const grouped = (number) => String(number).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
  const counted = (number, noun) => grouped(number) + " " + noun + (number === 1 ? "" : "s");

  async function json(path, signal) {
    const answer = await fetch(path, { headers: { accept: "application/json" }, credentials: "same-origin", signal });
    if (!answer.ok) throw new Error("answered " + answer.status);
    return answer.json();
  }

  const itemsOf = (told) => (Array.isArray(told) ? told : told.items || told.devices || told.views || []);

  // ---- times: the server's clock counts, which in a demo is not this machine's ----

  const ahead = (Date.parse(root.dataset.now) || Date.now()) - Date.now();

  /** The same words as the server's: see when.rs. */
  function ago(at, now) {
    const seconds = Math.floor(Math.abs(now - at) / 1000);
    if (seconds < 10) return "just now";
    const words =
      seconds < 60 ? seconds + " s"
      : seconds < 3600 ? Math.floor(seconds / 60) + " min"
      : seconds < 172800 ? Math.floor(seconds / 3600) + " h"
      : Math.floor(seconds / 86400) + " days";
    return at <= now ? words + " ago" : "in " + words;
  }

  function refreshTimes() {
    if (document.hidden) return;
    const now = Date.now() + ahead;
    for (const time of all("time[data-ago]")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      const words = ago(at, now);
      if (time.textContent !== words) time.textContent = words;
    }
  }
  setInterval(refreshTimes, 15_000);

  /** 14:20:05 by the site's clock. */
  function clock(at) {
    const options = { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false };
    try {
      return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: root.dataset.zone || "UTC" }).format(at);
    } catch {
      return new Intl.DateTimeFormat("en-GB", { ...options, timeZone: "UTC" }).format(at) + " UTC";
    }
  }

  // ---- copying ----

  async function copy(text, button) {
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = element("textarea", { readonly: "", class: "visually-hidden" });
      area.value = text;
      (button.closest("dialog") || body).append(area);
      area.select();
      copied = document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const words = copied ? "Copied" : "Could not copy";
    if (!button.dataset.label) button.dataset.label = button.textContent;
    button.textContent = words;
    say(words);
    setTimeout(() => { button.textContent = button.dataset.label; }, 2_000);
  }

  /** `curl -s '…'`, quoted for a shell. */
  function curl(path) {
    const url = new URL(path, location.origin).href.replaceAll("'", "%27");
    return "curl -s '" + url + "'";
  }

  // ---- tables: select all, counts, rows by key ----

  const boxes = (table) => all("tbody input[type=checkbox]", table);

  /** What belongs to the table: its form, else its section. */
  const around = (table) => table.closest("form") || table.closest("section") || body;

  function countSelected(table) {
    const rows = boxes(table);
    const chosen = rows.filter((box) => box.checked).length;
    for (const box of rows) box.closest("tr").classList.toggle("selected", box.checked);
    const head = one("input[data-select-all]", table);
    if (head) {
      head.checked = chosen > 0 && chosen === rows.length;
      head.indeterminate = chosen > 0 && chosen < rows.length;
    }
    for (const place of all("[data-selected]", around(table))) place.textContent = chosen ? grouped(chosen) + " selected" : "";
    for (const button of all("[data-needs-selection]", around(table))) button.disabled = chosen === 0;
  }

  const rowsOfPage = () => all("table.data tbody tr").filter((row) => row.offsetParent !== null && one("a, button, input", row));

  function rowAt() {
    const row = document.activeElement && document.activeElement.closest("table.data tbody tr");
    return row ? rowsOfPage().indexOf(row) : -1;
  }

  function move(step) {
    const rows = rowsOfPage();
    if (!rows.length) return;
    const at = rowAt();
    const row = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))];
    (one("a", row) || one("button, input", row)).focus();
    row.scrollIntoView({ block: "nearest" });
  }

  function toggleRow() {
    const row = rowsOfPage()[rowAt()];
    const box = row && one("input[type=checkbox]", row);
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    say(box.checked ? "Selected" : "Not selected");
  }

  /** Once for the page, and again for every piece that htmx puts in. */
  function prepare(within) {
    const tables = within.matches && within.matches("table[data-select]") ? [within] : all("table[data-select]", within);
    tables.forEach(countSelected);
    for (const place of all(".scroll, pre, figure", within)) {
      if (place.scrollWidth > place.clientWidth || place.scrollHeight > place.clientHeight) place.tabIndex = 0;
    }
    for (const place of all("[data-job]", within)) follow(place);
    refreshTimes();
  }

  // ---- long work ----

  const JOB_EVERY_MS = 1_000;

  /** How much of a job is done, of how much, and in words: the same as the server's, see console/job.rs. */
  function far(progress) {
    const { rows, of, table, bytes } = progress || {};
    if (typeof rows !== "number") return {};
    if (typeof of === "number") return { done: rows, of, words: grouped(rows) + " of " + grouped(of) + " rows are read." };
    const size = typeof bytes === "number" ? ", " + (bytes / 1e6).toFixed(1) + " MB" : "";
    return { words: "Table " + table + ": " + counted(rows, "row") + size + "." };
  }

  /** Shows how far a job is, until it has ended; then the page may be drawn anew (`data-job-done="reload"`). */
  async function follow(place) {
    if (place.dataset.followed) return;
    place.dataset.followed = "yes";
    const bar = one("progress", place);
    const words = one("[data-job-words]", place);
    let misses = 0;
    for (;;) {
      let job;
      try {
        job = await json("/api/v1/jobs/" + encodeURIComponent(place.dataset.job));
        misses = 0;
      } catch {
        misses += 1;
        if (misses > 30) { if (words) words.textContent = "How far it is cannot be seen now: open this page again."; return; }
      }
      if (job) {
        const told = far(job.progress);
        if (bar && told.of) { bar.max = told.of; bar.value = told.done; }
        if (words && told.words) words.textContent = told.words;
        if (job.state !== "running") {
          say("The job has ended: " + job.state);
          if (place.dataset.jobDone === "reload") location.reload();
          return;
        }
      }
      await new Promise((wake) => setTimeout(wake, JOB_EVERY_MS * Math.min(1 + misses, 10)));
    }
  }

  // ---- the live line ----

  const live = one("[data-live]");
  const WAIT_MS_MAX = 30_000;
  let source = null;
  let attempts = 0;
  let wasLost = false;
  let retry = 0;

  function show(state, words) {
    live.dataset.state = state;
    one("[data-live-words]", live).textContent = words;
  }

  function heard(message) {
    let told;
    try { told = JSON.parse(message.data); } catch { return; }
    const at = Date.now() + ahead;
    const devices = typeof told.devices === "number" ? counted(told.devices, "device") + " · " : "";
    show("live", (wasLost ? "Live again · " : "Live · ") + devices + "updated " + clock(at));
    if (wasLost) say("Live again");
    wasLost = false;
    attempts = 0;
    const drawn = Number(live.dataset.revision);
    const newer = typeof told.revision === "number" && live.dataset.revision !== undefined ? told.revision - drawn : 0;
    const offer = one("[data-live-show]", live);
    if (!offer) return;
    // The revision starts anew with the process: then all may be different.
    offer.textContent = newer > 0 ? counted(newer, "change") + ": show" : "Ward was restarted: show";
    offer.hidden = newer === 0;
  }

  function lost() {
    if (source) source.close();
    source = null;
    if (document.hidden) return;
    if (!wasLost) say("Connection lost, trying again");
    wasLost = true;
    show("lost", "Connection lost, trying again…");
    const wait = Math.min(WAIT_MS_MAX, 1_000 * 2 ** attempts) * (0.75 + Math.random() / 2);
    attempts += 1;
    clearTimeout(retry);
    retry = setTimeout(listen, wait);
  }

  function listen() {
    clearTimeout(retry);
    if (source || document.hidden) return;
    source = new EventSource(live.dataset.live);
    source.onopen = () => { if (wasLost) show("live", "Live again"); };
    source.onmessage = heard;
    source.onerror = lost;
  }

  // A page that nobody looks at keeps no connection: browsers allow six to one server.
  function visibility() {
    if (!document.hidden) { listen(); refreshTimes(); return; }
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  }

  if (live && "EventSource" in window) {
    listen();
    document.addEventListener("visibilitychange", visibility);
    addEventListener("pagehide", () => { if (source) source.close(); source = null; });
    addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  }

  // ---- dialogs ----

  function open(id) {
    const dialog = document.getElementById(id);
    if (!dialog || dialog.open) return;
    all("dialog[open]").forEach((other) => other.close());
    dialog.showModal();
    if (id === "palette") openPalette();
  }

  /** Asks before an act that cannot be undone by a click; without script the page itself has said what it does. */
  function confirmed(form, submitter) {
    const dialog = one("#confirm");
    if (!dialog) return;
    one("[data-confirm-words]", dialog).textContent = (submitter && submitter.dataset.confirm) || form.dataset.confirm;
    const go = one("[data-confirm-go]", dialog);
    go.textContent = submitter ? submitter.textContent : "Go on";
    go.onclick = () => {
      dialog.close();
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter || undefined);
    };
    dialog.showModal();
  }

  // ---- the palette ----

  const SEARCH_AFTER_MS = 150;
  const FOUND_MAX = 8;
  /** Nothing is chosen yet: Enter takes the first. */
  const NONE = -1;
  let views = null;
  let found = [];
  let asked = 0;
  let asking = null;

  function commands() {
    const from = (place, kind) => all(place).map((link) => ({ name: link.dataset.name || link.textContent.trim(), kind, href: link.href }));
    const acts = [];
    const table = one("a[download]");
    if (table) acts.push({ name: "Save this table as CSV", kind: "act", act: () => table.click() });
    const asCurl = one("[data-curl]");
    if (asCurl) acts.push({ name: "Copy this table's request as curl", kind: "act", act: () => copy(curl(asCurl.dataset.curl), asCurl) });
    acts.push({ name: "Print this page", kind: "act", act: () => print() });
    acts.push({ name: "Keys", kind: "help", act: () => open("help") });
    return [...from(".rail a[data-name]", "room"), ...from("#commands a", "act"), ...acts, ...(views || [])];
  }

  /** All words of `text` are in `name`, in any order. */
  const fits = (name, text) => text.toLowerCase().split(/\s+/).every((word) => name.toLowerCase().includes(word));

  function drawPalette() {
    const text = one("#palette input").value.trim();
    const shown = commands().filter((command) => fits(command.name, text)).slice(0, text ? 12 : 20);
    if (text) shown.push({ name: "Search all devices for “" + text + "”", kind: "search", href: "/devices?q=" + encodeURIComponent(text) });
    const list = one("#palette ul");
    const options = [...found, ...shown];
    // Devices come a little later than rooms: what was chosen meanwhile stays chosen.
    const chosen = one("#palette li[aria-selected=true]");
    const kept = chosen ? options.findIndex((option) => option.name === chosen.option.name && option.kind === chosen.option.kind) : NONE;
    list.replaceChildren(...options.map((option, index) => {
      const item = element("li", { role: "option", id: "option-" + index, "aria-selected": "false" }, element("span", {}, option.name), element("small", {}, option.kind));
      item.option = option;
      return item;
    }));
    choose(kept);
  }

  function choose(index) {
    const items = all("#palette li");
    items.forEach((item, place) => item.setAttribute("aria-selected", String(place === index)));
    const input = one("#palette input");
    const item = items[index];
    if (!item) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  }

  function take(item) {
    if (!item) return;
    one("#palette").close();
    if (item.option.act) item.option.act();
    else location.assign(item.option.href);
  }

  /** What a device is called, what it is and where: with the address that was searched for, else its first. */
  function nameOf(device, text) {
    const ips = device.ips || [];
    const address = [...ips, ...(device.macs || [])].find((one) => one.includes(text.toLowerCase())) || ips[0];
    const words = [device.title, address, device.says || device.model, device.zone || device.location];
    return [...new Set(words.filter((word) => typeof word === "string" && word))].join(" · ");
  }

  async function searchDevices(text) {
    const mine = ++asked;
    if (asking) asking.abort();
    asking = new AbortController();
    if (text.length < 2) { found = []; drawPalette(); return; }
    try {
      const told = await json("/api/v1/devices?q=" + encodeURIComponent(text) + "&limit=" + FOUND_MAX, asking.signal);
      if (mine !== asked) return;
      found = itemsOf(told).slice(0, FOUND_MAX).map((device) => ({
        name: nameOf(device, text),
        kind: "device",
        href: "/devices/" + encodeURIComponent(device.id),
      }));
    } catch (error) {
      if (error.name === "AbortError" || mine !== asked) return;
      found = [];
    }
    drawPalette();
    say(counted(found.length, "device"));
  }

  function openPalette() {
    const input = one("#palette input");
    input.value = "";
    found = [];
    choose(NONE);
    drawPalette();
    input.focus();
    if (views) return;
    views = [];
    json("/api/v1/views").then((told) => {
      views = itemsOf(told).map((view) => ({ name: view.name, kind: "view", href: view.address || "/" + String(view.page).replace(/^\/+/, "") + (view.query ? "?" + String(view.query).replace(/^\?/, "") : "") }));
      if (one("#palette").open) drawPalette();
    }).catch(() => { /* without views the palette still has rooms and devices */ });
  }

  function paletteKey(event) {
    const items = all("#palette li");
    const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") choose(Math.min(items.length - 1, at + 1));
    else if (event.key === "ArrowUp") choose(Math.max(NONE, at - 1));
    else if (event.key === "Enter") take(items[Math.max(0, at)]);
    else return;
    event.preventDefault();
  }

  // ---- keys ----

  const WAITS_FOR_SECOND_MS = 1_500;
  let leader = 0;

  const inField = (target) => target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  const singleKeys = () => preference.get("keys") !== "off";

  /** What one key does; whether it did something. */
  function act(key) {
    if (Date.now() - leader < WAITS_FOR_SECOND_MS) {
      leader = 0;
      const link = one('.rail a[data-key="' + CSS.escape(key) + '"]');
      if (link) location.assign(link.href);
      return Boolean(link);
    }
    if (key === "g") leader = Date.now();
    else if (key === "/") { const field = one("#search"); field.focus(); field.select(); }
    else if (key === "?") open("help");
    else if (key === "j") move(1);
    else if (key === "k") move(-1);
    else if (key === "x") toggleRow();
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.target.closest("#palette")) { paletteKey(event); return; }
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open("palette");
      return;
    }
    if (event.key === "Escape" && inField(event.target)) { event.target.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || inField(event.target) || !singleKeys() || one("dialog[open]")) return;
    if (act(event.key)) event.preventDefault();
  });

  // ---- what is clicked, chosen and sent ----

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-open], [data-close], [data-curl], [data-copy], [data-live-show], #palette li");
    if (!target) {
      if (event.target.matches("dialog")) event.target.close();
      all("details.menu[open]").filter((menu) => !menu.contains(event.target)).forEach((menu) => { menu.open = false; });
      return;
    }
    if (target.matches("#palette li")) take(target);
    else if ("open" in target.dataset) { event.preventDefault(); open(target.dataset.open); }
    else if ("close" in target.dataset) target.closest("dialog").close();
    else if ("curl" in target.dataset) copy(curl(target.dataset.curl), target);
    else if ("copy" in target.dataset) copy(document.getElementById(target.dataset.copy).textContent, target);
    else if ("liveShow" in target.dataset) location.reload();
  });

  document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.matches("[data-keys]")) { preference.set("keys", target.checked ? "on" : "off"); return; }
    if (target.matches("[data-submits]") && target.form) { target.form.requestSubmit(); return; }
    const table = target.closest("table[data-select]");
    if (!table) return;
    if (target.matches("[data-select-all]")) boxes(table).forEach((box) => { box.checked = target.checked; });
    countSelected(table);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const asks = form.dataset.confirm || (event.submitter && event.submitter.dataset.confirm);
    if (asks && !form.dataset.confirmed && one("#confirm")) {
      event.preventDefault();
      confirmed(form, event.submitter);
      return;
    }
    delete form.dataset.confirmed;
    // An act is sent once, however often the button is pressed.
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "yes";
      setTimeout(() => { delete form.dataset.sent; }, 5_000);
    }
  });
  addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => { delete form.dataset.sent; }));

  // Fields that were left empty need not be in the address.
  document.addEventListener("formdata", (event) => {
    if (event.target.method !== "get") return;
    for (const [name, value] of Array.from(event.formData)) if (value === "") event.formData.delete(name);
  });

  let typing = 0;
  document.addEventListener("input", (event) => {
    if (!event.target.matches("#palette input")) return;
    choose(NONE);
    drawPalette();
    clearTimeout(typing);
    typing = setTimeout(() => searchDevices(event.target.value.trim()), SEARCH_AFTER_MS);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    all("details.menu[open]").forEach((menu) => { menu.open = false; one("summary", menu).focus(); });
  });

  document.addEventListener("htmx:afterSwap", (event) => prepare(event.detail.target || body));
  document.addEventListener("htmx:responseError", () => say("That could not be answered: the page says what it was"));
  document.addEventListener("htmx:sendError", () => say("Ward cannot be reached"));

  for (const box of all("[data-keys]")) box.checked = singleKeys();
  prepare(body);
})();
