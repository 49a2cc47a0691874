// The landscape: a map of the cost, the recorded paths played on it, the costs beside. Nothing is computed here but colours and places.

const LASTS = 4500;      // ms for a whole path
const CALM = 12;         // pictures of a path where motion is not wanted, four a second
const BANDS = 22;
const POWER = 1 / 3;     // low ground gets more contour lines than high ground
const TURN = -0.62;       // how the relief is turned at first
const ROOM = { left: 46, right: 10, top: 8, bottom: 38 };

function floats(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}

const nice = (value) => (value === 0 ? "0" : Math.abs(value) >= 1e4 || Math.abs(value) < 1e-3 ? value.toExponential(1) : `${+value.toPrecision(3)}`).replace("-", "−");

class Land {
  constructor(root) {
    this.root = root;
    this.$ = (name) => root.querySelector(name);
    this.map = this.$(".map canvas");
    this.chart = this.$(".cost canvas");
    this.frame = 0;
    this.playing = false;
    this.calm = window.matchMedia("(prefers-reduced-motion: reduce)");
    this.$(".play").onclick = () => (this.playing ? this.halt() : this.play());
    this.$(".past").oninput = (event) => { this.halt(); this.show(+event.target.value); };
    this.map.onclick = (event) => { if (!this.relief) this.press(event); };
    this.turn = TURN;
    this.$(".form").onclick = (event) => { const chosen = event.target.closest("button"); if (chosen) this.shape(chosen.value === "relief"); };
    this.map.onpointerdown = (event) => { if (this.relief) { this.held = { x: event.clientX, turn: this.turn }; this.map.setPointerCapture(event.pointerId); } };
    this.map.onpointermove = (event) => { if (this.held) this.rotate(this.held.turn + (event.clientX - this.held.x) / 160); };
    this.map.onpointerup = this.map.onpointercancel = () => { this.held = null; };
    this.map.onkeydown = (event) => {
      const step = { ArrowLeft: -0.12, ArrowRight: 0.12 }[event.key];
      if (this.relief && step) { event.preventDefault(); this.rotate(this.turn + step); }
    };
    this.seen = new ResizeObserver(() => this.draw());
    this.seen.observe(this.map);
    this.seen.observe(this.chart);
  }

  take(data, send) {
    this.send = send;
    const news = data.id !== this.id;
    if (news) {
      this.id = data.id;
      this.data = data;
      this.grid = floats(data.grid);
      this.walkers = data.walkers.map((w) => ({ ...w, points: floats(w.points), costs: floats(w.costs) }));
      this.ground = null;
      this.hills = new Relief(this.grid, data.side, data.across, data.along);
      this.$(".past").max = data.updates;
    }
    this.inks();
    this.legend();
    if (news) this.playing || this.pressed ? this.play() : this.show(data.updates);
    else this.draw();
    this.pressed = false;
  }

  inks() {
    const ink = inks(this.root);
    ink.of = { gd: ink.text, sgd: ink.fit, mini: ink.warn, momentum: ink.plus, adam: ink.deep };
    if (this.ink && this.ink.back !== ink.back) this.ground = null;
    this.root.style.setProperty("--hill", ink.muted);
    this.ink = ink;
  }

  legend() {
    this.$(".walkers").replaceChildren(...this.walkers.map((w) => {
      const item = document.createElement("li");
      item.style.setProperty("--ink", this.ink.of[w.name]);
      item.innerHTML = "<i></i><span></span><b></b>";
      item.querySelector("span").append(w.title, Object.assign(document.createElement("small"), { textContent: w.note }));
      return item;
    }));
  }

  shape(relief) {
    this.relief = relief;
    for (const button of this.$(".form").children) button.setAttribute("aria-pressed", (button.value === "relief") === relief);
    this.root.dataset.form = relief ? "relief" : "map";
    this.map.tabIndex = relief ? 0 : -1;
    this.$(".how").textContent = relief ? "Drag, or press the left and right arrow keys, to turn it. Heights are compressed towards the top." : "Press anywhere to start from there.";
    this.say();
    this.draw();
  }

  rotate(turn) {
    this.turn = turn;
    this.draw();
  }

  play() {
    this.playing = true;
    const from = this.frame >= this.data.updates || this.pressed ? 0 : this.frame;
    const begin = performance.now() - (from / this.data.updates) * LASTS;
    this.buttons();
    cancelAnimationFrame(this.next);
    clearTimeout(this.later);
    const tick = () => {
      if (!this.playing) return;
      const share = (performance.now() - begin) / LASTS;
      this.show(Math.min(this.data.updates, Math.floor(share * this.data.updates)));
      if (share >= 1) return this.halt();
      this.next = requestAnimationFrame(tick);
    };
    const hop = (at) => {
      if (!this.playing) return;
      this.show(Math.min(this.data.updates, at));
      if (at >= this.data.updates) return this.halt();
      this.later = setTimeout(() => hop(at + Math.ceil(this.data.updates / CALM)), 250);
    };
    this.calm.matches ? hop(from) : tick();
  }

