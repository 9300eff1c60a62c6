// The browser's own offer to put the app on the home screen. It comes early and once: this stands first in the page.

let offer = null;

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault();
  offer = event;
  dispatchEvent(new Event("installable"));
});

/** True while the browser would install the app at a tap. */
export const offered = () => offer !== null;

/** True when the app was opened from the home screen. */
export const installed = () => matchMedia("(display-mode: standalone)").matches || navigator.standalone === true;

/** Ask, from a click. True when the person agreed. */
export async function install() {
  const asked = offer;
  offer = null; // it can be used once
  await asked.prompt();
  return (await asked.userChoice).outcome === "accepted";
}
