// On every page: the browser's zone, copy buttons, menus that close, and the keys. Nothing here is needed to use a page.

const $ = (selector, root = document) => root.querySelector(selector);

// -- times: the server writes them in the zone that the browser names here; UTC is in the tooltip --
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `zone=${encodeURIComponent(zone).replaceAll("%2F", "/")}; Path=/; Max-Age=31536000; SameSite=Lax`;

// -- "5 min ago" grows older while the page stays open --
const words = $(".toasts").dataset;

function relative(at, now) {
  const age = (now - at) / 1000;
  if (age < 0 || age >= 7 * 86400) return null;
  if (age < 60) return words.now;
  const [text, unit] = age < 3600 ? [words.minutes, 60] : age < 86400 ? [words.hours, 3600] : [words.days, 86400];
  return text.replace("#", Math.floor(age / unit));
}

function age() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    const text = relative(Date.parse(time.dateTime), Date.now());
    if (text && text !== time.textContent) time.textContent = text;
  }
}

export function toast(text) {
  const box = document.createElement("div");
  box.className = "toast";
  box.textContent = text;
  $(".toasts").append(box);
  setTimeout(() => box.remove(), 4000);
}

async function copy(button) {
  const text = button.dataset.copy ?? document.getElementById(button.dataset.copyFrom)?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(text);
    toast(words.copied);
  } catch {
    toast(words.refused);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-copy], button[data-copy-from]");
  if (button) copy(button);
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// -- keys --
const rows = () => [...document.querySelectorAll("a.open")];

function step(by) {
  const links = rows();
  if (!links.length) return;
  const at = links.indexOf(document.activeElement);
  const next = links[at === -1 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  next.focus({ preventScroll: true });
  next.closest("tr").scrollIntoView({ block: "nearest" });
}

const follow = (selector) => $(selector)?.click();

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => { const box = $("input[type=search]"); box ? (box.focus(), box.select()) : (location.href = "/"); },
  n: () => follow("a[rel=next]"),
  p: () => follow("a[rel=prev]"),
  u: () => follow("a.back"),
  r: () => follow("a[data-key=resend]"),
  "?": () => { const keys = $("dialog.keys"); if (keys && !keys.open) keys.showModal(); },
};

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape") {
    const menu = $("details.menu[open]");
    if (menu) { menu.open = false; $("summary", menu).focus(); }
    else if (isTyping(event.target)) event.target.blur();
    return;
  }
  if (isTyping(event.target) || $("dialog[open]")) return;
  const arrows = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (arrows && rows().includes(document.activeElement)) {
    event.preventDefault();
    step(arrows);
  } else if (KEYS[event.key]) {
    event.preventDefault();
    KEYS[event.key]();
  } else if (/^[1-9]$/.test(event.key)) {
    document.querySelectorAll(".tabs a")[event.key - 1]?.click();
  }
});

setInterval(age, 30_000);
