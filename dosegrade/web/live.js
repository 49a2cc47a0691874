// The live page: one network, what it gives out, its loss and its gradients.

const RATES = [0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.3, 1, 3];

class Live extends Player {
  constructor(root) {
    super(root, "live");
    this.rates = [];
    this.hands = new Hands(this);
    this.canvas = Object.fromEntries(["output", "net", "loss", "sizes", "now"].map((name) => [name, root.querySelector(`canvas.${name}, .${name} canvas`)]));
    for (const canvas of Object.values(this.canvas)) this.resized.observe(canvas);
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
  async wish(rate, tries = 3) {
    this.wished = rate;
    this.asked = performance.now();
    clearTimeout(this.again);
    await this.tell("rate", { ...this.seen(), rate });
    if (this.scene.learning_rate === rate) this.state("settle");
    else this.again = setTimeout(() => { if (tries && this.wished === rate && this.scene.learning_rate !== rate) this.wish(rate, tries - 1); }, 700);
  }

  // Asks for another value of one weight, until it is there.
  edit(index, value, epoch, resume, tries = 3) {
    const { gen } = this;
    this.edited = { resume };
    this.send("edit", { ...this.seen(), epoch, index, value });
    clearTimeout(this.again);
    this.again = setTimeout(() => { if (tries && this.gen === gen) this.edit(index, value, epoch, resume, tries - 1); }, 700);
  }

  read(bytes) { return decode(bytes); }

  receive({ header, scene, frames }) {
    if (this.known(header)) return;
    for (const name of ["xLabel", "x2Label"]) scene[name] = scene[name].replace(/^x([12])$/, (_, digit) => (digit === "1" ? "x₁" : "x₂"));
    const changed = header.gen !== this.gen, anew = this.gen < 0;
    if (changed && header.fresh) { this.history = []; this.cursor = -1; this.queue = []; this.halt(false); this.hands.fresh(); }
    else if (changed) this.flush(frames);
    Object.assign(this, { gen: header.gen, seq: header.seq, stop: header.stop, note: header.note, scene, asked: 0 });
    if (header.fresh && changed || !this.rates.includes(header.learning_rate)) this.offer(header.learning_rate);
    this.buttons();
    this.queue.push(...this.news(frames));
    if (changed && this.queue.length) this.advance();
    if (changed) this.legend();
    this.draw();
    if (changed && this.edited) { clearTimeout(this.again); if (this.edited.resume) this.play(); this.edited = null; }
    this.agree(header.playing, anew);
  }

  // Frames of the old settings that were never shown did happen: they join the history unless the server went back behind them.
  flush(frames) {
    const next = frames.length ? frames[0].epoch : Infinity;
    for (const frame of this.queue) if (frame.epoch < next) this.history.push(frame);
    this.history = this.history.filter((frame) => frame.epoch < next);
    this.queue = [];
    this.cursor = this.history.length - 1;
  }

  draw() {
    this.stepped();
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
    Object.assign(this.box.dataset, { epoch: frame.epoch, loss: frame.loss, gen: this.gen, painted: this.painted, rate: scene.learning_rate });
    if (!this.playing || this.painted % 3 === 0) this.figures(frame);
  }

  figures(frame) {
    const { scene } = this;
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
    if (scene.optimum !== null) put("peak", Number.isFinite(summit(frame)) ? `${summit(frame).toFixed(1)} mg` : "–", `true ${+scene.optimum.toFixed(1)} mg`);
    this.place();
  }

  buttons() {
    super.buttons();
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
    this.$("layers").style.setProperty("--count", scene.sizes.length - 1);
    for (const item of this.root.querySelectorAll("[data-ink]")) item.style.setProperty("--ink", ink[item.dataset.ink]);
    this.$("valid").hidden = !scene.validated;
  }

  say(now) {
    if (!this.due(now)) return;
    const frame = this.shown, { scene } = this;
    const fit = scene.task === "classification" ? `accuracy ${Math.round(100 * frame.accuracy)} percent` : `R squared ${frame.r2.toFixed(2)}`;
    const best = scene.optimum === null ? "" : `, ${Number.isFinite(summit(frame)) ? `largest effect at ${summit(frame).toFixed(0)} mg` : "no largest effect"}; the true one is ${scene.optimum.toFixed(0)} mg`;
    const text = `Epoch ${frame.epoch}: loss ${figure(frame.loss)}, ${fit}${best}.`;
    this.$("said").textContent = this.playing ? text : `Paused. ${text}`;
    const label = (name, words) => this.canvas[name].setAttribute("aria-label", words);
    const stuck = (state) => (frame.state ?? []).reduce((n, s) => n + (s === state), 0);
    label("output", scene.dimensions === 2 ? `The network's output over ${scene.xLabel} and ${scene.x2Label} as colours, with the data points. ${text}` : `${scene.yLabel} against ${scene.xLabel}, with the data and the network's curve. ${text}`);
    label("net", `Network with layers of ${scene.sizes.join(", ")} units; edge colour is the weight's sign, width its size; in every unit its output over the input. ${stuck(1)} units saturated, ${stuck(2)} dead.`);
    label("loss", `Loss from epoch 0 to ${frame.epoch}: now ${figure(frame.loss)}.`);
    label("sizes", `Gradient size of each layer from epoch 0 to ${frame.epoch}, log scale.`);
    label("now", `Gradient size by layer: ${[...frame.gradient].map(small).join(", ")}. Saturated share of hidden layers: ${[...(frame.saturation ?? [])].map((s) => Math.round(100 * s) + " percent").join(", ")}.`);
    this.hands.label();
  }

  close() {
    super.close();
    clearTimeout(this.again);
  }
}

function fitness(r2) { return !Number.isFinite(r2) ? "–" : Math.abs(r2) < 1000 ? r2.toFixed(3).replace(/^-(?=0\.000$)/, "").replace("-", "−") : figure(r2); }

export default function ({ data, parentElement, setTriggerValue }) {
  const live = (parentElement.live ??= new Live(parentElement));
  live.send = setTriggerValue;
  live.ink = inks(parentElement.querySelector(".live"));
  if (data instanceof Uint8Array) live.open(data);
  if (live.scene) { live.legend(); live.draw(); }
  return () => { live.close(); delete parentElement.live; };
}
