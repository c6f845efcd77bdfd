// The live grid: new messages appear at the top, statuses change in place, and nothing moves under the reader's eyes.
// Who has scrolled down, reads an older page, points at a row, has chosen some or one open gets a button instead.


const table = document.querySelector("table.grid");
const lamp = document.querySelector(".live");
const arrived = document.querySelector(".arrived");
const waiting = new Map();

const isReading = () => table.matches(":hover, :focus-within") || document.querySelector(".panel, tr.is-chosen");
const isAtTop = () => window.scrollY < 40 && table.dataset.first === "yes" && !isReading();
const body = () => table.tBodies[0];
const rowOf = (id) => body().querySelector(`tr[data-id="${id}"]`);

function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = `<table><tbody>${html}</tbody></table>`;
  return template.content.querySelector("tr");
}

function replace(old, fresh) {
  const hadFocus = old.contains(document.activeElement);
  for (const name of ["is-open", "is-chosen"]) fresh.classList.toggle(name, old.classList.contains(name));
  const [box, was] = [fresh, old].map((row) => row.querySelector("input.tick"));
  if (box && was) box.checked = was.checked;
  old.replaceWith(fresh);
  if (hadFocus) fresh.querySelector("a.open").focus({ preventScroll: true });
}

function insert(fresh) {
  const seq = Number(fresh.dataset.seq);
  const after = [...body().rows].find((row) => Number(row.dataset.seq) < seq);
  // Of one that can be found only now, the place may be on a later page.
  if (!after && document.querySelector("a[rel=next]")) return;
  body().insertBefore(fresh, after ?? null);
  fresh.classList.add("fresh");
  document.querySelector(".empty")?.remove();
  table.parentElement.hidden = false;
}

function count(by) {
  const label = document.querySelector(".count");
  const number = Number(/^[\d,]+ message/.test(label.textContent) ? label.textContent.replace(/\D/g, "") : NaN);
  if (Number.isNaN(number)) return;
  const total = number + by;
  label.textContent = total === 1 ? "1 message" : `${total.toLocaleString("en")} messages`;
}

function offer() {
  arrived.hidden = waiting.size === 0;
  const words = arrived.querySelector("button").dataset;
  arrived.querySelector("button").textContent = waiting.size === 1 ? words.one : words.many.replace("#", waiting.size);
}

function take() {
  for (const html of waiting.values()) insert(parse(html));
  count(waiting.size);
  waiting.clear();
  offer();
}

function onRow({ id, html }) {
  const old = rowOf(id);
  if (old) return replace(old, parse(html));
  if (waiting.has(id) || !isAtTop()) {
    waiting.set(id, html);
    return offer();
  }
  insert(parse(html));
  count(1);
}

function onStatus({ id, html }) {
  const old = rowOf(id);
  if (old) replace(old, parse(html));
  else if (waiting.has(id)) waiting.set(id, html);
}

arrived.querySelector("button").addEventListener("click", () => {
  if (table.dataset.first !== "yes" || arrived.dataset.behind) {
    const address = new URL(location.href);
    address.searchParams.delete("cursor");
    location.href = address;
    return;
  }
  take();
  window.scrollTo({ top: 0 });
});

window.addEventListener("scroll", () => { if (waiting.size && isAtTop()) take(); }, { passive: true });

function watch() {
  const { q, seq, indexed, columns } = table.dataset;
  const query = new URLSearchParams({ q, after: seq, indexed, columns });
  const source = new EventSource(`/live?${query}`);
  lamp.hidden = false;
  source.addEventListener("open", () => { lamp.dataset.state = "on"; lamp.textContent = lamp.dataset.on; });
  source.addEventListener("error", () => { lamp.dataset.state = "off"; lamp.textContent = lamp.dataset.off; });
  source.addEventListener("row", (event) => onRow(JSON.parse(event.data)));
  source.addEventListener("status", (event) => onStatus(JSON.parse(event.data)));
  source.addEventListener("behind", () => {
    arrived.dataset.behind = "yes";
    arrived.hidden = false;
    arrived.querySelector("button").textContent = arrived.querySelector("button").dataset.behind;
  });
  source.addEventListener("signed-out", () => { source.close(); location.reload(); });
  window.addEventListener("pagehide", () => source.close());
}

if (table?.dataset.live === "yes") watch();
