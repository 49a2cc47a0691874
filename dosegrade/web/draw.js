// Drawing: each function paints one canvas from one frame. No state but the canvas's own size.

function paper(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  const wide = Math.round(w * ratio), high = Math.round(h * ratio);
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  ctx.lineJoin = "round";
  return { ctx, w, h };
}

function inks(host) {
  const style = getComputedStyle(host);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const series = read("--st-chart-categorical-colors", "#d9480f,#0b7a75,#5c6b73,#b8860b").split(",").map((c) => c.trim());
  return {
    fit: series[0], plus: series[1], minus: series[0], truth: series[2], muted: series[2], warn: series[3],
    text: read("--st-text-color", "#222"), line: read("--st-border-color", "#ddd"),
    back: read("--st-background-color", "#fff"), font: read("--st-font", "sans-serif"),
  };
}

function write(ctx, ink, text, x, y, { size = 12, align = "left", weight = 400, alpha = 1, halo = false, shift = 0 } = {}) {
  ctx.font = `${weight} ${size}px ${ink.font}`;
  ctx.textAlign = align;
  ctx.globalAlpha = alpha;
  if (halo) { ctx.lineWidth = 4; ctx.strokeStyle = ink.back; ctx.strokeText(text, x + shift, y); }
  ctx.fillText(text, x + shift, y);
  ctx.globalAlpha = 1;
}

function path(ctx, n, x, y) {
  ctx.beginPath();
  for (let i = 0, pen = false; i < n; i++) {
    const v = y(i);
    if (!Number.isFinite(v)) { pen = false; continue; }
    if (pen) ctx.lineTo(x(i), v); else ctx.moveTo(x(i), v);
    pen = true;
  }
}

function line(ctx, color, width, dash = []) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
  ctx.stroke();
  ctx.setLineDash([]);
}

function ticks(low, high, count) {
  const rough = (high - low) / count, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= rough);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) out.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return out;
}

// Axes of a plot; gives back the two scales.
function axes(ctx, ink, box, [x0, x1], [y0, y1], xs, ys, label = (v) => `${v}`) {
  const X = (v) => box.left + ((v - x0) / (x1 - x0)) * box.wide;
  const Y = (v) => box.top + box.high - ((v - y0) / (y1 - y0)) * box.high;
  ctx.fillStyle = ink.text;
  for (const v of ys) {
    ctx.beginPath(); ctx.moveTo(box.left, Y(v)); ctx.lineTo(box.left + box.wide, Y(v)); line(ctx, ink.line, 1);
    write(ctx, ink, label(v), box.left - 8, Y(v) + 4, { align: "right", alpha: 0.72 });
  }
  for (const v of xs) write(ctx, ink, `${+v.toPrecision(6)}`, X(v), box.top + box.high + 17, { align: "center", alpha: 0.72 });
  return { X, Y };
}

// What does not change from frame to frame: axes, data and the true curve, painted once and then copied.
function ground(canvas, ink, scene, box, w, h) {
  const key = `${scene.gen} ${canvas.width} ${canvas.height}`;
  if (canvas.ground?.key === key && canvas.ground.ink === ink) return canvas.ground;
  const picture = document.createElement("canvas"), ctx = picture.getContext("2d"), { range, dose } = scene;
  Object.assign(picture, { width: canvas.width, height: canvas.height });
  ctx.scale(canvas.width / w, canvas.height / h);
  const { X, Y } = axes(ctx, ink, box, dose, range, ticks(dose[0], dose[1], w > 420 ? 10 : 5), ticks(range[0], range[1], 6), (v) => `${+v.toPrecision(6)}`);
  write(ctx, ink, scene.xLabel, box.left + box.wide / 2, h - 4, { align: "center", alpha: 0.72 });
  write(ctx, ink, scene.yLabel, 2, 12, { alpha: 0.72 });
  ctx.fillStyle = ink.muted; ctx.globalAlpha = 0.42;
  for (const [xs, ys] of [[scene.x, scene.y], [scene.held_x, scene.held_y]]) {
    for (let i = 0; i < xs.length; i++) { ctx.beginPath(); ctx.arc(X(xs[i]), Y(ys[i]), 3.2, 0, 7); ctx.fill(); }
  }
  ctx.globalAlpha = 1;
  path(ctx, scene.curve.length, (i) => X(scene.curve[i]), (i) => Y(scene.truth[i])); line(ctx, ink.truth, 2, [7, 5]);
  return (canvas.ground = { key, ink, picture, X, Y });
}

