"""What goes wrong inside a browser, as scripts that run before the app's own; and photos that weigh something."""

import io

from PIL import Image

ON_DISK = """
window.onDisk = async (name) => {
    const db = await new Promise((done) => {
        const request = indexedDB.open("fieldapp");
        request.onsuccess = () => done(request.result);
    });
    const rows = await new Promise((done) => {
        const request = db.transaction(name).objectStore(name).getAll();
        request.onsuccess = () => done(request.result);
    });
    db.close();
    return rows;
};
"""
# The transaction that files a report never ends: something is always asked of it once more.
BEFORE_THE_COMMIT = (
    ON_DISK
    + """
const add = IDBObjectStore.prototype.add;
IDBObjectStore.prototype.add = function (...wanted) {
    if (this.name === "reports") {
        const spin = () => { this.count().onsuccess = spin; };
        spin();
        setTimeout(() => { window.atTheInstant = true; }, 300);
    }
    return add.apply(this, wanted);
};
"""
)
# It is committed, and the page never hears of it.
BEFORE_THE_SCREEN = """
const add = IDBObjectStore.prototype.add;
IDBObjectStore.prototype.add = function (...wanted) {
    if (this.name === "reports") {
        this.transaction.addEventListener("complete", (event) => {
            event.stopImmediatePropagation();
            window.atTheInstant = true;
        }, true);
        this.transaction.oncomplete = null;
    }
    return add.apply(this, wanted);
};
"""
LATE_SAVER = (
    ON_DISK
    + """
const soon = window.setTimeout;
window.setTimeout = (work, wait, ...more) => soon(work, wait === 400 ? 1e6 : wait, ...more);
"""
)
LATE_SMALLER = (
    ON_DISK
    + """
HTMLImageElement.prototype.decode = () => {
    window.atTheInstant = true;
    return new Promise(() => {});
};
"""
)
NEVER_SMALLER = "HTMLImageElement.prototype.decode = () => Promise.reject(new Error('no decoder'));"
# Every connection of the page is closed under its feet, as iOS does it.
OPEN_ELSEWHERE = """
const opened = new Set();
const open = IDBFactory.prototype.open;
IDBFactory.prototype.open = function (...wanted) {
    const request = open.apply(this, wanted);
    request.addEventListener("success", () => opened.add(request.result));
    return request;
};
window.closeAll = () => { for (const db of opened) db.close(); };
"""
# Date and Date.now are `shift` milliseconds away from the truth; setClock() moves them again.
CLOCK = """
{{
    const Real = Date;
    const now = () => Real.now();
    let shift = {shift};
    window.setClock = (to) => {{ shift = to; }};
    const Shifted = function (...parts) {{
        if (!new.target) return new Real(now() + shift).toString();
        return parts.length ? new Real(...parts) : new Real(now() + shift);
    }};
    Object.setPrototypeOf(Shifted, Real);
    Shifted.prototype = Real.prototype;
    Shifted.now = () => now() + shift;
    window.Date = Shifted;
}}
"""
NO_PLACE_YET = """
let tell = () => {};
navigator.geolocation.watchPosition = (found) => {
    tell = found;
    window.looking = true;
    return 1;
};
window.arrives = (latitude, longitude, accuracy) =>
    tell({ coords: { latitude, longitude, accuracy }, timestamp: Date.now() });
"""


def pixels(width: int, height: int) -> bytes:
    """Noise that no compression makes small; very large ones are a small noise, blown up."""
    large = width * height > 10_000_000
    noise = Image.effect_noise((width // 8, height // 8) if large else (width, height), 80).convert("RGB")
    target = io.BytesIO()
    noise.resize((width, height), Image.Resampling.NEAREST).save(target, "JPEG", quality=40 if large else 92)
    return target.getvalue()
