// What the live pages share: a queue of frames that the server computed, played at the pace of the screen, and the questions for more.
// A page adds `read` (bytes to a message), `receive`, `draw` and `say`.

const CHUNK = 30;            // frames asked for at a time: half a second
const KEEP = 2400, LEAST = 240, ROOM = 40e6; // frames of history, fewer where they are large (bytes); then every second of the older half goes
const PATIENCE = 2000;       // ms before a lost question is asked again
const SPEEDS = [             // frames held for `hold` paints; `epochs` per frame
  { name: "Slow", epochs: 1, hold: 8 }, { name: "1×", epochs: 1, hold: 1 },
  { name: "5×", epochs: 5, hold: 1 }, { name: "20×", epochs: 20, hold: 1 },
];
function bytesOf(frame) { return Object.values(frame).reduce((sum, value) => sum + (value.byteLength ?? 8), 0); }

function own(frame) {
  for (const [name, value] of Object.entries(frame)) if (value.buffer && value.buffer.byteLength > value.byteLength) frame[name] = value.slice();
}

class Player {
  constructor(root, name) {
    this.root = root;
    this.$ = (name) => root.querySelector(`.${name}`);
    this.box = this.$(name);
    Object.assign(this, { queue: [], history: [], cursor: -1, gen: -1, seq: -1, stop: "", playing: false, asked: 0, asks: 0, held: 0, painted: 0, last: 0, spoke: 0, log: true, speed: SPEEDS[1], line: null });
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.resized = new ResizeObserver(() => this.draw());
    this.$("play").onclick = () => this.toggle();
    this.$("step").onclick = () => this.step();
    this.$("reset").onclick = () => { this.halt(); this.order("reset"); };
    this.$("past").oninput = (event) => { this.halt(); this.show(+event.target.value); };
    this.$("past").onchange = () => { clearTimeout(this.later); this.later = setTimeout(() => { if (!this.playing) this.report(); }, 250); };
    this.$("log").onclick = () => { this.log = !this.log; this.$("log").setAttribute("aria-pressed", this.log); this.draw(); };
    for (const speed of SPEEDS) {
      const title = speed.hold > 1 ? "A few epochs a second" : `${60 * speed.epochs} epochs a second`;
      this.choice("speeds", speed.name, title, () => { this.speed = speed; this.buttons(); });
    }
    this.keyed = (event) => this.key(event);
    document.addEventListener("keydown", this.keyed);
    this.buttons();
  }

  choice(group, text, title, onclick) {
    this.$(group).append(Object.assign(document.createElement("button"), { type: "button", textContent: text, title, onclick }));
  }

  key(event) {
    const target = event.composedPath()[0];
    const busy = target instanceof Element && target.closest("input, textarea, select, button, a, summary, [role], [contenteditable]");
    if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") { event.preventDefault(); if (!event.repeat) this.toggle(); }
    if (event.key === "ArrowRight") { event.preventDefault(); this.step(); }
  }

  // Whether a message is older than what is here, or the same: it may come again (theme, rerun), or late, where two ways lead here.
  known({ gen, seq }) { return gen < this.gen || (gen === this.gen && seq <= this.seq); }

  // A letter of the server: a byte of length, "address name" of the line to ask on, the message.
  open(letter) {
    const from = 1 + letter[0], [address, name] = new TextDecoder().decode(letter.subarray(1, from)).split(" ");
    if (this.line?.name !== name) Object.assign(this, { line: { address, name, direct: Boolean(address) }, gen: -1, seq: -1, ordered: null });
    this.receive(this.read(letter.subarray(from)));
  }

  // Asks the run itself, where there is a line to it; otherwise, and where no answer comes, by a rerun of the page.
  async tell(event, value) {
    const { line } = this;
    if (!line?.direct) return this.send(event, value);
    let message = null;
    try {
      const answer = await fetch(line.address, { method: "POST", body: JSON.stringify({ line: line.name, event, value }), signal: AbortSignal.timeout(3 * PATIENCE) });
      if (!answer.ok || answer.headers.get("content-type") !== "application/octet-stream") throw new Error(answer.statusText);
      message = this.read(new Uint8Array(await answer.arrayBuffer()));
    } catch { line.direct = false; }
    if (this.closed || line !== this.line) return null;
    return message ? this.receive(message) : this.send(event, value);
  }

  // What stands on the screen: each question tells it, for two ways lead to the server and one may overtake the other.
  seen() { return { gen: this.gen, epoch: this.shown?.epoch ?? 0, tip: this.atTip, playing: this.playing, ask: ++this.asks }; }

  // After a message: where the server takes us for playing, or this view is new and does not stand where the last one stood, it is told.
  agree(playing, anew) { if (!this.playing && this.shown && (playing || (anew && this.shown.epoch))) this.report(); }

  // A message without news repeats the last frame, for a view that is new.
  news(frames) {
    const tip = (this.queue.at(-1) ?? this.history.at(-1))?.epoch ?? -1;
    return frames.filter((frame) => frame.epoch > tip);
  }

  ask() {
    const now = performance.now();
    if (this.asked && now - this.asked < PATIENCE) return;
    this.asked = now;
    this.tell("need", { ...this.seen(), seq: this.seq, count: CHUNK, epochs: this.speed.epochs, more: this.more === true });
    this.more = false;
  }

  get shown() { return this.history[this.cursor]; }

