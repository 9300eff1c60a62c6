// The voice part of the form: one big button to start and stop, then listen or record again. Loaded when it is needed.

import { addressOf, byId, fill, icon } from "./dom.js";
import { addFile, filesIn, removeFile, replaceFile } from "./draft.js";
import { whyNot } from "./take.js";
import { record } from "./voice.js";
import { say } from "./words.js";

/** The box of `draft`, which holds at most one note. */
export class VoiceBox {
  constructor(draft, stored, tools) {
    Object.assign(this, { draft, ...tools });
    this.stop = null; // ends the recording under way
    this.ended = Promise.resolve();
    byId("voice-drop").addEventListener("click", () => this.drop());
    const kept = stored.find(({ id }) => id === this.note()?.id);
    if (kept) listenTo(kept);
    this.draw();
  }

  /** Start, or stop what was started. */
  press() {
    if (this.stop) this.stop();
    else this.ended = this.begin();
  }

  /** Stops a running recording and resolves when what was said is stored. */
  settled() {
    this.stop?.();
    return this.ended;
  }

  note() {
    return filesIn(this.draft, "voice")[0];
  }

  async begin() {
    const stopped = new Promise((done) => { this.stop = done; });
    this.draw("asking");
    const problem = await this.speak(stopped);
    this.stop = null;
    this.draw();
    if (problem) this.complain(problem);
  }

  /** One recording, from the first question to the last byte; returns the sentence for what went wrong, or null. */
  async speak(stopped) {
    let seconds = null;
    let kept = false;
    const tick = (now) => {
      if (seconds === null) this.draw("stop");
      if (seconds !== now) byId("voice-time").textContent = say("voice_seconds", { n: now });
      seconds = now;
    };
    try {
      await record(stopped, tick, (sound) => this.keep(sound).then(() => { kept = true; }));
      return kept || seconds === null ? null : say("voice_empty");
    } catch (error) {
      return whyNot(error, seconds === null ? "voice_refused" : "voice_failed");
    }
  }

  /** What is said takes the place of the note before, with its first seconds on disk. */
  async keep(sound) {
    await (this.note() ? replaceFile(this.draft, this.note(), sound) : addFile(this.draft, "voice", sound));
    listenTo(sound);
    this.changed();
  }

  async drop() {
    await removeFile(this.draft, this.note()).catch((error) => this.complain(whyNot(error, "save_failed")));
    this.draw();
  }

  draw(state = this.note() ? "again" : "start") {
    fill(byId("record"), icon(this.stop ? "stop" : "mic"), say(`voice_${state}`));
    byId("record").dataset.recording = state === "stop" ? "yes" : "no";
    byId("voice-note").hidden = !this.note() || Boolean(this.stop);
    byId("voice-time").textContent = "";
    this.changed();
  }
}

function listenTo(sound) {
  const playback = byId("playback");
  URL.revokeObjectURL(playback.src);
  playback.src = addressOf(sound);
}
