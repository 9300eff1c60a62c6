// The form of a policy without jumps: its small moves come back in place. Everything works without this file too.

/** Ask the server for the form after one of its buttons, and put it where the old one stands. */
async function move(form, button) {
  const body = new FormData(form);
  body.set(button.name, button.value);
  const answer = await fetch(form.action, { method: "POST", body });
  if (!answer.ok) throw new Error(String(answer.status));
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("draft");
  if (!fresh) throw new Error("no form");
  document.querySelector("main .page-wide > [role=alert]:not([id])")?.remove(); // what was refused then is not what is shown now
  form.replaceWith(document.adoptNode(fresh));
  const spot = document.getElementById(button.formAction.split("#")[1] ?? "") ?? fresh;
  const title = spot.querySelector("h3[tabindex], h2") ?? spot;
  title.tabIndex = -1;
  title.focus({ preventScroll: true });
  spot.scrollIntoView({ block: "nearest" });
}

document.addEventListener("submit", (event) => {
  const { target: form, submitter: button } = event;
  if (form.id !== "draft" || !button || button.value === "save") return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  move(form, button).catch(() => {
    delete form.dataset.busy;
    const chosen = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: button.value });
    form.append(chosen);
    form.submit(); // the browser goes its own way, with everything that was typed
    chosen.remove();
  });
});

/** Whom it was sent to, or who gave it back, counts for one purpose only. */
function onlyWhatCounts() {
  const purpose = document.getElementById("try-purpose");
  for (const field of document.querySelectorAll("[data-for]")) field.hidden = field.dataset.for !== purpose?.value;
}

document.getElementById("try-purpose")?.addEventListener("change", onlyWhatCounts);
onlyWhatCounts();
