// The progress of a change of many, as the server reports it. Without JavaScript the page reloads itself instead.

const card = document.querySelector("[data-progress]");
const isOver = (state) => !["waiting", "running"].includes(state);

function show(change) {
  const bar = card.querySelector("progress");
  bar.value = change.state === "finished" ? bar.max : change.done;
  const texts = { state: card.dataset[change.state] ?? change.state, done: change.done, told: change.told };
  for (const [name, text] of Object.entries(texts)) card.querySelector(`[data-show=${name}]`).textContent = text;
  card.querySelector("[data-when=running]").hidden = isOver(change.state);
}

if (!isOver(card.dataset.state)) {
  const source = new EventSource(card.dataset.progress);
  source.addEventListener("progress", (event) => {
    const change = JSON.parse(event.data);
    show(change);
    if (isOver(change.state)) source.close();
  });
}