  halt() {
    this.playing = false;
    cancelAnimationFrame(this.next);
    clearTimeout(this.later);
    this.buttons();
    this.say();
  }

  buttons() {
    const button = this.$(".play");
    button.innerHTML = this.playing ? PAUSE : PLAY;
    button.setAttribute("aria-pressed", this.playing);
  }

  show(frame) {
    this.frame = frame;
    this.$(".past").value = frame;
    this.$(".count").textContent = `${frame} of ${this.data.updates}`;
    this.root.dataset.frame = frame;
    this.root.dataset.id = this.id;
    this.$(".walkers").querySelectorAll("b").forEach((cell, i) => { cell.textContent = nice(this.walkers[i].costs[frame]); });
    this.draw();
    if (!this.playing) { this.buttons(); this.say(); }
  }

  say() {
    const told = this.walkers.map((w) => `${w.title} at ${this.data.axes[0]} ${nice(w.points[2 * this.frame])}, ${this.data.axes[1]} ${nice(w.points[2 * this.frame + 1])}, cost ${nice(w.costs[this.frame])}`);
    const text = `After update ${this.frame}: ${told.join("; ") || "nobody walks"}.`;
    this.$(".said").textContent = text;
    this.map.setAttribute("aria-label", `${this.data.told} ${text}`);
    this.chart.setAttribute("aria-label", `Cost against update, log scale. ${text}`);
  }

  press(event) {
    const box = this.map.getBoundingClientRect();
    const { across, along } = this.data;
    const u = across[0] + ((event.clientX - box.left - ROOM.left) / (box.width - ROOM.left - ROOM.right)) * (across[1] - across[0]);
    const v = along[1] - ((event.clientY - box.top - ROOM.top) / (box.height - ROOM.top - ROOM.bottom)) * (along[1] - along[0]);
    if (u < across[0] || u > across[1] || v < along[0] || v > along[1]) return;
    this.halt();
    this.pressed = true;
    this.send("start", { u, v, at: Date.now() });
  }

  paper(canvas) {
    const sheet = paper(canvas);
    sheet.ctx.font = `12px ${this.ink.font}`;
    return sheet;
  }

  draw() {
    if (!this.data || !this.map.clientWidth) return;
    this.relief ? this.drawRelief() : this.drawMap();
    this.drawCosts();
  }

  // Contour bands, interpolated between the points of the grid; drawn once and kept.
  terrain(wide, high) {
    const { side } = this.data, g = this.grid;
    let low = Infinity, top = -Infinity;
    for (const z of g) { if (z < low) low = z; if (z > top) top = z; }
    const back = rgb(this.ink.back), hill = rgb(this.ink.muted);
    const band = (px, py) => {
      const x = (px / (wide - 1)) * (side - 1), y = (1 - py / (high - 1)) * (side - 1);
      const i = Math.min(side - 2, Math.floor(x)), j = Math.min(side - 2, Math.floor(y)), a = x - i, b = y - j, at = j * side + i;
      const z = (g[at] * (1 - a) + g[at + 1] * a) * (1 - b) + (g[at + side] * (1 - a) + g[at + side + 1] * a) * b;
      return Math.min(BANDS - 1, Math.floor(((z - low) / (top - low || 1)) ** POWER * BANDS));
    };
    const canvas = Object.assign(document.createElement("canvas"), { width: wide, height: high });
    const ctx = canvas.getContext("2d"), image = ctx.createImageData(wide, high);
    let above = new Uint8Array(wide);
    for (let py = 0; py < high; py++) {
      const row = new Uint8Array(wide);
      for (let px = 0; px < wide; px++) row[px] = band(px, py);
      for (let px = 0; px < wide; px++) {
        const edge = (px && row[px - 1] !== row[px]) || (py && above[px] !== row[px]);
        const share = 0.03 + 0.62 * (row[px] / (BANDS - 1)) + (edge ? 0.16 : 0), at = 4 * (py * wide + px);
        for (let c = 0; c < 3; c++) image.data[at + c] = back[c] + share * (hill[c] - back[c]);
        image.data[at + 3] = 255;
      }
      above = row;
    }
    ctx.putImageData(image, 0, 0);
    return { canvas, wide, high };
  }

  drawRelief() {
    const { ctx, w, h } = this.paper(this.map);
    this.hills.draw(ctx, w, h, this.turn, this.ink, this.walkers, this.frame, this.data.axes);
  }

