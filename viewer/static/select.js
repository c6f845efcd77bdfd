// Choosing rows: one box for the whole page, and how many are chosen. Without it each row has its box, and "all" too.

const every = document.querySelector("[data-every]");
const all = document.querySelector("[data-all]");
const boxes = () => [...document.querySelectorAll('input[name="delivery"], input[name="message"]')];

function settle() {
  const chosen = boxes().filter((box) => box.checked).length;
  if (every) {
    every.checked = chosen > 0 && chosen === boxes().length;
    every.indeterminate = chosen > 0 && !every.checked;
  }
  for (const box of boxes()) box.disabled = all?.checked ?? false;
}

if (every) {
  every.hidden = false;
  every.addEventListener("change", () => {
    for (const box of boxes()) box.checked = every.checked;
    settle();
  });
}
document.addEventListener("change", (event) => { if (event.target.matches("input[type=checkbox]")) settle(); });
settle();
