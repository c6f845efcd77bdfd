// A chosen file is read into the form's text, so that it is seen before it is sent. Without JavaScript: paste it.

const file = document.getElementById("file");
const text = document.getElementById("csv");
const said = document.getElementById("read");
const MOST = 5_000_000;

for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;

file.addEventListener("change", async () => {
  const [chosen] = file.files;
  if (!chosen) return;
  if (chosen.size > MOST) {
    said.textContent = said.dataset.large;
    return;
  }
  text.value = await chosen.text();
  const lines = text.value.split("\n").filter((line) => line.trim()).length;
  said.textContent = `${chosen.name}: ${said.dataset.lines.replace("#", lines)}`;
});
