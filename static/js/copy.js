// Text to the clipboard, also where the browser has no clipboard to offer. Imports nothing: pages without the app use it.

/** True when `text` is on the clipboard. Call it from a click. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByHand(text);
  }
}

function copyByHand(text) {
  const box = document.createElement("textarea");
  box.value = text;
  box.readOnly = true; // no keyboard comes up
  document.body.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  return copied;
}
