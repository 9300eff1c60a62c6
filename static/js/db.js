// IndexedDB as promises: opened once, and once more when the browser has closed it behind our back.

const NAME = "fieldapp";
const VERSION = 2;
const OPEN_MS = 5_000;
const DURABLE = { durability: "strict" };
const GONE = ["InvalidStateError", "UnknownError", "AbortError"]; // closed, lost by iOS, or thrown away half-way

let opening = null;

/** Read from one store: `work` gets it with verbs that return promises. */
export const read = (name, work) => using((db) => work(verbs(db.transaction(name).objectStore(name))));

/** One durable readwrite transaction over `names`; resolves with what `work` returns when it is committed, not before. */
export function write(names, work) {
  return using(async (db) => {
    const tx = db.transaction(names, "readwrite", DURABLE);
    const committed = new Promise((done, fail) => {
      tx.oncomplete = done;
      tx.onabort = () => fail(tx.error ?? new DOMException("", "AbortError"));
    });
    committed.catch(() => {}); // the first fault is told; its abort is no second one
    try {
      const result = await work(...names.map((name) => verbs(tx.objectStore(name))));
      await committed;
      return result;
    } catch (error) {
      const cause = error.name === "AbortError" ? tx.error ?? error : error; // a full phone aborts what is under way
      try { tx.abort(); } catch { /* already over */ }
      throw cause;
    }
  });
}

async function using(work) {
  const mine = open();
  try {
    return await work(await mine);
  } catch (error) {
    if (!GONE.includes(error?.name)) throw error;
    if (opening === mine) close();
    return work(await open());
  }
}

function open() {
  opening ??= connect(VERSION)
    .catch((error) => {
      if (error.name !== "VersionError") throw error;
      return connect(); // a newer release has been here; what we need is still in it
    })
    .catch((error) => {
      opening = null;
      throw error;
    });
  return opening;
}

/** Throws "storage_blocked" when nothing answers in time, most likely because another window holds an older version. */
function connect(version) {
  return new Promise((done, fail) => {
    const request = indexedDB.open(NAME, version);
    const timer = setTimeout(() => fail(new Error("storage_blocked")), OPEN_MS);
    request.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion < 1) createStores(request.result);
      if (oldVersion < 2) request.result.createObjectStore("steps", { keyPath: "id" });
    };
    request.onerror = () => {
      clearTimeout(timer);
      fail(request.error);
    };
    request.onsuccess = () => {
      clearTimeout(timer);
      const db = request.result;
      db.onversionchange = close; // another tab brings a newer version: step aside, reopen at the next use
      db.onclose = () => { opening = null; };
      opening ??= Promise.resolve(db); // it came too late for the first use, but in time for the next
      done(db);
    };
  });
}

function close() {
  opening?.then((db) => db.close()).catch(() => {});
  opening = null;
}

function createStores(db) {
  db.createObjectStore("drafts", { keyPath: "id" });
  db.createObjectStore("reports", { keyPath: "id" });
  db.createObjectStore("files", { keyPath: "id" }).createIndex("report_id", "report_id");
  db.createObjectStore("sent", { keyPath: "id" });
  db.createObjectStore("kv");
}

/** get, getKey, getAll, put, add and delete of a store; ofReport and keysOfReport ask the index of the files. */
function verbs(store) {
  const ask = (source, name) => (...values) => new Promise((done, fail) => {
    const request = source[name](...values);
    request.onsuccess = () => done(request.result);
    request.onerror = () => fail(request.error);
  });
  const own = Object.fromEntries(["get", "getKey", "getAll", "put", "add", "delete"].map((name) => [name, ask(store, name)]));
  if (store.name !== "files") return own;
  const index = store.index("report_id");
  return { ...own, ofReport: ask(index, "getAll"), keysOfReport: ask(index, "getAllKeys") };
}