  get atTip() { return this.cursor === this.history.length - 1; }

  toggle() { if (this.playing) { this.halt(); this.report(); } else this.play(); }

  play() {
    if (this.stop === "diverged" && !this.queue.length && this.atTip) return;
    this.more = Boolean(this.stop) && !this.queue.length;
    if (this.more) this.stop = "";
    Object.assign(this, { playing: true, held: 0, asked: 0 });
    this.buttons();
    this.draw();
    this.tick = (now) => this.paint(now);
    this.loop = requestAnimationFrame(this.tick);
    if (this.line?.direct) this.state("play");
    if (this.queue.length < CHUNK / 2 && !this.stop) this.ask();
  }

  halt(tell = true) {
    const moved = this.playing;
    this.playing = false;
    cancelAnimationFrame(this.loop);
    this.buttons();
    if (moved && tell) this.draw(); // figures and the slider lag behind a moving picture
  }

  // Tells the server which epoch stands on the screen, so that its still pictures show the same.
  report() { if (this.shown) this.state("pause"); }

  // Streamlit keeps only the last of two events that wait for the server: what nobody asks again goes along with the next ones.
  order(event, more = {}) {
    this.ordered = { event, more, gen: this.gen };
    this.send(event, { ...this.seen(), ...more });
  }

  state(event) {
    if (this.ordered?.gen === this.gen) this.order(this.ordered.event, this.ordered.more);
    this.send(event, this.seen());
  }

  paint(now) {
    if (!this.playing) return;
    this.loop = requestAnimationFrame(this.tick);
    if (now - this.last < 12) return; // no more than about 60 a second on faster screens
    this.last = now;
    const calm = this.calm.matches ? 15 : 1;
    if (++this.held < Math.max(this.speed.hold, calm)) return;
    this.held = 0;
    let moved = false;
    for (let i = 0; i < (this.speed.hold > 1 ? 1 : calm); i++) moved = this.advance() || moved;
    if (this.queue.length < CHUNK / 2 && !this.stop) this.ask();
    if (moved) this.draw();
    else if (this.stop) { this.halt(); this.report(); }
  }

  // One frame on: through the history where we looked back, then from the queue.
  advance() {
    if (!this.atTip) { this.cursor++; return true; }
    const frame = this.queue.shift();
    if (!frame) return false;
    this.history.push(frame);
    if (this.history.length > this.most) this.thin();
    this.cursor = this.history.length - 1;
    return true;
  }

  get most() { return Math.max(LEAST, Math.min(KEEP, Math.floor(ROOM / this.parts(this.history[0]).reduce((sum, part) => sum + bytesOf(part), 1)))); }

  // Every second frame of the older half goes; those that stay get arrays of their own, which do not keep the whole message.
  thin() {
    const half = this.history.length >> 1;
    this.history = this.history.filter((old, i) => i === 0 || i > half || i % 2 || this.dear(old, this.history[i + 1]));
    for (const old of this.history.slice(0, half)) this.parts(old).forEach(own);
  }

  // What a frame of the history is made of, and whether it stays however long the history grows.
  parts(frame) { return [frame]; }

  dear(frame, next) { return false; }

  step() {
    if (this.playing) this.halt();
    if (this.advance()) { this.draw(); this.report(); return; }
    if (this.stop === "diverged") return;
    Object.assign(this, { stepping: true, more: Boolean(this.stop), asked: 0 });
    this.ask();
  }

  // Before a picture: the frame that a step has waited for.
  stepped() { if (this.stepping && this.queue.length) { this.stepping = false; this.advance(); this.report(); } }

  show(index) { this.cursor = Math.max(0, Math.min(index, this.history.length - 1)); this.draw(); }

  // Where we are in the history, and why it ended if it did.
  place() {
    const past = this.$("past"), notice = this.$("notice"), end = this.stop && !this.queue.length && this.atTip;
    Object.assign(past, { max: Math.max(0, this.history.length - 1), value: this.cursor });
    past.setAttribute("aria-valuetext", `epoch ${this.shown.epoch}`);
    notice.hidden = !end;
    notice.dataset.kind = this.stop;
    if (end && notice.textContent !== this.note) notice.textContent = this.note;
  }

  buttons() {
    const play = this.$("play");
    play.innerHTML = this.playing ? PAUSE : PLAY;
    play.setAttribute("aria-pressed", this.playing);
    this.box.dataset.playing = this.playing;
    this.$("step").title = this.speed.epochs > 1 ? `One frame on: ${this.speed.epochs} epochs (right arrow)` : "One epoch on (right arrow)";
    [...this.$("speeds").children].forEach((button, i) => button.setAttribute("aria-pressed", SPEEDS[i] === this.speed));
  }

  // Whether the words for those who do not see the pictures are due: at most once a second; where things stand still, the last ones a
  // little later rather than never.
  due(now) {
    const time = performance.now(), early = this.spoke + (now ? 250 : 1000) - time;
    clearTimeout(this.silent);
    if (now && early > 0) this.silent = setTimeout(() => this.say(true), early);
    if (!this.shown || early > 0) return false;
    this.spoke = time;
    return true;
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.loop);
    clearTimeout(this.later);
    clearTimeout(this.silent);
    this.playing = false;
    this.resized.disconnect();
    document.removeEventListener("keydown", this.keyed);
  }
}
