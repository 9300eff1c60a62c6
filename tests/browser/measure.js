// What offline.md asks of hands and eyes, measured on the page as it stands: a list of what is wrong.
// Run by sizes.py with {width, scale, within}: the screen in px, how much larger the reader has made the text, and
// the part of the page to look at (what lies over the rest, or the whole body).

({ width, scale, within }) => {
  const BODY = 18, LINE = 1.3, MAIN = 60, OTHER = 48, KEY = 7, REST = 4.5, SLACK = 0.6;
  const TARGETS = "a[href], button, input:not([type=hidden]), select, textarea, summary, label.picker, audio, [role=button]";
  const MAIN_ONES = ".btn-big, .btn-primary, .tile, .shutter, .the-step, .choice, .line > a, .task-line";
  const SECONDARY = ".muted, .hint, .small, small, .empty, .chip, .photo-state, .unseen";
  const WORD = /(?<![\p{Script=Latin}\d])(\p{Script=Latin}{2,12}|\d{2,12})(?![\p{Script=Latin}\d])/gu;
  const EDGED = ".btn, .chip, .severity, .choice, .card, .notice, select, textarea, img, audio, input:not([type=file])";
  const STATES = "[data-severity], [data-state], [data-line], [data-step]";
  const found = [], part = document.querySelector(within);
  const all = (selector) => [...part.querySelectorAll(selector)];

  const style = (element, pseudo) => getComputedStyle(element, pseudo);
  const name = (element) => {
    if (element.id) return `#${element.id}`;
    const own = element.localName + [...element.classList].map((word) => `.${word}`).join("");
    const parent = element.parentElement;
    return parent && parent !== document.body ? `${name(parent)} > ${own}` : own;
  };
  const wrong = (rule, element, measured, wanted) => found.push({ rule, at: name(element), measured: `${measured}`, wanted });
  const round = (number) => Math.round(number * 100) / 100;
  const words = (element) => (element.innerText ?? "").trim().replace(/\s+/g, " ").slice(0, 20);

  const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  // a picture is no text: what it says stands beside it and in its name
  const ASIDE = ".visually-hidden:not(:focus), .skip, .unseen-input, noscript, option, script, style, svg[role=img]";
  const texts = [];
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, element = node.parentElement;
    if (!node.data.trim() || !shown(element) || element.closest(ASIDE)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const boxes = [...range.getClientRects()].filter((box) => box.width > 0.5 && box.height > 0.5);
    if (boxes.length) texts.push({ node, element, boxes });
  }

  // letters: large enough, larger when the reader says so, with air between the lines
  function letters({ node, element }) {
    const { fontSize, lineHeight } = style(element);
    const size = parseFloat(fontSize);
    const sign = node && !/[\p{L}\p{N}]/u.test(node.data); // a plus is drawn, not read
    const least = sign ? BODY : BODY * scale;
    if (size < least - 0.01) wrong("text size", element, `${size}px "${words(element)}"`, `${least}px`);
    if (element.localName === "select") return; // one line, whose height the browser keeps for itself
    const ratio = parseFloat(lineHeight) / size;
    if (!(ratio >= LINE - 0.001)) wrong("line height", element, lineHeight === "normal" ? "normal" : round(ratio), LINE);
  }

  // contrast, with every half transparent layer between the letters and the paper
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const known = new Map();
  function rgba(colour) {
    if (!known.has(colour)) {
      paint.clearRect(0, 0, 1, 1);
      paint.fillStyle = colour;
      paint.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = paint.getImageData(0, 0, 1, 1).data;
      known.set(colour, [r, g, b, a / 255]);
    }
    return known.get(colour);
  }
  const light = (colour) => {
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = colour.map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, two) => {
    const [high, low] = [light(one), light(two)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  /** Colours an element paints behind what is in it: its own, and each stop of a gradient over it. */
  function backs(element) {
    const { backgroundColor, backgroundImage } = style(element);
    const stops = backgroundImage.match(/(rgba?|color|oklch|oklab)\([^)]*\)/g) ?? [];
    return stops.length ? stops.map((stop) => [stop, backgroundColor]) : [[backgroundColor]];
  }
  /** Every pair [letters, ground] a reader may see: what is `colour` inside `element`, through all that is around it. */
  function pairs(colour, element) {
    let seen = [[rgba(colour), [0, 0, 0, 0]]];
    for (let at = element; at; at = at.parentElement) {
      const opacity = parseFloat(style(at).opacity);
      const through = ([r, g, b, a]) => [r, g, b, a * opacity];
      seen = backs(at).flatMap((layers) => seen.map((pair) => pair.map((top) => through(layers.map(rgba).reduce(under, top)))));
    }
    const canvas = rgba(style(document.body).backgroundColor);
    return seen.map((pair) => pair.map((top) => under(top, canvas)));
  }
  function under(top, below) {
    const alpha = top[3] + below[3] * (1 - top[3]);
    if (!alpha) return [0, 0, 0, 0];
    return [0, 1, 2].map((at) => (top[at] * top[3] + below[at] * below[3] * (1 - top[3])) / alpha).concat(alpha);
  }
  const disabled = (element) => element.closest(":disabled, [aria-disabled=true], [inert]");
  function readable(colour, element, least, what = "") {
    if (disabled(element)) return;
    const worst = Math.min(...pairs(colour, element).map(([text, ground]) => contrast(text, ground)));
    if (worst < least - 0.005) wrong("contrast", element, `${round(worst)}:1 ${colour}${what} "${words(element)}"`, `${least}:1`);
  }

  // hands: large enough, and no neighbour under the same finger
  const skipped = (element) => element.matches(".skip") || (element.matches("[type=file]") && !element.closest("label"));
  /** The box a finger may press: a small input's is its label's, a link over two lines has the larger of its boxes. */
  function box(element) {
    const small = element.matches("input[type=checkbox], input[type=radio], input[type=file]");
    const pressed = (small && element.closest("label")) || element;
    const boxes = [...pressed.getClientRects()].sort((a, b) => b.width * b.height - a.width * a.height);
    return [pressed, boxes[0] ?? pressed.getBoundingClientRect()];
  }
  const targets = new Map(all(TARGETS).filter((one) => shown(one.closest("label") ?? one) && !skipped(one)).map(box));
  function large(pressed, rect) {
    const least = pressed.matches(MAIN_ONES) ? MAIN : OTHER;
    if (Math.min(rect.width, rect.height) >= least - SLACK) return;
    wrong("target", pressed, `${round(rect.width)} x ${round(rect.height)} "${words(pressed)}"`, `${least} x ${least}`);
  }
  function apart() {
    const pressed = [...targets];
    pressed.forEach(([one, a], at) => pressed.slice(at + 1).forEach(([other, b]) => {
      if (one.contains(other) || other.contains(one)) return;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > SLACK && high > SLACK) wrong("overlap", one, `${round(wide)} x ${round(high)} with ${name(other)}`, "apart");
    }));
  }

  // nothing off the screen, nothing cut off, nothing under something else
  function whole({ element, boxes }) {
    if (element.closest("svg[role=application]")) return; // a chart is larger than its window
    const left = Math.min(...boxes.map((b) => b.left)), right = Math.max(...boxes.map((b) => b.right));
    const top = Math.min(...boxes.map((b) => b.top)), bottom = Math.max(...boxes.map((b) => b.bottom));
    const where = `${round(left)} to ${round(right)} "${words(element)}"`;
    if (left < -1 || right > width + 1) wrong("off the screen", element, where, `0 to ${width}`);
    for (let at = element; at && at !== document.body; at = at.parentElement) {
      const { overflowX, overflowY, display } = style(at);
      if (display === "inline") continue;
      const own = at.getBoundingClientRect();
      const leaves = right > own.right + 1 || left < own.left - 1;
      const below = overflowY === "hidden" && (bottom > own.bottom + 2 || top < own.top - 2);
      const cut = below || (overflowX !== "visible" && leaves);
      const spills = at.matches(".btn, .card, .notice, .severity, .state, .tile, h1, h2, h3, p, li") && leaves;
      if (cut || spills) return wrong("cut off", element, `${where} in ${name(at)}`, `${round(own.left)} to ${round(own.right)}`);
    }
  }
  /** A number or a word in Latin letters stays in one piece; one longer than a line has no other way. */
  function unbroken({ node, element }) {
    if (element.closest("[translate=no]")) return; // a line to copy, not to read
    for (const { 0: word, index } of node.data.matchAll(WORD)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const tops = new Set([...range.getClientRects()].filter((b) => b.width > 0.5).map((b) => Math.round(b.top)));
      if (tops.size > 1) wrong("broken word", element, `"${word}" on ${tops.size} lines`, "one line");
    }
  }
  /** What has an edge of its own stays inside the card it lies on. */
  function inside(element) {
    const around = element.parentElement.closest(".card, .notice, .danger, main, header, dialog");
    if (!around || style(element).position !== "static") return;
    const own = element.getBoundingClientRect(), card = around.getBoundingClientRect();
    if (own.right > card.right + 0.5 || own.left < card.left - 0.5) {
      wrong("over the edge", element, `${round(own.left)} to ${round(own.right)} "${words(element)}"`, `inside ${name(around)}`);
    }
  }
  function uncovered({ element, boxes }) {
    const owner = element.closest(`${TARGETS}, h1, h2, h3`);
    if (!owner || style(owner).pointerEvents === "none") return;
    for (const { left, right, top, bottom } of boxes) {
      const hit = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
      if (hit && !owner.contains(hit) && !hit.contains(owner)) {
        return wrong("covered", element, `"${words(element)}" lies under ${name(hit)}`, "on top");
      }
    }
  }
  /** A box that shows one line of words must be wide enough for them. */
  function fits(element) {
    const { font, paddingLeft, paddingRight, color } = style(element);
    readable(color, element, KEY);
    const asked = !element.value && element.placeholder;
    if (asked) readable(style(element, "::placeholder").color, element, REST, " placeholder");
    const text = element.localName === "select" ? element.selectedOptions[0]?.label : asked;
    if (!text || element.localName === "textarea") return;
    paint.font = font;
    const room = element.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const wide = paint.measureText(text).width;
    if (wide > room + 1) wrong("cut off", element, `${round(wide)} px of "${text}"`, `${round(room)} px`);
  }

  // nothing by colour alone
  const shapes = new Map();
  function plain(element) {
    const { severity } = element.dataset;
    if (!element.innerText.trim()) wrong("colour alone", element, "no words", "a word");
    if (!severity) return;
    const mark = style(element, "::before");
    const drawn = mark.content !== "none" && mark.clipPath !== "none" && parseFloat(mark.width) >= 8 ? mark.clipPath : "";
    if (!drawn && !element.querySelector("svg")) wrong("colour alone", element, `no shape for ${severity}`, "a shape");
    if (drawn) shapes.set(drawn, new Set([...(shapes.get(drawn) ?? []), severity]));
    if (shapes.get(drawn)?.size > 1) wrong("colour alone", element, `one shape for ${[...shapes.get(drawn)]}`, "a shape each");
  }

  for (const text of texts) {
    letters(text);
    const { fill, color } = style(text.element);
    const drawn = text.element.namespaceURI.endsWith("svg");
    readable(drawn ? fill : color, text.element, text.element.closest(SECONDARY) ? REST : KEY);
    whole(text);
    unbroken(text);
    uncovered(text);
  }
  for (const [pressed, rect] of targets) large(pressed, rect);
  apart();
  for (const field of all("input:not([type=hidden], [type=file], [type=checkbox], [type=radio]), select, textarea")) {
    if (!shown(field)) continue;
    letters({ element: field });
    fits(field);
  }
  for (const element of all(EDGED)) if (shown(element)) inside(element);
  for (const element of all(STATES)) if (shown(element)) plain(element);
  const reach = document.documentElement.scrollWidth;
  if (reach > width) wrong("sideways", document.documentElement, `${reach} px`, `${width} px`);
  return { found, texts: texts.length, targets: targets.size };
}
