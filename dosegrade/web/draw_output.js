// What the network gives out: a curve over one input, or a surface over two.

function drawOutput(canvas, ink, scene, frame, point) {
  const sheet = paper(canvas);
  if (!sheet.w || !sheet.h) return;
  (scene.dimensions === 2 ? drawSurface : drawCurve)(canvas, sheet, ink, scene, frame, point);
}

// One input

// What does not change from frame to frame: axes, data and the true curve.
function curveGround(canvas, { w, h }, ink, scene, box) {
  const { range, bounds: { x1: dose } } = scene;
  return kept(canvas, "ground", `${scene.gen} ${ink.serial}`, w, h, (ctx) => {
    const { X, Y } = axes(ctx, ink, box, dose, range, ticks(dose[0], dose[1], w > 420 ? 10 : 5), ticks(range[0], range[1], 6));
    write(ctx, ink, scene.xLabel, box.left + box.wide / 2, h - 4, { align: "center", alpha: 0.72 });
    write(ctx, ink, scene.yLabel, 2, 12, { alpha: 0.72 });
    ctx.globalAlpha = 0.42; ctx.fillStyle = ink.muted;
    for (let i = 0; i < scene.x.length; i++) { ctx.beginPath(); ctx.arc(X(scene.x[i]), Y(scene.y[i]), 3.2, 0, 7); ctx.fill(); }
    ctx.globalAlpha = 0.75;
    for (let i = 0; i < scene.held_x.length; i++) { ctx.beginPath(); ctx.arc(X(scene.held_x[i]), Y(scene.held_y[i]), 3.2, 0, 7); line(ctx, ink.text, 1.2); }
    ctx.globalAlpha = 1;
    if (scene.truth) { path(ctx, scene.curve.length, (i) => X(scene.curve[i]), (i) => Y(scene.truth[i])); line(ctx, ink.truth, 2, [7, 5]); }
    return { X, Y };
  });
}

function drawCurve(canvas, sheet, ink, scene, frame, point) {
  const { ctx, w, h } = sheet, { range, bounds: { x1: dose } } = scene;
  const box = { left: 44, top: 40, wide: w - 58, high: h - 80 };
  const { picture, X, Y } = curveGround(canvas, sheet, ink, scene, box);
  canvas.spots = { X, Y };
  ctx.drawImage(picture, 0, 0, w, h);
  ctx.save();
  ctx.beginPath(); ctx.rect(box.left - 6, box.top - 6, box.wide + 12, box.high + 12); ctx.clip();
  path(ctx, scene.curve.length, (i) => X(scene.curve[i]), (i) => Y(frame.curve[i])); line(ctx, ink.fit, 3.5);
  ctx.restore();
  if (frame.curve.every((v) => !(v >= range[0] && v <= range[1]))) {
    ctx.fillStyle = ink.fit;
    write(ctx, ink, "The network's curve has left the picture.", box.left + box.wide / 2, box.top + box.high / 2, { size: 14, align: "center", weight: 600, halo: true });
  }
  if (point !== null) ring(ctx, ink, X(scene.x[point]), Y(scene.y[point]));
  if (!Number.isFinite(scene.optimum)) return;
  marker(ctx, ink, box, X(scene.optimum), ink.truth, [4, 4], null);
  const peak = summit(frame);
  if (Number.isFinite(peak)) {
    const at = Math.min(frame.curve.length - 1, Math.max(0, Math.round(((peak - dose[0]) / (dose[1] - dose[0])) * (frame.curve.length - 1))));
    marker(ctx, ink, box, X(peak), ink.fit, [], Math.min(box.top + box.high, Math.max(box.top, Y(frame.curve[at]))));
  }
  peaks(ctx, ink, box, X, scene, peak);
}

// The dose of the largest effect; a level line has none.
function summit({ curve, peak_dose }) {
  const low = Math.min(...curve), high = Math.max(...curve);
  return high - low > 1e-6 * Math.max(Math.abs(low), Math.abs(high)) ? peak_dose : NaN;
}

