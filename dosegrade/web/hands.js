// What a hand can do in the pictures: read a weight, change it, choose a unit and a data point.

const NEAR = 7, FINGER = 14;   // px from an edge or a point
const MOST_VALUE = 1e6;

class Hands {
  constructor(live) {
    this.live = live;
    this.$ = live.$;
    Object.assign(this, { over: null, chosen: null, point: null, editing: null, stood: -1 });
    const net = this.$("net").querySelector("canvas"), out = this.$("output").querySelector("canvas");
    Object.assign(this, { net, out });
    net.onpointermove = (event) => this.look(event);
    net.onpointerleave = () => this.leave();
    net.onclick = (event) => { this.look(event); if (this.over?.edge) this.open(this.over.edge, this.at(event)); };
    out.onpointermove = (event) => this.read(event);
    out.onpointerleave = () => this.hush();
    out.onclick = (event) => this.take(event);
    this.$("spots").onkeydown = (event) => this.move(event);
    this.$("edit").onsubmit = (event) => { event.preventDefault(); this.commit(); };
    this.$("edit").onkeydown = (event) => { if (event.key === "Escape") { event.preventDefault(); this.close(); } event.stopPropagation(); };
    this.$("shut").onclick = () => this.choose(null);
    this.$("fore").onclick = () => this.choosePoint(this.point - 1);
    this.$("next").onclick = () => this.choosePoint(this.point + 1);
  }

  // A new network: what was chosen in the old one is gone.
  fresh() {
    Object.assign(this, { over: null, chosen: null, point: null });
    this.$("picked").hidden = true;
    this.close();
    this.hush();
  }

  get mark() { return this.over?.edge || this.chosen ? { edge: this.over?.edge, chosen: this.chosen } : null; }

  // Words

  name(layer, unit) {
    const { sizes, features } = this.live.scene;
    if (layer === 0) return features[unit];
    return layer === sizes.length - 1 ? "output" : `hidden ${layer}, unit ${unit + 1}`;
  }

  edgeName({ layer, from, to, bias }) { return bias ? `Bias of ${this.name(layer, to)}` : `Weight from ${this.name(layer - 1, from)} to ${this.name(layer, to)}`; }

  unitState(u) {
    const state = this.live.shown.state?.[u.order];
    return state === 2 ? "Dead: its gradient is zero at every training point, so it learns nothing." : state === 1 ? "Saturated: on the flat part of its activation at almost all points, hardly any gradient comes through." : "";
  }

  // The pointer on the diagram

