// Choosing rows: with shift from one to another, by x and shift with the arrows, and across pages of the same search.

const form = document.getElementById("bulk");
const table = document.querySelector("table.grid");
const key = `chosen:${table?.dataset.q}`;
const MOST = 500;
const boxes = () => [...table.tBodies[0].querySelectorAll("input.tick")];
const chosen = new Set(JSON.parse(sessionStorage.getItem(key) ?? "[]"));
const every = table?.querySelector("[data-every]");
let last = null;

function settle() {
  const all = form.querySelector("[data-all]");
  const note = form.querySelector(".chosen");
  for (const box of boxes()) {
    box.checked = all.checked || chosen.has(box.value);
    box.disabled = all.checked;
    box.closest("tr").classList.toggle("is-chosen", box.checked);
  }
  const here = boxes().filter((box) => chosen.has(box.value)).length;
  every.checked = here > 0 && here === boxes().length;
  every.indeterminate = here > 0 && !every.checked;
  const elsewhere = chosen.size - new Set(boxes().map((box) => box.value).filter((id) => chosen.has(id))).size;
  note.hidden = all.checked || !chosen.size;
  note.textContent = chosen.size === 1 ? note.dataset.one : note.dataset.many.replace("#", chosen.size);
  if (elsewhere) note.textContent += `, ${note.dataset.elsewhere.replace("#", elsewhere)}`;
  form.querySelector("[data-none]").hidden = !chosen.size && !all.checked;
  form.classList.toggle("is-used", all.checked || chosen.size > 0);
  sessionStorage.setItem(key, JSON.stringify([...chosen]));
}

function choose(some, isChosen) {
  for (const box of some) {
    if (!isChosen) chosen.delete(box.value);
    else if (chosen.size < MOST) chosen.add(box.value);
  }
  settle();
}

if (form) {
  form.classList.add("scripted");
  every.hidden = false;
  every.addEventListener("change", () => choose(boxes(), every.checked));
  form.addEventListener("change", settle);
  form.querySelector("[data-none]").addEventListener("click", () => {
    form.querySelector("[data-all]").checked = false;
    chosen.clear();
    settle();
  });
  table.addEventListener("click", (event) => {
    if (!event.target.matches("input.tick")) return;
    const list = boxes();
    const [from, to] = [list.indexOf(last), list.indexOf(event.target)].sort((a, b) => a - b);
    choose(event.shiftKey && from >= 0 ? list.slice(from, to + 1) : [event.target], event.target.checked);
    last = event.target;
  });
  form.addEventListener("submit", () => {
    const here = new Set(boxes().map((box) => box.value));
    for (const old of form.querySelectorAll("[data-elsewhere-id]")) old.remove();
    for (const id of chosen) {
      if (here.has(id)) continue;
      const field = Object.assign(document.createElement("input"), { type: "hidden", name: "message", value: id });
      field.dataset.elsewhereId = "";
      form.append(field);
    }
  });
  document.addEventListener("keydown", (event) => {
    const box = document.activeElement?.closest("tr")?.querySelector("input.tick");
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = event.shiftKey ? { ArrowDown: 1, ArrowUp: -1 }[event.key] : 0;
    if (event.key !== "x" && !by) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!by) return choose([box], !chosen.has(box.value));
    const next = boxes()[boxes().indexOf(box) + by];
    choose([box, next].filter(Boolean), true);
    next?.closest("tr").querySelector("a.open").focus();
  }, { capture: true });
  settle();
}
