// A surface whose pictures can be made larger and moved: wheel, two fingers, double tap, drag. Several of them move as one.

const MOST = 8;
const TAP_MS = 300;
const NEAR = 30; // pixels between two taps that are one double tap
const SWIPE = 60;

/** Make `stage` such a surface; `swiped(1 or -1)` is called for a stroke across a picture that is not enlarged. */
export function surface(stage, swiped) {
  const fingers = new Map();
  const now = { scale: 1, x: 0, y: 0 };
  let tapped = { at: 0, x: 0, y: 0 };
  let start = null;

  stage.addEventListener("wheel", (event) => { event.preventDefault(); by(2 ** (-event.deltaY / 300), event); }, { passive: false });
  stage.addEventListener("pointerdown", down);
  stage.addEventListener("pointermove", moved);
  for (const kind of ["pointerup", "pointercancel"]) stage.addEventListener(kind, up);

  function down(event) {
    if (event.button) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
    start = fingers.size === 1 ? event : null; // with a second finger it is no stroke any more
  }

  function moved(event) {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const other = [...fingers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    if (other) by(apart(event, other) / Math.max(apart(before, other), 1), between(event, other));
    if (large()) move((event.clientX - before.clientX) / fingers.size, (event.clientY - before.clientY) / fingers.size);
    fingers.set(event.pointerId, event);
  }

  function up(event) {
    if (!fingers.delete(event.pointerId) || !start || event.type === "pointercancel") return;
    const across = event.clientX - start.clientX;
    const still = apart(event, start) < 10;
    if (still) tap(event);
    else if (!large() && Math.abs(across) > SWIPE) swiped(across < 0 ? 1 : -1);
    start = null;
  }

  function tap(event) {
    const again = event.timeStamp - tapped.at < TAP_MS && Math.hypot(event.clientX - tapped.x, event.clientY - tapped.y) < NEAR;
    tapped = again ? { at: 0, x: 0, y: 0 } : { at: event.timeStamp, x: event.clientX, y: event.clientY };
    if (again) by(large() ? 0 : 2.5, event);
  }

  /** Larger or smaller by this factor, around a point of the screen (or the middle). */
  function by(factor, point) {
    const scale = Math.min(Math.max(now.scale * factor, 1), MOST);
    const [x, y] = inPane(point);
    now.x = x - (x - now.x) * scale / now.scale;
    now.y = y - (y - now.y) * scale / now.scale;
    now.scale = scale;
    draw();
  }

  /** The point, from the middle of the picture it lies on. */
  function inPane(point) {
    const pane = point && [...stage.children].map((one) => one.getBoundingClientRect())
      .find(({ left, right, top, bottom }) => point.clientX >= left && point.clientX <= right && point.clientY >= top && point.clientY <= bottom);
    return pane ? [point.clientX - pane.left - pane.width / 2, point.clientY - pane.top - pane.height / 2] : [0, 0];
  }

  function move(x, y) {
    now.x += x;
    now.y += y;
    draw();
  }

  /** Never so far that nothing is seen of it. */
  function draw() {
    const { width = 0, height = 0 } = stage.firstElementChild?.getBoundingClientRect() ?? {};
    const room = (now.scale - 1) / 2;
    now.x = Math.min(Math.max(now.x, -width * room), width * room);
    now.y = Math.min(Math.max(now.y, -height * room), height * room);
    for (const image of stage.querySelectorAll("img")) image.style.transform = `translate(${now.x}px, ${now.y}px) scale(${now.scale})`;
    stage.classList.toggle("large", large());
    stage.dataset.scale = now.scale.toFixed(2);
  }

  const large = () => now.scale > 1.01;
  const reset = () => { Object.assign(now, { scale: 1, x: 0, y: 0 }); draw(); };
  return { by, move, large, reset };
}

const apart = (one, other) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
const between = (one, other) => ({ clientX: (one.clientX + other.clientX) / 2, clientY: (one.clientY + other.clientY) / 2 });