function drawCurve(canvas, ink, scene, frame) {
  const { ctx, w, h } = paper(canvas), { range, dose } = scene;
  if (!w || !h) return;
  const box = { left: 40, top: 40, wide: w - 54, high: h - 80 };
  const { picture, X, Y } = ground(canvas, ink, scene, box, w, h);
  ctx.drawImage(picture, 0, 0, w, h);
  ctx.save();
  ctx.beginPath(); ctx.rect(box.left - 6, box.top - 6, box.wide + 12, box.high + 12); ctx.clip();
  path(ctx, scene.curve.length, (i) => X(scene.curve[i]), (i) => Y(frame.curve[i])); line(ctx, ink.fit, 3.5);
  ctx.restore();
  if (frame.curve.every((v) => !(v >= range[0] && v <= range[1]))) {
    ctx.fillStyle = ink.fit;
    write(ctx, ink, "The network's curve has left the picture.", box.left + box.wide / 2, box.top + box.high / 2, { size: 14, align: "center", weight: 600, halo: true });
  }
  marker(ctx, ink, box, X(scene.optimum), ink.truth, [4, 4], null);
  if (Number.isFinite(frame.peak_dose)) {
    const at = Math.min(frame.curve.length - 1, Math.max(0, Math.round(((frame.peak_dose - dose[0]) / (dose[1] - dose[0])) * (frame.curve.length - 1))));
    const y = Math.min(box.top + box.high, Math.max(box.top, Y(frame.curve[at])));
    marker(ctx, ink, box, X(frame.peak_dose), ink.fit, [], y);
  }
  labels(ctx, ink, box, X, scene, frame);
}

function marker(ctx, ink, box, x, color, dash, y) {
  ctx.globalAlpha = 0.75;
  ctx.beginPath(); ctx.moveTo(x, box.top); ctx.lineTo(x, box.top + box.high); line(ctx, color, 1.5, dash);
  ctx.globalAlpha = 1;
  if (y === null) return;
  ctx.beginPath(); ctx.arc(x, y, 6, 0, 7); ctx.fillStyle = color; ctx.fill(); line(ctx, ink.back, 2);
}

// "true 50" and "network 48.0" over their lines, on the sides where they do not meet.
function labels(ctx, ink, box, X, scene, frame) {
  const put = (text, x, side, color) => {
    ctx.fillStyle = color;
    write(ctx, ink, text, x + side * 6, box.top - 9, { align: side < 0 ? "right" : "left", weight: 600, halo: true });
  };
  const truth = X(scene.optimum), fit = X(frame.peak_dose), side = fit < truth ? 1 : -1;
  put(`true ${+scene.optimum.toFixed(1)}`, truth, side, ink.text);
  if (Number.isFinite(fit)) put(`network ${frame.peak_dose.toFixed(1)}`, fit, fit > box.left + box.wide - 90 ? -1 : fit < box.left + 90 ? 1 : -side, ink.fit);
}

