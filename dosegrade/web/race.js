// The race: every lane shows the same epoch. A message is a list of parts, each with its length (uint32) before it: a JSON header, then a
// live message for each lane. A lane that has diverged sends no more frames and keeps its last picture; the others go on.

const COLOURS = { light: ["#0067a5", "#c94f00", "#00775a", "#9b3376"], dark: ["#5fb4ee", "#f0a63c", "#35c79a", "#e592c8"] }; // told apart by the colour-blind

function parted(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), parts = [];
  for (let at = 0; at < bytes.byteLength;) { const n = view.getUint32(at, true); parts.push(bytes.slice(at + 4, at + 4 + n)); at += 4 + n; }
  return { head: JSON.parse(new TextDecoder().decode(parts[0])), lanes: parts.slice(1).map(decode) };
}

class Race extends Player {
  constructor(root) {
    super(root, "race");
    this.lanes = [];
    this.common = root.querySelector(".common canvas");
    this.resized.observe(this.common);
  }

  read(bytes) { return parted(bytes); }

  receive({ head, lanes }) {
    if (this.known(head)) return;
    const changed = head.gen !== this.gen, anew = this.gen < 0;
    if (changed) { this.halt(false); Object.assign(this, { queue: [], history: [], cursor: -1 }); }
    Object.assign(this, { gen: head.gen, seq: head.seq, stop: head.stop, note: head.note, asked: 0 });
    this.scenes = lanes.map((lane) => lane.scene);
    this.finals = lanes.map((lane) => lane.frames.at(-1) ?? null);
    if (changed) { this.build(); this.$("unlike").hidden = !head.unlike; }
    const rows = Array.from({ length: Math.max(...lanes.map((lane) => lane.frames.length)) }, (_, k) => {
      const row = lanes.map((lane) => lane.frames[k] ?? null), epoch = Math.max(...row.map((frame) => frame?.epoch ?? 0));
      return { epoch, lanes: row.map((frame) => (frame?.epoch === epoch ? frame : null)) };
    });
    this.queue.push(...this.news(rows));
    if (changed && this.queue.length) this.advance();
    this.draw();
    this.agree(head.playing, anew);
  }

  // A figure for each lane.
  build() {
    this.$("lanes").style.setProperty("--lanes", this.scenes.length);
    this.lanes.forEach(({ canvas }) => this.resized.unobserve(canvas));
    this.lanes = this.scenes.map((scene) => {
      const figure = document.createElement("figure");
      figure.innerHTML = '<header><h3><b></b><span></span></h3></header><dl><div><dt>Loss</dt><dd class="lost">–</dd></div><div><dt class="measure"></dt><dd class="fitness">–</dd></div></dl><canvas role="img"></canvas><p class="out" hidden></p>';
      const find = (name) => figure.querySelector(name), canvas = find("canvas");
      const [letter, ...rest] = scene.label.split(" · ");
      find("b").textContent = letter;
      find("span").textContent = rest.length ? ` ${rest.join(" · ")}` : "";
      find(".measure").textContent = scene.task === "classification" ? "Accuracy" : "R²";
      canvas.classList.toggle("plane", scene.dimensions === 2);
      this.resized.observe(canvas);
      return { figure, canvas, lost: find(".lost"), fitness: find(".fitness"), out: find(".out") };
    });
    this.$("lanes").replaceChildren(...this.lanes.map(({ figure }) => figure));
    this.paints();
  }

  paints() {
    const [r, g, b] = rgb(this.ink.back), colours = COLOURS[r + g + b > 384 ? "light" : "dark"];
    this.inks = this.lanes.map((_, i) => ({ ...this.ink, fit: colours[i] }));
    this.lanes.forEach(({ figure }, i) => figure.style.setProperty("--ink", colours[i]));
  }

  // What a lane shows: its frame, or the last one before it diverged.
  frameOf(lane) { return this.shown.lanes[lane] ?? this.finals[lane]; }

  parts(row) { return row.lanes.filter(Boolean); }

  dear(row, next) { return row.lanes.some((frame, lane) => frame && !next?.lanes[lane]); }

  draw() {
    this.stepped();
    if (!this.shown || !this.ink) return;
    drawRace(this.common, this.ink, this);
    this.lanes.forEach((lane, i) => this.drawLane(lane, i));
    this.$("epoch").textContent = this.shown.epoch.toLocaleString("en");
    Object.assign(this.box.dataset, { epoch: this.shown.epoch, gen: this.gen, painted: ++this.painted });
    this.place();
    this.say(!this.playing);
  }

