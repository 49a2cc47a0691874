// The network: a column for the inputs and one for each layer, in every unit a picture of what it gives out.

const MOST = 12; // units drawn in a layer

// Where units and edges are drawn: at most MOST units of a layer, the rest as "+n". `index` is the place of the weight in theta.
function planOf(canvas, ink, scene, w, h) {
  const key = `${scene.gen} ${w} ${h}`;
  if (canvas.plan?.key === key) return canvas.plan;
  const { sizes } = scene, top = 7, tall = h - 26 - top, ctx = canvas.getContext("2d");
  ctx.font = `11.5px ${ink.font}`;
  const named = Math.min(80, Math.max(...scene.features.slice(0, MOST).map((name) => ctx.measureText(name).width)));
  const most = Math.min(MOST, Math.max(...sizes)), across = (w - named) / sizes.length;
  const side = Math.max(9, Math.min(38, (0.74 * tall) / most, 0.62 * across)), left = named + 8 + side / 2, right = w - side / 2 - 6;
  const columns = sizes.map((size, l) => {
    const shown = Math.min(size, MOST), gap = Math.min(Math.max(92, 1.5 * side), tall / shown);
    const x = sizes.length > 1 ? left + (l * (right - left)) / (sizes.length - 1) : w / 2;
    return Array.from({ length: shown }, (_, i) => ({ x, y: top + tall / 2 + (i - (shown - 1) / 2) * gap, layer: l, unit: i, side }));
  });
  const edges = [], units = [];
  let before = 0; // hidden and output units of the layers before
  for (let l = 1; l < sizes.length; l++) {
    const { weights, biases, wide } = scene.places[l - 1], pieces = wide / sizes[l]; // of maxout, the first piece
    columns[l].forEach((to, j) => {
      units.push({ ...to, index: biases + j * pieces, order: before + j });
      columns[l - 1].forEach((from, i) => edges.push({ a: from, b: to, index: weights + i * wide + j * pieces, layer: l, from: i, to: j }));
    });
    before += sizes[l];
  }
  return (canvas.plan = { key, columns, edges, units, inputs: columns[0], side });
}

function drawNetwork(canvas, ink, scene, frame, mark, map) {
  const { ctx, w, h } = paper(canvas), { theta } = frame;
  if (!w || !h) return;
  const plan = planOf(canvas, ink, scene, w, h), numbers = theta.length <= 16 && plan.side > 24;
  let largest = 1;
  for (const v of theta) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
  const half = plan.side / 2;
  drawEdges(ctx, ink, plan, theta, largest, half);
  const atlas = atlasOf(canvas, ink, scene, frame, plan);
  const still = kept(canvas, "still", `${plan.key} ${ink.serial}`, w, h, (onto) => {
    for (const p of plan.inputs) unit(onto, ink, scene, p, scene.maps.subarray(p.unit * scene.patch, (p.unit + 1) * scene.patch), atlas, p.unit, null, 1);
    captions(onto, ink, scene, plan, h);
    return {};
  });
  ctx.drawImage(still.picture, 0, 0, w, h);
  for (const [k, u] of plan.units.entries()) {
    const values = frame.units.subarray(u.order * scene.patch, (u.order + 1) * scene.patch), state = frame.state?.[u.order] ?? 0;
    unit(ctx, ink, scene, u, values, atlas, plan.inputs.length + k, theta[u.index], largest, state);
    if (numbers) { ctx.fillStyle = ink.text; write(ctx, ink, `b ${short(theta[u.index])}`, u.x, u.y + half + 13, { size: 11, align: "center", alpha: 0.85, halo: true }); }
  }
  if (map && scene.dimensions === 2) { const { x, y, side } = plan.units.at(-1); ctx.drawImage(map, x - half + 2, y - half + 2, side - 4, side - 4); }
  if (numbers) for (const e of plan.edges) edgeNumber(ctx, ink, e, theta[e.index], (h - 19) / 2, half);
  if (mark) emphasis(ctx, ink, plan, mark, half);
}

const STRENGTHS = 10;

// Edges of one strength and sign in one stroke, the weak ones first: many single strokes are what costs most in the whole view.
function drawEdges(ctx, ink, plan, theta, largest, half) {
  const groups = Array.from({ length: 2 * STRENGTHS }, () => null);
  for (const e of plan.edges) {
    const weight = theta[e.index], share = Number.isFinite(weight) ? Math.abs(weight) / largest : 1;
    const way = (groups[2 * Math.round(share * (STRENGTHS - 1)) + (weight < 0)] ??= new Path2D());
    way.moveTo(e.a.x + half, e.a.y);
    way.lineTo(e.b.x - half, e.b.y);
  }
  groups.forEach((way, k) => {
    if (!way) return;
    const share = (k >> 1) / (STRENGTHS - 1);
    Object.assign(ctx, { globalAlpha: 0.22 + 0.78 * share, strokeStyle: k & 1 ? ink.minus : ink.plus, lineWidth: 0.7 + 5.3 * share });
    ctx.stroke(way);
  });
  ctx.globalAlpha = 1;
}

