// On a message's page: the filter of the header fields while one types, controls that need a script, and
// what becomes of a message that is on its way, without reloading.


function awaken(root) {
  for (const element of root.querySelectorAll("[data-needs-script]")) element.hidden = false;
}

awaken(document);

const filter = document.querySelector("input[data-filter]");
filter?.addEventListener("input", () => {
  const wanted = filter.value.trim().toLowerCase();
  for (const row of document.querySelectorAll(`#${filter.dataset.filter} tr`)) {
    row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
  }
});

// -- while a delivery is queued or being sent, its side of the page follows --
const side = () => document.querySelector("aside[data-id]");

async function refresh() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const selector of ["aside[data-id]", ".headline .meta"]) {
    const part = fresh.querySelector(selector);
    document.querySelector(selector).replaceWith(part);
    awaken(part);
  }
}

function follow() {
  const { id, seq } = side().dataset;
  const source = new EventSource(`/live?${new URLSearchParams({ q: `id:${id}`, after: seq })}`);
  const look = async () => {
    await refresh();
    if (side().dataset.moves !== "yes") source.close();
  };
  source.addEventListener("open", look);
  source.addEventListener("status", (event) => { if (JSON.parse(event.data).id === id) look(); });
  source.addEventListener("signed-out", () => source.close());
  window.addEventListener("pagehide", () => source.close());
}

if (side().dataset.moves === "yes") follow();
