// Every text a script shows comes from the page's catalogue (templates/patrol/_words.html), never from code.

const words = Object.assign({}, ...[...document.querySelectorAll(".words")].map(({ textContent }) => JSON.parse(textContent)));

/** The sentence for `key`, with {name} replaced from `values`. */
export function say(key, values = {}) {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

export const SPRITE = words._sprite ?? "";