function marker(ctx, ink, box, x, color, dash, y) {
  ctx.globalAlpha = 0.75;
  ctx.beginPath(); ctx.moveTo(x, box.top); ctx.lineTo(x, box.top + box.high); line(ctx, color, 1.5, dash);
  ctx.globalAlpha = 1;
  if (y === null) return;
  ctx.beginPath(); ctx.arc(x, y, 6, 0, 7); ctx.fillStyle = color; ctx.fill(); line(ctx, ink.back, 2);
}

// "true 50" and "network 48.0" over their lines, on the sides where they do not meet.
function peaks(ctx, ink, box, X, scene, peak) {
  const put = (text, x, side, color) => {
    ctx.fillStyle = color;
    write(ctx, ink, text, x + side * 6, box.top - 9, { align: side < 0 ? "right" : "left", weight: 600, halo: true });
  };
  const truth = X(scene.optimum), fit = X(peak), side = fit < truth ? 1 : -1;
  put(`true ${+scene.optimum.toFixed(1)}`, truth, side, ink.text);
  if (Number.isFinite(fit)) put(`network ${peak.toFixed(1)}`, fit, fit > box.left + box.wide - 90 ? -1 : fit < box.left + 90 ? 1 : -side, ink.fit);
}

// The data point whose arithmetic is shown.
function ring(ctx, ink, x, y) {
  for (const [color, width] of [[ink.back, 5], [ink.text, 2]]) { ctx.beginPath(); ctx.arc(x, y, 8, 0, 7); line(ctx, color, width); }
}

// Two inputs

// The value in the middle of the colours, and how far from it they are fullest.
function tones(scene) {
  const [low, high] = scene.levels;
  const middle = scene.task === "classification" || !(low < 0 && high > 0) ? (low + high) / 2 : 0;
  return { middle, reach: Math.max(high - middle, middle - low) || 1 };
}

function surfaceGround(canvas, { w, h }, ink, scene, box) {
  const { x1: across, x2: up } = scene.bounds, { middle, reach } = tones(scene);
  return kept(canvas, "ground", `${scene.gen} ${ink.serial}`, w, h, (ctx) => {
    const X = (v) => box.left + ((v - across[0]) / (across[1] - across[0])) * box.wide;
    const Y = (v) => box.top + box.high - ((v - up[0]) / (up[1] - up[0])) * box.high;
    ctx.fillStyle = ink.text;
    for (const v of ticks(...across, 4)) write(ctx, ink, plain(v), X(v), box.top + box.high + 16, { align: "center", alpha: 0.72 });
    for (const v of ticks(...up, 4)) write(ctx, ink, plain(v), box.left - 6, Y(v) + 4, { align: "right", alpha: 0.72 });
    write(ctx, ink, scene.xLabel, box.left + box.wide / 2, box.top + box.high + 31, { align: "center", alpha: 0.72 });
    write(ctx, ink, scene.x2Label, box.left - 6, box.top - 6, { align: "right", alpha: 0.72 });
    const bar = { x: box.left + box.wide + 14, wide: 11 }, tone = (v) => Math.max(1, Math.min(255, Math.round(128 + (127 * (v - middle)) / reach)));
    const [low, high] = scene.levels, value = (y) => high - ((y - box.top) / box.high) * (high - low);
    for (let y = 0; y < box.high; y++) { ctx.fillStyle = pixel(ink, tone(value(box.top + y))); ctx.fillRect(bar.x, box.top + y, bar.wide, 1.5); }
    ctx.beginPath(); ctx.rect(bar.x, box.top, bar.wide, box.high); line(ctx, ink.line, 1);
    ctx.fillStyle = ink.text;
    for (const v of ticks(low, high, 4)) write(ctx, ink, plain(v), bar.x + bar.wide + 5, box.top + ((high - v) / (high - low)) * box.high + 4, { size: 11, alpha: 0.72 });
    write(ctx, ink, scene.yLabel, bar.x, box.top - 6, { size: 11, alpha: 0.72 });
    ctx.beginPath(); ctx.rect(box.left, box.top, box.wide, box.high); line(ctx, ink.line, 1);
    return { X, Y, tone };
  });
}

function pixel(ink, k) { const p = ink.ramp[k]; return `rgb(${p & 255}, ${(p >> 8) & 255}, ${(p >> 16) & 255})`; }

