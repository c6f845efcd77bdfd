// The panel beside the grid: opened in place, closed by Esc, moved along by the arrows; each message has its own address.
// And the handles between the headings, which make columns wider. Without a script both are pages of their own.

const place = document.getElementById("panel");
const main = document.getElementById("main");
const table = document.querySelector("table.grid:not(.mailings)");
const shown = () => place.querySelector(".panel");
const links = () => [...(table?.querySelectorAll("a.open") ?? [])];
const linkOf = (id) => links().find((link) => link.closest("tr").dataset.id === id);
const withOpen = (id) => {
  const address = new URL(location.href);
  id ? address.searchParams.set("open", id) : address.searchParams.delete("open");
  return address;
};
let turn = 0;
let current = shown()?.dataset.id;

function settle() {
  const id = shown()?.dataset.id;
  main.classList.toggle("has-panel", Boolean(shown()));
  for (const link of links()) link.closest("tr").classList.toggle("is-open", link.closest("tr").dataset.id === id);
  for (const [name, by] of [["above", -1], ["below", 1]]) {
    const button = place.querySelector(`[data-panel=${name}]`);
    const next = links()[links().indexOf(linkOf(id)) + by];
    if (button) button.toggleAttribute("data-none", !linkOf(id) || !next);
  }
}

async function show(id, remember) {
  const mine = ++turn;
  const address = withOpen(id);
  current = id;
  if (remember) history[shown() ? "replaceState" : "pushState"]({}, "", address);
  if (!id) {
    const link = linkOf(shown()?.dataset.id);
    place.replaceChildren();
    settle();
    link?.focus({ preventScroll: true });
    return;
  }
  const answer = await fetch(`/panel/${id}${address.search}`);
  if (mine !== turn) return;
  if (!answer.ok || answer.redirected) return location.assign(address);
  place.innerHTML = await answer.text();
  settle();
  linkOf(id)?.closest("tr").scrollIntoView({ block: "nearest" });
  if (matchMedia("(max-width: 1000px)").matches) shown().focus();
}

function move(by) {
  const next = links()[links().indexOf(linkOf(shown().dataset.id)) + by];
  if (!next) return;
  next.focus({ preventScroll: true });
  show(next.closest("tr").dataset.id, true);
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest("table.grid:not(.mailings) a.open, [data-panel]");
  if (!link || link.dataset.panel === "whole") return;
  event.preventDefault();
  const id = link.closest("tr")?.dataset.id;
  if (id && id === current) location.assign(link.dataset.page);
  else if (id) show(id, true);
  else if (link.dataset.panel === "close") show("", true);
  else move(link.dataset.panel === "below" ? 1 : -1);
});

document.addEventListener("keydown", (event) => {
  const isTaken = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || document.querySelector("dialog[open], details.menu[open]");
  if (!shown() || isTaken || event.target.closest("input, textarea, select")) return;
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (!by && event.key !== "Escape") return;
  event.preventDefault();
  event.stopImmediatePropagation();
  by ? move(by) : show("", true);
}, { capture: true });

window.addEventListener("popstate", () => show(new URL(location.href).searchParams.get("open") ?? "", false));
settle();

// -- widths --
const STEP = 16;

function keep(heading) {
  const csrf = document.querySelector("input[name=csrf]")?.value ?? "";
  const body = new URLSearchParams({ [`width.${heading.dataset.column}`]: heading.getAttribute("width") });
  fetch("/columns", { method: "POST", body, headers: { Accept: "application/json", "X-CSRF-Token": csrf } });
}

function widen(heading, width) {
  heading.setAttribute("width", Math.round(Math.min(Math.max(width, 60), 900)));
  heading.querySelector(".grip").setAttribute("aria-valuenow", heading.getAttribute("width"));
}

for (const heading of table?.querySelectorAll("th[data-column]") ?? []) {
  const grip = document.createElement("span");
  Object.assign(grip, { className: "grip", tabIndex: 0, role: "separator", ariaOrientation: "vertical", ariaValueMin: 60, ariaValueMax: 900 });
  grip.setAttribute("aria-valuenow", Math.round(heading.offsetWidth));
  grip.setAttribute("aria-label", heading.innerText.trim());
  heading.append(grip);
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    grip.setPointerCapture(event.pointerId);
    const [from, width] = [event.clientX, heading.offsetWidth];
    grip.onpointermove = (moved) => widen(heading, width + moved.clientX - from);
    grip.onpointerup = () => { grip.onpointermove = grip.onpointerup = null; keep(heading); };
  });
  grip.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (!by) return;
    event.preventDefault();
    widen(heading, heading.offsetWidth + by);
    keep(heading);
  });
}
