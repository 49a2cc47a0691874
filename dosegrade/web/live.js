// The live page: plays frames that the server computed, asks for more before it runs out, and never the other way round.

const CHUNK = 30;            // frames asked for at a time: half a second
const KEEP = 2400;           // frames of history; beyond it every second of the older half goes
const PATIENCE = 2000;       // ms before a lost question is asked again
const SPEEDS = [             // frames held for `hold` paints; `epochs` per frame
  { name: "Slow", epochs: 1, hold: 8 }, { name: "1×", epochs: 1, hold: 1 },
  { name: "5×", epochs: 5, hold: 1 }, { name: "20×", epochs: 20, hold: 1 },
];
const RATES = [0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.3, 1, 3];
const PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 1.5v13l11-6.5z"/></svg>Play';
const PAUSE = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2.5 1.5h4v13h-4zM9.5 1.5h4v13h-4z"/></svg>Pause';

class Live {
  constructor(root) {
    this.root = root;
    this.$ = (name) => root.querySelector(`.${name}`);
    Object.assign(this, { queue: [], history: [], cursor: -1, gen: -1, seq: -1, stop: "", playing: false, asked: 0, asks: 0, held: 0, painted: 0, last: 0, spoke: 0, log: true, speed: SPEEDS[1], rates: [] });
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.wire();
    this.hands = new Hands(this);
    this.canvas = Object.fromEntries(["output", "net", "loss", "sizes", "now"].map((name) => [name, root.querySelector(`canvas.${name}, .${name} canvas`)]));
    this.resized = new ResizeObserver(() => this.draw());
    for (const canvas of Object.values(this.canvas)) this.resized.observe(canvas);
  }

