// Completions under the search box: WAI-ARIA's combobox with a list. Without this file the box is a plain one.
const box = document.querySelector(".search input[name=q]");
if (box) {
  const list = document.createElement("ul");
  let chosen = -1, asked = 0, answer = { start: 0, stop: 0, suggestions: [], asked: "" };
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.dataset.completions);
  list.hidden = true;
  box.parentElement.append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]])
    box.setAttribute(name, value);

  const close = () => {
    list.hidden = true;
    chosen = -1;
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };
  const take = (index) => {
    if (box.value !== answer.asked) {
      ask(); // What is offered was meant for what stood here before the last keys.
      return;
    }
    const text = answer.suggestions[index];
    const rest = box.value.slice(answer.stop), gap = text.endsWith(":") || rest.startsWith(" ") ? "" : " ";
    box.value = box.value.slice(0, answer.start) + text + gap + rest;
    const place = answer.start + text.length + gap.length;
    box.setSelectionRange(place, place);
    close();
    box.focus();
    if (text.endsWith(":")) ask();
  };
  const show = () => {
    list.replaceChildren(...answer.suggestions.map((text, index) => {
      const item = document.createElement("li");
      item.id = `suggestion-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", String(index === chosen));
      item.textContent = text;
      item.addEventListener("mousedown", (event) => { event.preventDefault(); take(index); });
      return item;
    }));
    list.hidden = answer.suggestions.length === 0;
    box.setAttribute("aria-expanded", String(!list.hidden));
    if (chosen >= 0) box.setAttribute("aria-activedescendant", `suggestion-${chosen}`);
    else box.removeAttribute("aria-activedescendant");
  };
  const ask = async () => {
    const turn = ++asked, place = box.selectionStart, text = box.value;
    const got = await fetch(`/api/suggest?${new URLSearchParams({ q: text, at: place })}`).catch(() => null);
    if (turn !== asked || !got || !got.ok || document.activeElement !== box) return;
    answer = { ...(await got.json()), asked: text };
    chosen = -1;
    show();
  };
  let timer;
  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
  box.addEventListener("blur", close);
  box.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const last = answer.suggestions.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (event.key === "ArrowDown") chosen = chosen + 1 < last ? chosen + 1 : -1;
      else chosen = chosen < 0 ? last - 1 : chosen - 1;
      show();
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0) take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
}