  at(event) {
    const box = this.$("live").getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  look(event) {
    if (!this.net.plan || !this.live.shown) return;
    const box = this.net.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    const reach = event.pointerType === "touch" ? FINGER : NEAR;
    let best = null, least = reach;
    for (const edge of this.net.plan.edges) {
      const d = distance(edge, x, y);
      if (d < least) { least = d; best = edge; }
    }
    const was = this.over?.edge;
    this.over = best && { edge: best };
    this.where = this.at(event);
    this.net.style.cursor = best ? "pointer" : "";
    this.tell();
    if (best !== was && !this.live.playing) this.live.draw();
  }

  leave() {
    const was = this.over;
    this.over = null;
    this.hush();
    if (was && !this.live.playing) this.live.draw();
  }

  // The tip follows the values while they change.
  tell() {
    const { edge, unit } = this.over ?? {};
    if (!edge && !unit) return this.hush();
    const theta = this.live.shown.theta;
    if (edge) return this.tip(`${this.edgeName(edge)}: `, `${figure(theta[edge.index])}`, "Press to change it.");
    const name = this.name(unit.layer, unit.unit);
    return this.tip(`${name[0].toUpperCase()}${name.slice(1)}, bias `, figure(theta[unit.index]), this.unitState(unit) || (unit === this.chosen ? "" : "Press to see how it computes."));
  }

  tip(words, value, more = "") {
    const tip = this.$("tip"), text = `${words}${value} ${more}`;
    if (tip.dataset.text !== text) {
      tip.dataset.text = text;
      tip.replaceChildren(words, Object.assign(document.createElement("b"), { textContent: value }));
      if (more) tip.append(Object.assign(document.createElement("small"), { textContent: more }));
    }
    tip.hidden = false;
    this.place(tip, this.where, 14);
  }

  hush() { this.$("tip").hidden = true; }

  // Near a spot of the view, inside it.
  place(box, { x, y }, room) {
    const wide = this.$("live").clientWidth, left = Math.max(0, Math.min(wide - box.offsetWidth, x + room));
    const top = y - box.offsetHeight - room > 0 ? y - box.offsetHeight - room : y + room;
    Object.assign(box.style, { left: `${left}px`, top: `${top}px` });
  }

  // Units as buttons over the canvas: one stop for the Tab key, arrows from unit to unit.
  spots() {
    const plan = this.net.plan, group = this.$("spots");
    if (!plan || plan === this.laid) return;
    this.laid = plan;
    const before = [...group.children], held = before.findIndex((spot) => spot.matches(":focus"));
    const first = Math.max(0, held >= 0 ? held : before.findIndex((spot) => spot.tabIndex === 0)), at = Math.min(first, plan.units.length - 1);
    group.replaceChildren(...plan.units.map((u, i) => {
      const spot = Object.assign(document.createElement("button"), { type: "button", tabIndex: i === at ? 0 : -1, unit: u });
      Object.assign(spot.style, { left: `${u.x - u.side / 2}px`, top: `${u.y - u.side / 2}px`, width: `${u.side}px`, height: `${u.side}px` });
      spot.dataset.unit = `${u.layer}.${u.unit}`;
      const show = () => {
        const box = spot.getBoundingClientRect(), host = this.$("live").getBoundingClientRect();
        Object.assign(this, { over: { unit: u }, where: { x: box.right - host.left - 6, y: box.top - host.top } });
        this.tell();
      };
      spot.onpointerenter = show;
      spot.onfocus = () => { if (spot.matches(":focus-visible")) show(); };
      spot.onpointerleave = spot.onblur = () => this.leave();
      spot.onclick = () => this.choose(u);
      return spot;
    }));
    if (held >= 0) group.children[at].focus(); // another width is no reason to lose one's place
    this.label();
  }

  label() {
    for (const spot of this.$("spots").children) {
      const text = `${this.name(spot.unit.layer, spot.unit.unit)}. ${this.unitState(spot.unit)}`;
      if (spot.getAttribute("aria-label") !== text) spot.setAttribute("aria-label", text);
      spot.setAttribute("aria-pressed", this.chosen?.index === spot.unit.index);
    }
  }

  move(event) {
    const [dl, du] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    const spots = [...this.$("spots").children], now = spots.find((spot) => spot === event.target);
    if (dl === undefined || !now) return;
    event.preventDefault();
    const { layer, unit } = now.unit, peers = spots.filter((spot) => spot.unit.layer === layer + dl);
    const next = peers[Math.max(0, Math.min(peers.length - 1, dl ? Math.round((unit * (peers.length - 1)) / Math.max(1, this.net.plan.columns[layer].length - 1)) : unit + du))];
    if (!next) return;
    for (const spot of spots) spot.tabIndex = spot === next ? 0 : -1;
    next.focus();
  }

  // Choosing a unit, and the data point for its arithmetic

  choose(unit) {
    const { live } = this;
    this.chosen = unit;
    if (unit && this.point === null) this.point = Math.floor(live.scene.x.length / 3);
    this.panel();
    this.label();
    live.draw();
    this.inspect();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (unit) this.$("picked").scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" }); // and the sum below it
  }

  choosePoint(point) {
    const n = this.live.scene.x.length;
    this.point = (point + n) % n;
    this.panel();
    this.live.draw();
    if (this.chosen) this.inspect();
  }

  inspect() {
    const { live, chosen } = this;
    if (live.playing) live.halt();
    live.order("inspect", chosen ? { layer: chosen.layer, unit: chosen.unit, point: this.point } : { layer: 0, unit: 0, point: 0 });
  }

  panel() {
    const { chosen, live } = this, box = this.$("picked");
    box.hidden = !chosen;
    if (!chosen) return;
    this.listedAt = performance.now();
    const name = this.name(chosen.layer, chosen.unit);
    this.$("which").textContent = name[0].toUpperCase() + name.slice(1);
    this.$("nth").textContent = `data point ${this.point + 1} of ${live.scene.x.length}`;
    const edges = this.net.plan.edges.filter((e) => e.layer === chosen.layer && e.to === chosen.unit);
    const bias = { layer: chosen.layer, to: chosen.unit, index: chosen.index, bias: true };
    const all = [...edges, bias];
    if (this.listed !== this.net.plan || this.listedFor !== chosen) {
      Object.assign(this, { listed: this.net.plan, listedFor: chosen });
      this.$("weights").replaceChildren(...all.map((edge) => {
        const item = Object.assign(document.createElement("button"), { type: "button", edge });
        item.append(edge.bias ? "bias" : this.name(edge.layer - 1, edge.from).replace(/^hidden \d+, /, ""), document.createElement("b"));
        item.onfocus = item.onpointerenter = () => { this.over = edge.bias ? null : { edge }; live.draw(); };
        item.onblur = item.onpointerleave = () => { this.over = null; live.draw(); };
        item.onclick = () => { const r = item.getBoundingClientRect(), host = this.$("live").getBoundingClientRect(); this.open(edge, { x: r.left - host.left, y: r.top - host.top }); };
        return item;
      }));
    }
    for (const item of this.$("weights").children) {
      const text = figure(live.shown.theta[item.edge.index]);
      if (item.lastChild.textContent !== text) { item.lastChild.textContent = text; item.setAttribute("aria-label", `${this.edgeName(item.edge)}: ${text}`); }
    }
  }

  // Changing a weight

  open(edge, where) {
    const { live } = this, form = this.$("edit"), field = form.querySelector("input");
    this.resume = live.playing;
    if (live.playing) { live.halt(); live.report(); }
    this.back = live.root.getRootNode?.().activeElement ?? null;
    this.editing = edge;
    this.before = `${+live.shown.theta[edge.index].toPrecision(6)}`;
    form.querySelector("label").textContent = this.edgeName(edge);
    this.$("why").textContent = "";
    field.value = this.before;
    form.hidden = false;
    this.hush();
    this.place(form, where, 8);
    field.focus();
    field.select();
  }

  commit() {
    const field = this.$("edit").querySelector("input"), text = field.value.trim().replace("−", "-").replace(",", "."), value = Number(text);
    if (!text || !Number.isFinite(value) || Math.abs(value) > MOST_VALUE) {
      this.$("why").textContent = `Found ${text ? `“${field.value.trim().slice(0, 20)}”` : "nothing"}, expected a number from −1,000,000 to 1,000,000. Type for example 0.5; Esc leaves it as it was.`;
      field.setAttribute("aria-invalid", "true");
      return;
    }
    const edge = this.editing, same = text === this.before;
    this.close(same);
    if (!same) this.live.edit(edge.index, value, this.live.shown.epoch, this.resume);
  }

  close(again = true) {
    const form = this.$("edit");
    if (form.hidden) return;
    form.hidden = true;
    form.querySelector("input").removeAttribute("aria-invalid");
    this.editing = null;
    this.back?.focus?.({ preventScroll: true });
    if (again && this.resume) this.live.play();
  }

  // The pointer on the output

  read(event) {
    const { live, out } = this, frame = live.shown, spots = out.spots;
    if (!frame || !spots) return;
    const box = out.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top, { scene } = live;
    this.where = this.at(event);
    if (scene.dimensions === 2) {
      const { box: b } = spots, n = Math.round(Math.sqrt(frame.surface.length));
      const i = Math.round(((x - b.left) / b.wide) * (n - 1)), j = Math.round((1 - (y - b.top) / b.high) * (n - 1));
      if (i < 0 || j < 0 || i >= n || j >= n) return this.hush();
      const [u, v] = ["x1", "x2"].map((axis, k) => scene.bounds[axis][0] + ((k ? j : i) / (n - 1)) * (scene.bounds[axis][1] - scene.bounds[axis][0]));
      return this.tip(`${scene.xLabel} ${short(u)}, ${scene.x2Label} ${short(v)}: `, figure(frame.surface[j * n + i]));
    }
    const n = frame.curve.length, [low, high] = [spots.X(scene.curve[0]), spots.X(scene.curve[n - 1])];
    const i = Math.round(((x - low) / (high - low)) * (n - 1));
    if (i < 0 || i >= n) return this.hush();
    return this.tip(`${scene.xLabel} ${plain(scene.curve[i])}: `, figure(frame.curve[i]), scene.truth ? `true ${figure(scene.truth[i])}` : "");
  }

  take(event) {
    const { live, out } = this, { scene } = live, box = out.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    if (!out.spots) return;
    let best = -1, least = 2 * FINGER;
    scene.x.forEach((v, i) => {
      const d = Math.hypot(out.spots.X(v) - x, out.spots.Y(scene.dimensions === 2 ? scene.x2[i] : scene.y[i]) - y);
      if (d < least) { least = d; best = i; }
    });
    if (best < 0) return;
    if (live.playing) { live.halt(); live.report(); }
    this.choosePoint(best);
  }

  drawn() {
    this.spots();
    if (this.over && !this.$("tip").hidden) this.tell();
    if (this.chosen && !(this.live.playing && performance.now() - this.listedAt < 300)) this.panel();
  }
}

function distance({ a, b }, x, y) {
  const half = a.side / 2, ax = a.x + half, bx = b.x - half, dx = bx - ax, dy = b.y - a.y;
  const t = ((x - ax) * dx + (y - a.y) * dy) / (dx * dx + dy * dy);
  return t < -0.02 || t > 1.02 ? Infinity : Math.hypot(x - ax - t * dx, y - a.y - t * dy);
}