function drawLoss(canvas, ink, history, upto, log, validated) {
  const { ctx, w, h } = paper(canvas);
  const n = upto + 1, stride = Math.max(1, Math.ceil(n / 500));
  const of = (k) => history[Math.min(upto, k * stride)];
  const count = Math.ceil((n - 1) / stride) + 1;
  const value = (v) => (log ? Math.log10(Math.max(v, 1e-12)) : v);
  let low = Infinity, high = -Infinity;
  for (let k = 0; k < count; k++) {
    for (const v of validated ? [of(k).loss, of(k).validation_loss] : [of(k).loss]) {
      if (!Number.isFinite(v)) continue;
      low = Math.min(low, value(v)); high = Math.max(high, value(v));
    }
  }
  if (!Number.isFinite(low)) { low = log ? -1 : 0; high = 1; }
  if (log) { low = Math.floor(low); high = Math.max(Math.ceil(high), low + 1); } else { low = 0; high = high > 0 ? high * 1.05 : 1; }
  const end = Math.max(of(count - 1).epoch, 50);
  const box = { left: 46, top: 10, wide: w - 60, high: h - 36 };
  const marks = log ? ticks(low, high, Math.min(high - low, 4)).filter(Number.isInteger) : ticks(low, high, 4);
  const label = log ? (v) => (Math.abs(v) > 3 ? `1e${v}` : `${+(10 ** v).toPrecision(3)}`) : (v) => `${+v.toPrecision(3)}`;
  const { X, Y } = axes(ctx, ink, box, [0, end], [low, high], ticks(0, end, 5), marks, label);
  if (validated) { path(ctx, count, (k) => X(of(k).epoch), (k) => Y(value(of(k).validation_loss))); line(ctx, ink.truth, 2, [5, 3]); }
  path(ctx, count, (k) => X(of(k).epoch), (k) => Y(value(of(k).loss))); line(ctx, ink.fit, 2.5);
}

const MOST = 12; // units drawn in a layer

// Where each unit stands: columns by layer, at most MOST of a layer, the rest as "+n".
function places(sizes, w, h) {
  return sizes.map((size, l) => {
    const shown = Math.min(size, MOST), x = sizes.length > 1 ? 26 + (l * (w - 52)) / (sizes.length - 1) : w / 2;
    const gap = Math.min(110, (h - 40) / shown);
    return Array.from({ length: shown }, (_, i) => ({ x, y: h / 2 - 10 + (i - (shown - 1) / 2) * gap, r: Math.max(4, Math.min(13, gap * 0.38)) }));
  });
}

// Calls back for every edge that is drawn, with its ends and its weight, and for every unit with its bias.
function walk(scene, theta, at, onEdge, onUnit) {
  const { sizes, wide } = scene;
  for (let l = 1, offset = 0; l < sizes.length; l++) {
    const bias = offset + sizes[l - 1] * wide[l - 1], pieces = wide[l - 1] / sizes[l]; // of maxout, the first piece
    at[l].forEach((to, j) => {
      at[l - 1].forEach((from, i) => onEdge(from, to, theta[offset + i * wide[l - 1] + j * pieces]));
      onUnit(to, theta[bias + j * pieces]);
    });
    offset = bias + wide[l - 1];
  }
}

function drawNetwork(canvas, ink, scene, frame) {
  const { ctx, w, h } = paper(canvas), { theta } = frame, at = places(scene.sizes, w, h), nothing = () => {};
  let largest = 1;
  for (const v of theta) if (Number.isFinite(v)) largest = Math.max(largest, Math.abs(v));
  const numbers = theta.length <= 16;
  walk(scene, theta, at, (a, b, weight) => edge(ctx, ink, a, b, weight, largest), nothing);
  at[0].forEach((p) => unit(ctx, ink, p, null, 1, false));
  walk(scene, theta, at, nothing, (p, bias) => unit(ctx, ink, p, bias, largest, numbers));
  if (numbers) walk(scene, theta, at, (a, b, weight) => edgeNumber(ctx, ink, a, b, weight, h / 2 - 10), nothing);
  captions(ctx, ink, scene, at, h);
}

function captions(ctx, ink, scene, at, h) {
  ctx.fillStyle = ink.text;
  scene.sizes.forEach((size, l) => {
    const x = at[l][0].x, first = l === 0, last = l === scene.sizes.length - 1;
    const name = first ? (size > 1 ? "inputs" : "dose") : last ? "effect" : scene.activations[l - 1];
    if (first || last || scene.sizes.length < 6) write(ctx, ink, name, x, h - 4, { align: first ? "left" : last ? "right" : "center", alpha: 0.8, shift: first ? -18 : last ? 18 : 0 });
    if (size > MOST) write(ctx, ink, `+ ${size - MOST}`, x, h - 20, { align: "center", alpha: 0.8, weight: 600 });
  });
  if (scene.sizes[0] > 1) at[0].forEach((p, i) => write(ctx, ink, scene.inputs[i], p.x - 18, p.y + p.r + 13, { size: 11, halo: true }));
}

