// The progress of a change of many, as the server reports it. Without JavaScript the page reloads itself instead.
// `data-then`: where to go when it is over.

const card = document.querySelector("[data-progress]");
const isOver = (state) => !["waiting", "running"].includes(state);

function show(change) {
  const bar = card.querySelector("progress");
  if (change.total) bar.max = change.total;
  bar.value = change.state === "finished" ? bar.max : change.done;
  const texts = { state: card.dataset[change.state] ?? change.state, done: change.done, told: change.told };
  for (const [name, text] of Object.entries(texts)) {
    const place = card.querySelector(`[data-show=${name}]`);
    if (place) place.textContent = text;
  }
  const stop = card.querySelector("[data-when=running]");
  if (stop) stop.hidden = isOver(change.state);
}

if (!isOver(card.dataset.state)) {
  const source = new EventSource(card.dataset.progress);
  source.addEventListener("progress", (event) => {
    const change = JSON.parse(event.data);
    show(change);
    if (!isOver(change.state)) return;
    source.close();
    // Where the end has more to show than a word.
    if (card.dataset.then) location.replace(card.dataset.then);
  });
}
