// Passkeys: the one thing about signing in that browsers do by script only. Buttons stay hidden where it cannot work.

const CAN = window.PublicKeyCredential?.parseCreationOptionsFromJSON !== undefined;

async function ask(url, body, csrf) {
  const headers = { "Content-Type": "application/json", ...(csrf && { "X-CSRF-Token": csrf }) };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (answer.status === 403) location.href = "/sign-in?again=1&next=/account";
  const isJson = answer.headers.get("Content-Type")?.startsWith("application/json");
  const found = isJson ? await answer.json() : {};
  if (!answer.ok) throw new Error(found.problem ?? "");
  return found;
}

// The person closing the browser's question is no error to shout about.
const words = (error, { failed, unsigned }) => (error.name === "NotAllowedError" ? unsigned : error.message || failed);

async function run(note, work) {
  note.hidden = true;
  try {
    location.href = (await work()).onward;
  } catch (error) {
    note.textContent = words(error, note.dataset);
    note.hidden = false;
  }
}

for (const place of CAN ? document.querySelectorAll("[data-passkey]") : []) {
  place.hidden = false;
  place.querySelector("button").addEventListener("click", () => run(place.querySelector("[role=alert]"), async () => {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await ask("/passkey/options", {}));
    const credential = await navigator.credentials.get({ publicKey });
    return ask("/passkey/sign-in", { credential: credential.toJSON(), next: place.dataset.next });
  }));
}

for (const place of CAN ? document.querySelectorAll("[data-new-passkey]") : []) {
  const form = place.querySelector("form");
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run(place.querySelector("[role=alert]"), async () => {
      const csrf = place.dataset.csrf;
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await ask("/account/passkeys/options", {}, csrf));
      const credential = await navigator.credentials.create({ publicKey });
      return ask("/account/passkeys", { credential: credential.toJSON(), name: form.elements.name.value }, csrf);
    });
  });
}