  drawMap() {
    const { ctx, w, h, ratio } = this.paper(this.map), { across, along, axes } = this.data;
    const W = w - ROOM.left - ROOM.right, H = h - ROOM.top - ROOM.bottom;
    const wide = Math.round(W * ratio), high = Math.round(H * ratio);
    if (!this.ground || this.ground.wide !== wide || this.ground.high !== high) this.ground = this.terrain(wide, high);
    ctx.drawImage(this.ground.canvas, ROOM.left, ROOM.top, W, H);
    const x = (u) => ROOM.left + ((u - across[0]) / (across[1] - across[0])) * W;
    const y = (v) => ROOM.top + ((along[1] - v) / (along[1] - along[0])) * H;
    this.axes(ctx, { x, y, W, H, across, along, axes });
    ctx.save();
    ctx.beginPath();
    ctx.rect(ROOM.left, ROOM.top, W, H);
    ctx.clip();
    for (const walker of this.walkers) this.trail(ctx, walker, x, y);
    const [u, v] = this.data.start;
    this.cross(ctx, x(u), y(v));
    for (const walker of this.walkers) this.head(ctx, walker, x, y);
    ctx.restore();
  }

  axes(ctx, { x, y, W, H, across, along, axes }) {
    ctx.fillStyle = this.ink.text;
    ctx.globalAlpha = 0.75;
    ctx.textAlign = "center";
    for (const u of ticks(...across, 5)) ctx.fillText(nice(u), x(u), ROOM.top + H + 16);
    ctx.textAlign = "right";
    for (const v of ticks(...along, 5)) ctx.fillText(nice(v), ROOM.left - 6, y(v) + 4);
    ctx.globalAlpha = 1;
    ctx.font = `600 13px ${this.ink.font}`;
    ctx.textAlign = "center";
    ctx.fillText(axes[0], ROOM.left + W / 2, ROOM.top + H + 33);
    ctx.save();
    ctx.translate(12, ROOM.top + H / 2);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(axes[1], 0, 0);
    ctx.restore();
  }

  trail(ctx, { name, points }, x, y) {
    ctx.beginPath();
    for (let k = 0; k <= this.frame; k++) ctx.lineTo(x(points[2 * k]), y(points[2 * k + 1]));
    for (const [color, width, alpha] of [[this.ink.back, 5, 0.65], [this.ink.of[name], 2.2, 1]]) {
      Object.assign(ctx, { strokeStyle: color, lineWidth: width, globalAlpha: alpha });
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  head(ctx, { name, points }, x, y) {
    ctx.beginPath();
    ctx.arc(x(points[2 * this.frame]), y(points[2 * this.frame + 1]), 6.5, 0, 7);
    Object.assign(ctx, { fillStyle: this.ink.of[name], strokeStyle: this.ink.back, lineWidth: 2 });
    ctx.fill();
    ctx.stroke();
  }

  cross(ctx, x, y) {
    for (const [color, width] of [[this.ink.back, 5], [this.ink.text, 2]]) {
      ctx.beginPath();
      ctx.moveTo(x - 7, y); ctx.lineTo(x + 7, y);
      ctx.moveTo(x, y - 7); ctx.lineTo(x, y + 7);
      Object.assign(ctx, { strokeStyle: color, lineWidth: width });
      ctx.stroke();
    }
  }

  drawCosts() {
    const { ctx, w, h } = this.paper(this.chart), left = 44, bottom = 22;
    const all = this.walkers.flatMap((walker) => [...walker.costs]).filter((z) => z > 0 && Number.isFinite(z));
    if (!all.length) return;
    const top = Math.min(Math.max(...all), 10 * Math.max(...this.walkers.map((walker) => walker.costs[0]))), low = Math.min(...all);
    const span = Math.log(top / low) || 1;
    const x = (k) => left + (k / this.data.updates) * (w - left - 8);
    const y = (z) => 8 + (1 - Math.min(1, Math.log(z / low) / span)) * (h - bottom - 14);
    Object.assign(ctx, { fillStyle: this.ink.text, globalAlpha: 0.75, textAlign: "right" });
    ctx.fillText(nice(top), left - 6, y(top) + 4);
    ctx.fillText(nice(low), left - 6, y(low) + 4);
    ctx.textAlign = "left";
    ctx.fillText("0", left, h - 5);
    ctx.textAlign = "right";
    ctx.fillText(`update ${this.data.updates}`, w - 8, h - 5);
    Object.assign(ctx, { strokeStyle: this.ink.line, lineWidth: 1, globalAlpha: 1 });
    ctx.strokeRect(left, 4, w - left - 8, h - bottom - 4);
    for (const { name, costs } of this.walkers) {
      ctx.beginPath();
      costs.forEach((z, k) => { if (z > 0) ctx.lineTo(x(k), y(z)); });
      Object.assign(ctx, { strokeStyle: this.ink.of[name], lineWidth: 2, globalAlpha: 0.95 });
      ctx.stroke();
    }
    ctx.beginPath();
    ctx.moveTo(x(this.frame), 4);
    ctx.lineTo(x(this.frame), h - bottom);
    Object.assign(ctx, { strokeStyle: this.ink.text, lineWidth: 1, globalAlpha: 0.6 });
    ctx.stroke();
    ctx.globalAlpha = 1;
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const root = parentElement.querySelector(".land");
  root.land ??= new Land(root);
  root.land.take(data, setTriggerValue);
  return () => { root.land?.halt(); root.land?.seen.disconnect(); root.land = null; };
}
