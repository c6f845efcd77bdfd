// Ctrl+K: what can be done on this page, by name, and messages found while typing. It presses the page's own buttons and
// follows its own links: there is nothing here that has no visible control. What is grave is shown, not pressed.

const dialog = document.querySelector("dialog.palette");
const input = dialog.querySelector("input");
const list = dialog.querySelector("ul");
const CONTROLS = "main .actions :is(a, button), main .tabs a, main a[rel], main .pane-tools a, main a.back, .bar-end :is(a, button.item)";
const MOST = 9;
let actions = [];
let shown = [];
let chosen = 0;
let asking = null;
let timer = 0;

const nameOf = (element) => (element.getAttribute("aria-label") || element.textContent).trim().replace(/\s+/g, " ");

function collect() {
  const found = new Map();
  for (const element of document.querySelectorAll(CONTROLS)) {
    const name = nameOf(element);
    const isOff = element.disabled || element.hidden || element.ariaDisabled === "true" || element.closest("[hidden], dialog");
    if (name && !isOff && !found.has(name)) found.set(name, { name, go: () => press(element) });
  }
  return [...found.values()];
}

function press(element) {
  const menu = element.closest("details");
  if (menu) menu.open = true;
  if (element.matches(".danger")) element.focus();
  else element.click();
}

function draw(items) {
  shown = items;
  chosen = 0;
  list.replaceChildren(...items.map((item, n) => {
    const row = document.createElement("li");
    row.id = `palette-${n}`;
    row.role = "option";
    row.append(item.name);
    if (item.more) {
      const more = document.createElement("span");
      more.className = "muted";
      more.textContent = item.more;
      row.append(more);
    }
    row.addEventListener("click", () => take(n));
    return row;
  }));
  if (!items.length) list.textContent = dialog.dataset.none;
  mark();
}

function mark() {
  [...list.children].forEach((row, n) => row.setAttribute("aria-selected", String(n === chosen)));
  input.setAttribute("aria-activedescendant", shown.length ? `palette-${chosen}` : "");
  list.children[chosen]?.scrollIntoView({ block: "nearest" });
}

function take(n) {
  const item = shown[n];
  if (!item) return;
  dialog.close();
  item.go();
}

function matching() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  return actions.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word))).slice(0, MOST);
}

function searching() {
  const q = input.value.trim();
  if (!q) return [];
  return [{ name: dialog.dataset.search.replace("#", q), go: () => { location.href = `/?${new URLSearchParams({ q })}`; } }];
}

async function find() {
  asking?.abort();
  const q = input.value.trim();
  if (q.length < 2) return;
  asking = new AbortController();
  try {
    const answer = await fetch(`/api/messages?${new URLSearchParams({ q, limit: 6 })}`, { signal: asking.signal });
    if (!answer.ok) return;
    const { messages } = await answer.json();
    const rows = messages.map(({ id, subject, recipients }) => ({
      name: subject || "–",
      more: recipients.join(", "),
      go: () => { location.href = `/messages/${id}`; },
    }));
    const kept = chosen;
    draw([...matching(), ...searching(), ...rows]);
    chosen = Math.min(kept, shown.length - 1);
    mark();
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function open() {
  if (dialog.open || document.querySelector("dialog[open]")) return;
  actions = collect();
  input.value = "";
  draw(matching());
  dialog.showModal();
  input.focus();
}

input.addEventListener("input", () => {
  draw([...matching(), ...searching()]);
  clearTimeout(timer);
  timer = setTimeout(find, 150);
});

input.addEventListener("keydown", (event) => {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by && shown.length) {
    event.preventDefault();
    chosen = (chosen + by + shown.length) % shown.length;
    mark();
  } else if (event.key === "Enter") {
    event.preventDefault();
    take(chosen);
  }
});

dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    open();
  }
});

for (const button of document.querySelectorAll("[data-opens]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.closest("details")?.removeAttribute("open");
    if (button.dataset.opens === "palette") open();
    else document.querySelector("dialog.keys")?.showModal();
  });
}