// The data over the surface: held-out points first and hollow, so that none of those that are trained on is hidden.
function surfacePoints(canvas, { w, h }, ink, scene, { X, Y, tone }, box) {
  const classes = scene.task === "classification", { middle } = tones(scene);
  return kept(canvas, "points", `${scene.gen} ${ink.serial}`, w, h, (ctx) => {
    const r = scene.x.length > 250 ? 2.8 : 3.8;
    const put = (x1, x2, y, hollow) => dot(ctx, ink, X(x1), Y(x2), r, classes ? (y > middle ? ink.plus : ink.minus) : pixel(ink, tone(y)), { hollow, diamond: classes && y > middle });
    ctx.beginPath(); ctx.rect(box.left, box.top, box.wide, box.high); ctx.clip();
    scene.held_x.forEach((x, i) => put(x, scene.held_x2[i], scene.held_y[i], true));
    scene.x.forEach((x, i) => put(x, scene.x2[i], scene.y[i], false));
    return {};
  });
}

function drawSurface(canvas, sheet, ink, scene, frame, point) {
  const { ctx, w, h } = sheet, side = Math.min(w - 88, h - 58);
  const box = { left: 30 + Math.max(0, (w - 88 - side) / 2), top: 20 + Math.max(0, (h - 58 - side) / 2), wide: side, high: side };
  const { picture, X, Y, tone } = surfaceGround(canvas, sheet, ink, scene, box);
  canvas.spots = { X, Y, box };
  ctx.drawImage(picture, 0, 0, w, h);
  const n = Math.round(Math.sqrt(frame.surface.length)), step = side / (n - 1);
  ctx.save();
  ctx.beginPath(); ctx.rect(box.left, box.top, side, side); ctx.clip();
  ctx.drawImage(mapOf(canvas, ink, frame.surface, n, tone), box.left - step / 2, box.top - step / 2, n * step, n * step);
  if (scene.task === "classification") boundary(ctx, ink, frame.surface, n, tones(scene).middle, box, step);
  ctx.restore();
  ctx.drawImage(surfacePoints(canvas, sheet, ink, scene, { X, Y, tone }, box).picture, 0, 0, w, h);
  if (point !== null) ring(ctx, ink, X(scene.x[point]), Y(scene.x2[point]));
}

// The surface as a small picture, its first row at the bottom; the browser smooths it when it is drawn large.
function mapOf(canvas, ink, values, n, tone) {
  const map = (canvas.map ??= Object.assign(document.createElement("canvas"), { width: n, height: n })), ctx = map.getContext("2d");
  canvas.pixels ??= ctx.createImageData(n, n);
  const out = new Uint32Array(canvas.pixels.data.buffer);
  for (let j = 0, k = 0; j < n; j++) for (let i = 0; i < n; i++, k++) out[(n - 1 - j) * n + i] = ink.ramp[tone(values[k]) || 128];
  ctx.putImageData(canvas.pixels, 0, 0);
  return map;
}

// Where the network is undecided: a line through the cells of the grid (marching squares).
function boundary(ctx, ink, values, n, level, box, step) {
  ctx.beginPath();
  const cut = (a, b) => (level - a) / (b - a);
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const a = values[j * n + i], b = values[j * n + i + 1], c = values[(j + 1) * n + i + 1], d = values[(j + 1) * n + i];
      const over = (a > level) + (b > level) + (c > level) + (d > level);
      if (over === 0 || over === 4) continue;
      const ends = [];
      if (a > level !== b > level) ends.push([i + cut(a, b), j]);
      if (b > level !== c > level) ends.push([i + 1, j + cut(b, c)]);
      if (c > level !== d > level) ends.push([i + 1 - cut(c, d), j + 1]);
      if (d > level !== a > level) ends.push([i, j + 1 - cut(d, a)]);
      ends.forEach(([x, y], k) => ctx[k % 2 ? "lineTo" : "moveTo"](box.left + x * step, box.top + box.high - y * step));
    }
  }
  ctx.globalAlpha = 0.8;
  line(ctx, ink.text, 1.5);
  ctx.globalAlpha = 1;
}