  wire() {
    this.$("play").onclick = () => this.toggle();
    this.$("step").onclick = () => this.step();
    this.$("reset").onclick = () => { this.halt(); this.send("reset", { gen: this.gen, ask: ++this.asks }); };
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

  // The rates to choose from: an unusual one that a run starts with stands among them, with a tenth of it.
  offer(rate) {
    const rates = RATES.includes(rate) ? RATES : [...RATES, rate, +(rate / 10).toPrecision(12)].sort((a, b) => a - b);
    this.$("rates").replaceChildren();
    this.rates = rates;
    for (const rate of rates) this.choice("rates", `${rate}`, "Changes while it trains; the weights stay", () => this.wish(rate));
  }

  // Asks for a learning rate until it is there. Streamlit keeps only the last of two events that come close together, so nothing else
  // is asked meanwhile: the answer brings new frames anyway.
  wish(rate, tries = 3) {
    this.wished = rate;
    this.asked = performance.now();
    this.send("rate", { gen: this.gen, rate, ask: ++this.asks });
    clearTimeout(this.again);
    this.again = setTimeout(() => { if (tries && this.wished === rate && this.scene.learning_rate !== rate) this.wish(rate, tries - 1); }, 700);
  }

  // Asks for another value of one weight, until it is there.
  edit(index, value, epoch, resume, tries = 3) {
    const { gen } = this;
    this.edited = { resume };
    this.send("edit", { gen, epoch, index, value, ask: ++this.asks, tip: this.atTip });
    clearTimeout(this.again);
    this.again = setTimeout(() => { if (tries && this.gen === gen) this.edit(index, value, epoch, resume, tries - 1); }, 700);
  }

  key(event) {
    const target = event.composedPath()[0];
    const busy = target instanceof Element && target.closest("input, textarea, select, button, a, summary, [role], [contenteditable]");
    if (busy || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") { event.preventDefault(); if (!event.repeat) this.toggle(); }
    if (event.key === "ArrowRight") { event.preventDefault(); this.step(); }
  }

  // A message from the server. The same one may come again (theme, rerun): its seq is known then.
  receive({ header, scene, frames }) {
    if (header.seq === this.seq && header.gen === this.gen) return;
    for (const name of ["xLabel", "x2Label"]) scene[name] = scene[name].replace(/^x([12])$/, (_, digit) => (digit === "1" ? "x₁" : "x₂"));
    const changed = header.gen !== this.gen;
    if (!changed && header.seq < this.seq) return;
    if (changed && header.fresh) { this.history = []; this.cursor = -1; this.queue = []; this.halt(false); this.hands.fresh(); }
    else if (changed) this.flush(frames);
    Object.assign(this, { gen: header.gen, seq: header.seq, stop: header.stop, note: header.note, scene, asked: 0 });
    if (header.fresh && changed || !this.rates.includes(header.learning_rate)) this.offer(header.learning_rate);
    this.buttons();
    this.queue.push(...frames);
    if (changed && this.queue.length) this.advance();
    if (changed) this.legend();
    this.draw();
    if (changed && this.edited) { clearTimeout(this.again); if (this.edited.resume) this.play(); this.edited = null; }
  }

  // Frames of the old settings that were never shown did happen: they join the history unless the server went back behind them.
  flush(frames) {
    const next = frames.length ? frames[0].epoch : Infinity;
    for (const frame of this.queue) if (frame.epoch < next) this.history.push(frame);
    this.history = this.history.filter((frame) => frame.epoch < next);
    this.queue = [];
    this.cursor = this.history.length - 1;
  }

  ask() {
    const now = performance.now();
    if (this.asked && now - this.asked < PATIENCE) return;
    this.asked = now;
    this.send("need", { seq: this.seq, gen: this.gen, ask: ++this.asks, count: CHUNK, epochs: this.speed.epochs, playing: this.playing, epoch: this.shown?.epoch ?? 0, more: this.more === true });
    this.more = false;
  }

  get shown() { return this.history[this.cursor]; }

  get atTip() { return this.cursor === this.history.length - 1; }

  toggle() { if (this.playing) { this.halt(); this.report(); } else this.play(); }

  play() {
    if (this.stop === "diverged" && !this.queue.length && this.cursor === this.history.length - 1) return;
    this.more = Boolean(this.stop) && !this.queue.length;
    if (this.more) this.stop = "";
    Object.assign(this, { playing: true, held: 0, asked: 0 });
    this.buttons();
    this.draw();
    this.tick = (now) => this.paint(now);
    this.loop = requestAnimationFrame(this.tick);
    if (this.queue.length < CHUNK / 2 && !this.stop) this.ask();
  }

  halt(tell = true) {
    this.playing = false;
    cancelAnimationFrame(this.loop);
    this.buttons();
    if (tell) this.say(true);
  }

  // Tells the server which epoch stands on the screen, so that its still pictures show the same.
  report() { if (this.shown) this.send("pause", { gen: this.gen, epoch: this.shown.epoch, ask: ++this.asks, tip: this.atTip }); }

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
    else if (this.stop) { this.halt(); this.report(); this.draw(); }
  }

  // One frame on: through the history where we looked back, then from the queue.
  advance() {
    if (this.cursor < this.history.length - 1) { this.cursor++; return true; }
    const frame = this.queue.shift();
    if (!frame) return false;
    this.history.push(frame);
    if (this.history.length > KEEP) this.history = this.history.filter((_, i) => i === 0 || i > KEEP / 2 || i % 2);
    this.cursor = this.history.length - 1;
    return true;
  }

  step() {
    if (this.playing) this.halt();
    if (this.advance()) { this.draw(); this.report(); return; }
    if (this.stop === "diverged") return;
    this.stepping = true;
    this.more = Boolean(this.stop);
    this.asked = 0;
    this.ask();
  }

  show(index) { this.cursor = Math.max(0, Math.min(index, this.history.length - 1)); this.draw(); }

  draw() {
    if (this.stepping && this.queue.length) { this.stepping = false; this.advance(); this.report(); }
    const frame = this.shown;
    if (!frame || !this.scene || !this.ink) return;
    const start = performance.now(), { output, net, loss, sizes, now } = this.canvas;
    drawOutput(output, this.ink, this.scene, frame, this.hands.point);
    drawNetwork(net, this.ink, this.scene, frame, this.hands.mark, output.map);
    drawLoss(loss, this.ink, this.history, this.cursor, this.log, this.scene.validated);
    drawGradients(sizes, this.ink, this.history, this.cursor);
    drawLayers(now, this.ink, frame);
    this.hands.drawn();
    this.numbers(frame);
    this.spent = performance.now() - start;
    this.painted++;
    this.say(!this.playing);
  }

  // What is told of itself changes with every frame; words, which nobody reads so fast and which cost a layout, 20 times a second.
  numbers(frame) {
    const { scene } = this;
    Object.assign(this.$("live").dataset, { epoch: frame.epoch, loss: frame.loss, gen: this.gen, painted: this.painted, rate: scene.learning_rate });
    if (!this.playing || this.painted % 3 === 0) this.figures(frame);
  }

  figures(frame) {
    const { scene } = this, past = this.$("past"), end = this.stop && !this.queue.length && this.atTip, notice = this.$("notice");
    const put = (name, text, unit = "") => {
      const cell = this.$(name);
      if (cell.told === text + unit) return;
      cell.told = text + unit;
      cell.replaceChildren(text, ...(unit ? [Object.assign(document.createElement("small"), { textContent: unit })] : []));
    };
    const share = (v) => (Number.isFinite(v) ? `${(100 * v).toFixed(1)} %` : "–"), held = (v, text) => (scene.validated && Number.isFinite(v) ? `held out ${text(v)}` : "");
    put("epoch", frame.epoch.toLocaleString("en"));
    put("lost", figure(frame.loss), held(frame.validation_loss, figure));
    if (scene.task === "classification") put("fitness", share(frame.accuracy), held(frame.validation_accuracy, share));
    else put("fitness", fitness(frame.r2));
    if (scene.optimum !== null) put("peak", Number.isFinite(frame.peak_dose) ? `${frame.peak_dose.toFixed(1)} mg` : "–", `true ${+scene.optimum.toFixed(1)} mg`);
    past.max = Math.max(0, this.history.length - 1);
    past.value = this.cursor;
    past.setAttribute("aria-valuetext", `epoch ${frame.epoch}`);
    notice.hidden = !end;
    notice.dataset.kind = this.stop;
    if (end && notice.textContent !== this.note) notice.textContent = this.note;
  }

  buttons() {
    const play = this.$("play");
    play.innerHTML = this.playing ? PAUSE : PLAY;
    play.setAttribute("aria-pressed", this.playing);
    this.$("live").dataset.playing = this.playing;
    this.$("step").title = this.speed.epochs > 1 ? `One frame on: ${this.speed.epochs} epochs (right arrow)` : "One epoch on (right arrow)";
    [...this.$("speeds").children].forEach((button, i) => button.setAttribute("aria-pressed", SPEEDS[i] === this.speed));
    [...this.$("rates").children].forEach((button, i) => button.setAttribute("aria-pressed", this.rates[i] === this.scene?.learning_rate));
  }

  // What does not change from frame to frame: titles, legends, which figures there are.
  legend() {
    const { scene, ink } = this, plane = scene.dimensions === 2, classes = scene.task === "classification";
    const held = scene.validated ? [["dot hollow", classes ? "truth" : "text", "held out"]] : [];
    const items = classes ? [["dot", "minus", scene.classes[0]], ["diamond", "plus", scene.classes[1]], ...held, ...(plane ? [["", "text", "undecided"]] : [["", "fit", "the network"]])]
      : plane ? [["dot", "muted", "data"], ...held] : [["dot", "muted", "data"], ...held, ["dashed", "truth", "true curve"], ["", "fit", "the network"]];
    const shown = scene.truth ? items : items.filter(([kind]) => kind !== "dashed");
    this.$("output").querySelector(".legend").replaceChildren(...shown.map(([kind, color, text]) => {
      const item = Object.assign(document.createElement("span"), { className: kind, textContent: text });
      item.dataset.ink = color;
      return item;
    }));
    this.$("output").querySelector("h3").textContent = scene.optimum !== null ? "Effect of the dose" : classes ? "Which class?" : "Output of the network";
    this.$("measure").textContent = classes ? "Accuracy" : "R²";
    this.$("best").hidden = scene.optimum === null;
    this.$("output").classList.toggle("plane", plane);
    for (const item of this.root.querySelectorAll("[data-ink]")) item.style.setProperty("--ink", ink[item.dataset.ink]);
    this.$("valid").hidden = !scene.validated;
  }

  // The words for those who do not see the canvas: at most once a second.
  say(now) {
    const frame = this.shown, time = performance.now(), { scene } = this;
    if (!frame || (time - this.spoke < 1000 && !now) || time - this.spoke < 250) return;
    this.spoke = time;
    const fit = scene.task === "classification" ? `accuracy ${Math.round(100 * frame.accuracy)} percent` : `R squared ${frame.r2.toFixed(2)}`;
    const best = scene.optimum === null ? "" : `, largest effect at ${frame.peak_dose.toFixed(0)} mg; the true one is ${scene.optimum.toFixed(0)} mg`;
    const text = `Epoch ${frame.epoch}: loss ${figure(frame.loss)}, ${fit}${best}.`;
    this.$("said").textContent = this.playing ? text : `Paused. ${text}`;
    const label = (name, words) => this.canvas[name].setAttribute("aria-label", words);
    const stuck = (state) => (frame.state ?? []).reduce((n, s) => n + (s === state), 0);
    label("output", scene.dimensions === 2 ? `The network's output over ${scene.xLabel} and ${scene.x2Label} as colours, with the data points. ${text}` : `${scene.yLabel} against ${scene.xLabel}, with the data and the network's curve. ${text}`);
    label("net", `Network with layers of ${scene.sizes.join(", ")} units; edge colour is the weight's sign, width its size; in every unit its output over the input. ${stuck(1)} units saturated, ${stuck(2)} dead.`);
    label("loss", `Loss from epoch 0 to ${frame.epoch}: now ${figure(frame.loss)}.`);
    label("sizes", `Gradient size of each layer from epoch 0 to ${frame.epoch}, log scale.`);
    label("now", `Gradient size by layer: ${[...frame.gradient].map(small).join(", ")}. Saturated share of hidden layers: ${[...frame.saturation].map((s) => Math.round(100 * s) + " percent").join(", ")}.`);
    this.hands.label();
  }

  close() {
    cancelAnimationFrame(this.loop);
    clearTimeout(this.later);
    clearTimeout(this.again);
    this.playing = false;
    this.resized.disconnect();
    document.removeEventListener("keydown", this.keyed);
  }
}

function fitness(r2) { return !Number.isFinite(r2) ? "–" : Math.abs(r2) < 1000 ? r2.toFixed(3).replace(/^-(?=0\.000$)/, "").replace("-", "−") : figure(r2); }

export default function ({ data, parentElement, setTriggerValue }) {
  const live = (parentElement.live ??= new Live(parentElement));
  live.send = setTriggerValue;
  live.ink = inks(parentElement.querySelector(".live"));
  if (data instanceof Uint8Array) live.receive(decode(data));
  if (live.scene) { live.legend(); live.draw(); }
  return () => { live.close(); delete parentElement.live; };
}
