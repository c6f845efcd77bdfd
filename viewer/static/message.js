// On a message's page: the filter of the header fields, the width of the preview, controls that need a script.

for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;

const filter = document.querySelector("input[data-filter]");
filter?.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const row of document.querySelectorAll(`#${filter.dataset.filter} tr`)) {
    row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
  }
});

const box = document.querySelector(".frame-box");
for (const button of document.querySelectorAll("button[data-width]")) {
  button.addEventListener("click", () => {
    box.classList.toggle("width-phone", button.dataset.width === "phone");
    for (const other of document.querySelectorAll("button[data-width]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  });
}
