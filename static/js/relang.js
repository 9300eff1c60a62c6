// The kept pages are fetched again in the other language. Loaded when the switch was pressed.

/** Once for each change; a page that is still in the old language afterwards is left alone. */
export async function changeTo(wanted, registration) {
  const mark = "refreshed-language";
  if (!registration.active || sessionStorage.getItem(mark) === wanted) return;
  sessionStorage.setItem(mark, wanted);
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.type === "shell-refreshed") location.reload();
    if (data?.type === "shell-newer") registration.update().catch(() => {});
  });
  registration.active.postMessage({ type: "refresh-shell" });
}