// The pictures of all drawn units under each other, made in one go.
function atlasOf(canvas, ink, scene, frame, plan) {
  if (scene.dimensions !== 2) return null;
  const n = Math.sqrt(scene.patch), count = plan.inputs.length + plan.units.length;
  if (canvas.atlas?.height !== n * count) { canvas.atlas = Object.assign(document.createElement("canvas"), { width: n, height: n * count }); canvas.tiles = null; }
  const ctx = canvas.atlas.getContext("2d");
  canvas.tiles ??= ctx.createImageData(n, n * count);
  const out = new Uint32Array(canvas.tiles.data.buffer), { ramp } = ink;
  const lay = (values, from, slot) => {
    for (let j = 0, k = from; j < n; j++) for (let i = 0, at = (slot * n + n - 1 - j) * n; i < n; i++) out[at++] = ramp[values[k++]];
  };
  plan.inputs.forEach((p, slot) => lay(scene.maps, p.unit * scene.patch, slot));
  plan.units.forEach((u, slot) => lay(frame.units, u.order * scene.patch, plan.inputs.length + slot));
  ctx.putImageData(canvas.tiles, 0, 0);
  return canvas.atlas;
}

// A unit: its output over the inputs; its frame carries the bias (colour = sign, width = size); a sign at the corner where it is stuck.
function unit(ctx, ink, scene, p, values, atlas, slot, bias, largest, state = 0) {
  const s = p.side, x = p.x - s / 2, y = p.y - s / 2, share = bias === null || !Number.isFinite(bias) ? 0 : Math.abs(bias) / largest;
  const frame = () => { ctx.beginPath(); ctx.roundRect(x, y, s, s, s / 6); };
  frame(); ctx.fillStyle = ink.back; ctx.fill();
  if (atlas) { const n = atlas.width; ctx.drawImage(atlas, 0, slot * n, n, n, x + 0.5, y + 0.5, s - 1, s - 1); } else spark(ctx, ink, values, x, y, s);
  if (state === 2) { ctx.globalAlpha = 0.6; ctx.fillStyle = ink.back; ctx.fillRect(x, y, s, s); ctx.globalAlpha = 1; }
  frame(); line(ctx, bias === null ? ink.truth : bias < 0 ? ink.minus : ink.plus, 1.3 + 3 * share);
  if (state) badge(ctx, ink, x + s, y, Math.max(5, Math.min(7, s / 4)), state);
}

// The output over one input; a faint line at zero.
function spark(ctx, ink, values, x, y, s) {
  const Y = (v) => y + s - 2 - ((s - 4) * v) / 255;
  ctx.globalAlpha = 0.35; ctx.beginPath(); ctx.moveTo(x + 1, Y(128)); ctx.lineTo(x + s - 1, Y(128)); line(ctx, ink.text, 1);
  ctx.globalAlpha = 1; ctx.beginPath();
  for (let i = 0; i < values.length; i++) ctx.lineTo(x + 2 + ((s - 4) * i) / (values.length - 1), Y(values[i]));
  line(ctx, ink.text, 1.6);
}

// Saturated: two flat ends, as those of the activation. Dead: a cross.
function badge(ctx, ink, x, y, r, state) {
  ctx.beginPath(); ctx.arc(x, y, r + 1, 0, 7); ctx.fillStyle = ink.back; ctx.fill(); line(ctx, ink.warn, 1.6);
  const d = r * 0.5;
  ctx.beginPath();
  if (state === 2) { ctx.moveTo(x - d, y - d); ctx.lineTo(x + d, y + d); ctx.moveTo(x + d, y - d); ctx.lineTo(x - d, y + d); }
  else { ctx.moveTo(x - 1.2 * d, y + d); ctx.lineTo(x - d / 4, y + d); ctx.lineTo(x + d / 4, y - d); ctx.lineTo(x + 1.2 * d, y - d); }
  line(ctx, ink.text, 1.5);
}

// Beside the edge, away from the middle of the picture.
function edgeNumber(ctx, ink, { a, b }, weight, middle) {
  const x = (a.x + b.x) / 2, y = (a.y + b.y) / 2, flat = a.y === b.y, above = flat || y < middle;
  const rising = b.y < a.y, shift = flat ? 0 : rising === above ? -13 : 13;
  ctx.fillStyle = ink.text;
  write(ctx, ink, short(weight), x + shift, y + (above ? -9 : 18), { size: 11.5, align: "center", weight: 600, halo: true });
}

// What the pointer is on, and the unit whose arithmetic is shown.
function emphasis(ctx, ink, plan, { edge, chosen }, half) {
  if (edge) { ctx.beginPath(); ctx.moveTo(edge.a.x + half, edge.a.y); ctx.lineTo(edge.b.x - half, edge.b.y); line(ctx, ink.text, 2.5); }
  const p = chosen && plan.columns[chosen.layer]?.[chosen.unit];
  if (p) { ctx.beginPath(); ctx.roundRect(p.x - half - 4, p.y - half - 4, 2 * half + 8, 2 * half + 8, half / 2); line(ctx, ink.text, 2); }
}

function captions(ctx, ink, scene, plan, h) {
  const { sizes } = scene, last = sizes.length - 1;
  ctx.fillStyle = ink.text;
  sizes.forEach((size, l) => {
    const { x } = plan.columns[l][0], name = l === 0 ? (size > 1 ? "inputs" : "input") : l === last ? "output" : scene.activations[l - 1];
    if (l === 0 || l === last || sizes.length < 6) write(ctx, ink, name, x, h - 4, { align: l === last ? "right" : "center", alpha: 0.8, shift: l === last ? plan.side / 2 : 0 });
    if (size > MOST) write(ctx, ink, `+ ${size - MOST}`, x, h - 18, { align: "center", alpha: 0.8, weight: 600, halo: true });
  });
  for (const p of plan.inputs) write(ctx, ink, scene.features[p.unit], p.x - plan.side / 2 - 6, p.y + 4, { size: 11.5, align: "right", halo: true });
}
