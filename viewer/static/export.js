// The progress of an export, as the server reports it. Without JavaScript the page reloads itself instead.

const card = document.querySelector("[data-progress]");

function size(octets) {
  let amount = octets;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (amount < 1000 || unit === "GB") return `${unit !== "B" && amount < 9.95 ? amount.toFixed(1) : Math.round(amount)} ${unit}`;
    amount /= 1000;
  }
}

function show(job) {
  const bar = card.querySelector("progress");
  bar.max = Math.max(job.total, 1);
  bar.value = job.state === "finished" ? bar.max : job.done;
  const texts = { state: card.dataset[job.state] ?? job.state, done: job.done, total: job.total, size: size(job.size) };
  for (const [name, text] of Object.entries(texts)) card.querySelector(`[data-show=${name}]`).textContent = text;
  for (const state of ["finished", "removed"]) card.querySelector(`[data-when=${state}]`).hidden = job.state !== state;
  if (!["waiting", "running"].includes(job.state)) card.querySelector("form button").textContent = card.dataset.remove;
}

if (["waiting", "running"].includes(card.dataset.state)) {
  const source = new EventSource(card.dataset.progress);
  source.addEventListener("progress", (event) => {
    const job = JSON.parse(event.data);
    show(job);
    if (!["waiting", "running"].includes(job.state)) source.close();
  });
}