  drawLane({ canvas, lost, fitness, out }, i) {
    const frame = this.frameOf(i), scene = this.scenes[i];
    const sheet = paper(canvas);
    if (!frame || !sheet.w || !sheet.h) return;
    if (scene.dimensions === 2) drawPlane(canvas, sheet, this.inks[i], scene, frame);
    else drawThrough(canvas, sheet, this.inks[i], scene, frame);
    lost.textContent = figure(frame.loss);
    fitness.textContent = told(scene, frame);
    const gone = !this.shown.lanes[i];
    out.hidden = !gone;
    if (gone) out.textContent = `Diverged after epoch ${frame.epoch.toLocaleString("en")}: its steps are too large. Shown is the last epoch that had a loss.`;
  }

  say(now) {
    if (!this.due(now)) return;
    const words = this.scenes.map((scene, i) => {
      const frame = this.frameOf(i);
      return `${scene.label}: ${this.shown.lanes[i] ? "" : `diverged after epoch ${frame.epoch}, `}loss ${figure(frame.loss)}, ${scene.task === "classification" ? "accuracy" : "R squared"} ${told(scene, frame)}`;
    });
    const text = `Epoch ${this.shown.epoch}. ${words.join("; ")}.`;
    this.$("said").textContent = this.playing ? text : `Paused. ${text}`;
    this.common.setAttribute("aria-label", `Loss of every lane from epoch 0 to ${this.shown.epoch}. ${words.join("; ")}.`);
    this.lanes.forEach(({ canvas }, i) => canvas.setAttribute("aria-label", `Output of lane ${words[i]}`));
  }
}

function told(scene, frame) {
  if (scene.task === "classification") return Number.isFinite(frame.accuracy) ? `${(100 * frame.accuracy).toFixed(1)} %` : "–";
  return !Number.isFinite(frame.r2) ? "–" : Math.abs(frame.r2) < 1000 ? frame.r2.toFixed(3).replace(/^-(?=0\.000$)/, "").replace("-", "−") : figure(frame.r2);
}

// The network's curve through the data, small.
function drawThrough(canvas, sheet, ink, scene, frame) {
  const { ctx, w, h } = sheet, box = { left: 38, top: 20, wide: w - 52, high: h - 60 };
  const { picture, X, Y } = curveGround(canvas, sheet, ink, scene, box);
  ctx.drawImage(picture, 0, 0, w, h);
  ctx.save();
  ctx.beginPath(); ctx.rect(box.left - 4, box.top - 4, box.wide + 8, box.high + 8); ctx.clip();
  path(ctx, scene.curve.length, (i) => X(scene.curve[i]), (i) => Y(frame.curve[i])); line(ctx, ink.fit, 3);
  ctx.restore();
}

// The network's surface under the data, small: no axes, no bar.
function drawPlane(canvas, { ctx, w, h }, ink, scene, frame) {
  const { middle, reach } = tones(scene), tone = (v) => Math.max(1, Math.min(255, Math.round(128 + (127 * (v - middle)) / reach)));
  const { x1: across, x2: up } = scene.bounds, n = Math.round(Math.sqrt(frame.surface.length)), step = w / (n - 1);
  const box = { left: 0, top: 0, wide: w, high: h };
  ctx.drawImage(mapOf(canvas, ink, frame.surface, n, tone), -step / 2, -step / 2, n * step, n * step);
  if (scene.task === "classification") boundary(ctx, ink, frame.surface, n, middle, box, step);
  const points = kept(canvas, "points", `${scene.gen} ${ink.serial}`, w, h, (over) => {
    const classes = scene.task === "classification", r = Math.max(1.6, w / 95);
    scene.x.forEach((x, k) => {
      const upper = classes && scene.y[k] > middle, color = classes ? (upper ? ink.plus : ink.minus) : pixel(ink, tone(scene.y[k]));
      dot(over, ink, ((x - across[0]) / (across[1] - across[0])) * w, h - ((scene.x2[k] - up[0]) / (up[1] - up[0])) * h, r, color, { diamond: upper });
    });
    over.beginPath(); over.rect(0, 0, w, h); line(over, ink.line, 1.5);
    return {};
  });
  ctx.drawImage(points.picture, 0, 0, w, h);
}

