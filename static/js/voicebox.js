// The voice part of the form: one big button to start and stop, then listen or record again.

import { byId, icon, fill } from "./dom.js";
import { addFile, removeFile, saveNow } from "./draft.js";
import { canRecord, record } from "./voice.js";
import { say } from "./words.js";

/** Set up the box for `draft`. Returns {settled()}: stops a running recording and resolves when it is stored. */
export function voiceBox(draft, stored, { complain, changed }) {
  const button = byId("record");
  let stop = null;
  let ended = Promise.resolve();
  let busy = false;

  const note = () => draft.files.find((file) => file.kind === "voice");
  const listen = (file) => {
    byId("playback").src = URL.createObjectURL(new Blob([file.data], { type: file.type }));
  };
  const draw = () => {
    const key = stop ? "voice_stop" : note() ? "voice_again" : "voice_start";
    fill(button, icon(stop ? "stop" : "mic"), say(key));
    button.dataset.recording = stop ? "yes" : "no";
    byId("voice-note").hidden = !note() || Boolean(stop);
    if (!stop) byId("voice-time").textContent = "";
    changed();
  };
  const keep = async (sound) => {
    stop = null;
    try {
      if (!sound) return complain(say("voice_empty"));
      const old = note();
      listen(await addFile(draft, "voice", sound));
      if (old) await removeFile(draft, old.id);
    } catch (error) {
      complain(say(error.name === "QuotaExceededError" ? "storage_full" : "voice_failed"));
    } finally {
      draw();
    }
  };
  const begin = async () => {
    let finish;
    ended = new Promise((done) => { finish = done; });
    try {
      await saveNow(draft);
      stop = await record(
        (seconds) => { byId("voice-time").textContent = say("voice_seconds", { n: seconds }); },
        (sound) => keep(sound).then(finish),
      );
    } catch {
      finish();
      complain(say("voice_refused"));
    }
    draw();
  };
  button.addEventListener("click", async () => {
    if (stop) return stop();
    if (busy) return undefined; // the browser is still asking for the microphone
    busy = true;
    await begin();
    busy = false;
    return undefined;
  });
  byId("voice-drop").addEventListener("click", async () => {
    const old = note();
    if (old) await removeFile(draft, old.id);
    draw();
  });

  byId("voice").hidden = !canRecord();
  const kept = stored.find((file) => file.kind === "voice");
  if (kept) listen(kept);
  draw();
  return {
    settled() {
      stop?.();
      return ended;
    },
  };
}