function edge(ctx, ink, a, b, weight, largest) {
  const share = Number.isFinite(weight) ? Math.abs(weight) / largest : 1;
  ctx.globalAlpha = 0.22 + 0.78 * share;
  ctx.beginPath(); ctx.moveTo(a.x, a.y); ctx.lineTo(b.x, b.y);
  line(ctx, weight < 0 ? ink.minus : ink.plus, 0.7 + 6.3 * share);
  ctx.globalAlpha = 1;
}

// Beside the edge, away from the middle of the picture.
function edgeNumber(ctx, ink, a, b, weight, middle) {
  const x = (a.x + b.x) / 2, y = (a.y + b.y) / 2, flat = a.y === b.y, above = flat || y < middle;
  const rising = b.y < a.y, shift = flat ? 0 : rising === above ? -13 : 13;
  ctx.fillStyle = ink.text;
  write(ctx, ink, short(weight), x + shift, y + (above ? -9 : 18), { size: 11.5, align: "center", weight: 600, halo: true });
}

// A unit; its ring carries the bias: colour = sign, width = size.
function unit(ctx, ink, p, bias, largest, numbers) {
  const { r } = p;
  ctx.beginPath(); ctx.arc(p.x, p.y, r, 0, 7);
  ctx.fillStyle = ink.back; ctx.fill();
  const share = bias === null || !Number.isFinite(bias) ? 0 : Math.abs(bias) / largest;
  line(ctx, bias === null ? ink.truth : bias < 0 ? ink.minus : ink.plus, 1.5 + Math.min(4, r / 3) * share);
  if (!numbers || bias === null) return;
  ctx.fillStyle = ink.text;
  write(ctx, ink, `b ${short(bias)}`, p.x, p.y + r + 14, { size: 11, align: "center", alpha: 0.85, halo: true });
}

function drawLayers(canvas, ink, scene, frame) {
  const { ctx, w, h } = paper(canvas);
  const n = frame.gradient.length, row = Math.min(42, (h - 24) / n), left = 62, gap = 14;
  const half = (w - left - gap) / 2;
  ctx.fillStyle = ink.text;
  write(ctx, ink, "gradient |g| (log)", left, 12, { size: 11.5, alpha: 0.72 });
  write(ctx, ink, "saturated", left + half + gap, 12, { size: 11.5, alpha: 0.72 });
  for (let l = 0; l < n; l++) {
    const y = 22 + l * row, high = Math.max(6, Math.min(18, row - 8));
    ctx.fillStyle = ink.text;
    write(ctx, ink, l === n - 1 ? "output" : `hidden ${l + 1}`, 0, y + high - 2, { size: 12 });
    const g = frame.gradient[l], share = g > 0 ? Math.min(1, Math.max(0.01, (Math.log10(g) + 6) / 8)) : Number.isFinite(g) ? 0 : 1;
    bar(ctx, ink, left, y, half - 56, high, share, ink.plus, Number.isFinite(g) ? small(g) : "overflow");
    if (l < frame.saturation.length) {
      const s = frame.saturation[l];
      bar(ctx, ink, left + half + gap, y, half - 46, high, Number.isFinite(s) ? s : 1, ink.warn, Number.isFinite(s) ? `${Math.round(100 * s)} %` : "–");
    }
  }
}

function bar(ctx, ink, x, y, wide, high, share, color, text) {
  ctx.fillStyle = ink.line; ctx.globalAlpha = 0.6; ctx.fillRect(x, y, wide, high);
  ctx.globalAlpha = 1; ctx.fillStyle = color; ctx.fillRect(x, y, wide * share, high);
  ctx.fillStyle = ink.text;
  write(ctx, ink, text, x + wide + 6, y + high - 2, { size: 11.5 });
}

function short(v) { return Number.isFinite(v) ? (Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2)).replace("-", "−") : "∞"; }
function small(v) { return v === 0 ? "0" : v < 1e-3 || v >= 1000 ? v.toExponential(0).replace("e-", "e−").replace("e+", "e") : `${+v.toPrecision(2)}`; }