// All losses in one picture, each line with its name at its end. A line that leaves all bounds leaves the picture at the top.
function drawRace(canvas, ink, race) {
  const sheet = paper(canvas), { ctx, w, h } = sheet, { history, cursor, log, scenes } = race;
  if (!w || !h) return;
  const value = (v) => (log ? Math.log10(Math.max(v, 1e-12)) : v);
  const first = Math.max(...history[0].lanes.map((frame) => frame?.loss ?? 0).filter(Number.isFinite), 1e-12);
  let low = Infinity, high = -Infinity;
  for (let k = 0; k <= cursor; k++) for (const frame of history[k].lanes) if (frame && Number.isFinite(frame.loss)) { low = Math.min(low, frame.loss); high = Math.max(high, frame.loss); }
  if (Number.isFinite(low)) { low = value(low); high = value(high); } else { low = log ? -1 : 0; high = 1; }
  const top = log ? Math.ceil(Math.log10(first)) + 1 : 3 * first;
  if (log) { low = Math.floor(low); high = Math.min(Math.max(Math.ceil(high), low + 1), Math.max(top, low + 1)); } else { low = Math.min(0, low); high = Math.min(high * 1.05, top) || 1; }
  const phone = w < 520;
  ctx.font = `650 12.5px ${race.ink.font}`;
  const room = phone ? 34 : Math.min(0.34 * w, 34 + Math.max(...scenes.map((scene) => ctx.measureText(`${scene.label}, diverged`).width)));
  const end = lasting(history[cursor].epoch), box = { left: 46, top: 12, wide: w - 52 - room, high: h - 40 };
  const { picture, X, Y } = grid(canvas, sheet, ink, box, end, [low, high], ticks(0, end, phone ? 3 : 6), log ? powers(low, high) : ticks(low, high, 4), log ? power : rough);
  const within = (y) => Math.max(box.top - 3, y); // what leaves all bounds runs along the top
  const lines = scenes.map((_, i) => ({ x: (row) => X(row.epoch), y: (row) => (row.lanes[i] ? within(Y(value(row.lanes[i].loss))) : NaN), color: race.inks[i].fit, width: 2.75 }));
  trails(canvas, sheet, `${race.gen} ${lines.length}`, picture, history, cursor, lines);
  const names = scenes.map((scene, i) => {
    const frame = race.frameOf(i), out = !history[cursor].lanes[i];
    const x = frame ? X(frame.epoch) : box.left, y = frame && Number.isFinite(frame.loss) ? within(Y(value(frame.loss))) : box.top;
    if (out) cross(ctx, race.inks[i].fit, x, Math.max(y, box.top + 3));
    return { i, x, y: Math.min(box.top + box.high, Math.max(box.top + 4, y)), out, text: phone ? scene.letter : scene.label + (out ? ", diverged" : "") };
  });
  labels(ctx, race, names, box, room, phone);
}

function cross(ctx, color, x, y) {
  ctx.beginPath();
  ctx.moveTo(x - 5, y - 5); ctx.lineTo(x + 5, y + 5); ctx.moveTo(x - 5, y + 5); ctx.lineTo(x + 5, y - 5);
  line(ctx, color, 2.5);
}

// Names beside the ends of their lines, pushed apart where they would cover each other.
function labels(ctx, race, names, box, room, phone) {
  const gap = 17, sorted = [...names].sort((a, b) => a.y - b.y);
  sorted.forEach((name, k) => { name.at = Math.max(name.y, k ? sorted[k - 1].at + gap : box.top + 4); });
  for (let k = sorted.length - 1, below = box.top + box.high + gap; k >= 0; k--) below = sorted[k].at = Math.min(sorted[k].at, below - gap);
  const x = box.left + box.wide + 16;
  for (const { i, y, at, out, text, x: end } of sorted) {
    const color = race.inks[i].fit;
    if (!out && end > box.left) { ctx.beginPath(); ctx.moveTo(end + 2, y); ctx.lineTo(x - 5, at); ctx.globalAlpha = 0.55; line(ctx, color, 1); ctx.globalAlpha = 1; }
    ctx.fillStyle = color;
    ctx.save();
    ctx.beginPath(); ctx.rect(x - 2, at - 12, room - 12, 20); ctx.clip();
    write(ctx, race.ink, text, x, at + 4, { size: phone ? 13 : 12.5, weight: 650 });
    ctx.restore();
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const race = (parentElement.race ??= new Race(parentElement));
  race.send = setTriggerValue;
  race.ink = inks(parentElement.querySelector(".race"));
  if (race.lanes.length) race.paints();
  if (data instanceof Uint8Array) race.open(data);
  race.draw();
  return () => { race.close(); delete parentElement.race; };
}
