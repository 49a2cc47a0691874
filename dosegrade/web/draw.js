// Drawing: what all views share. A drawing function paints one canvas from one frame; it keeps nothing but pictures that stay the same.

const PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M3 1.5v13l11-6.5z"/></svg>Play';
const PAUSE = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M2.5 1.5h4v13h-4zM9.5 1.5h4v13h-4z"/></svg>Pause';

function paper(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const w = canvas.clientWidth, h = canvas.clientHeight;
  const wide = Math.round(w * ratio), high = Math.round(h * ratio);
  if (canvas.width !== wide || canvas.height !== high) { canvas.width = wide; canvas.height = high; }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.clearRect(0, 0, w, h);
  ctx.lineJoin = "round";
  return { ctx, w, h, ratio };
}

// A picture that is painted once and copied until its key changes: axes, points, a colour bar.
function kept(canvas, name, key, w, h, paint) {
  const old = (canvas.kept ??= {})[name], full = `${key} ${canvas.width} ${canvas.height}`;
  if (old?.full === full) return old;
  const { picture, ctx } = blank(canvas, w, h);
  return (canvas.kept[name] = { full, picture, ...paint(ctx) });
}

// An empty picture as large as a canvas.
function blank(canvas, w, h) {
  const picture = document.createElement("canvas"), ctx = picture.getContext("2d");
  Object.assign(picture, { width: canvas.width, height: canvas.height });
  ctx.scale(canvas.width / w, canvas.height / h);
  ctx.lineJoin = "round";
  return { picture, ctx };
}

let serial = 0; // of the colours: a picture kept in the old ones is painted anew

function inks(host) {
  const style = getComputedStyle(host);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  const series = read("--st-chart-categorical-colors", "#d9480f,#0b7a75,#5c6b73,#b8860b,#6b4fa0").split(",").map((c) => c.trim());
  const ink = {
    fit: series[0], plus: series[1], minus: series[0], truth: series[2], muted: series[2], warn: series[3], deep: series[4],
    text: read("--st-text-color", "#222"), line: read("--st-border-color", "#ddd"),
    back: read("--st-background-color", "#fff"), font: read("--st-font", "sans-serif"), serial: ++serial,
  };
  return { ...ink, ramp: ramp(ink) };
}

function rgb(color) {
  const ctx = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d");
  ctx.fillStyle = color;
  ctx.fillRect(0, 0, 1, 1);
  return ctx.getImageData(0, 0, 1, 1).data;
}

const mix = (a, b, share) => [0, 1, 2].map((c) => Math.round(a[c] + share * (b[c] - a[c])));

// 256 colours as pixels, negative to positive: the sign's colour, paler towards zero.
function ramp(ink) {
  const back = rgb(ink.back), minus = rgb(ink.minus), plus = rgb(ink.plus);
  return Uint32Array.from({ length: 256 }, (_, k) => {
    const share = Math.min(1, Math.abs(k - 128) / 127);
    const [r, g, b] = mix(back, k < 128 ? minus : plus, 0.78 * share ** 0.85);
    return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  });
}

// Of layers, first to last: one hue, deeper towards the output.
function shade(ink, layer, count) {
  const [r, g, b] = mix(rgb(ink.muted), rgb(ink.deep), count > 1 ? layer / (count - 1) : 1);
  return `rgb(${r}, ${g}, ${b})`;
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
  if (dash.length) ctx.setLineDash(dash);
  ctx.stroke();
  if (dash.length) ctx.setLineDash([]);
}

function ticks(low, high, count) {
  const rough = (high - low) / count, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= rough);
  const out = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) out.push(Math.abs(v) < step / 1e6 ? 0 : v);
  return out;
}

// Axes of a plot; gives back the two scales.
function axes(ctx, ink, box, [x0, x1], [y0, y1], xs, ys, label = plain) {
  const X = (v) => box.left + ((v - x0) / (x1 - x0)) * box.wide;
  const Y = (v) => box.top + box.high - ((v - y0) / (y1 - y0)) * box.high;
  ctx.fillStyle = ink.text;
  for (const v of ys) {
    ctx.beginPath(); ctx.moveTo(box.left, Y(v)); ctx.lineTo(box.left + box.wide, Y(v)); line(ctx, ink.line, 1);
    write(ctx, ink, label(v), box.left - 8, Y(v) + 4, { align: "right", alpha: 0.72 });
  }
  for (const v of xs) write(ctx, ink, plain(v), X(v), box.top + box.high + 17, { align: "center", alpha: 0.72 });
  return { X, Y };
}

// A data point: round for a number or the lower class, a diamond for the upper one; hollow where it is held out.
function dot(ctx, ink, x, y, r, color, { diamond = false, hollow = false } = {}) {
  ctx.beginPath();
  if (diamond) { const d = 1.25 * r; ctx.moveTo(x, y - d); ctx.lineTo(x + d, y); ctx.lineTo(x, y + d); ctx.lineTo(x - d, y); ctx.closePath(); } else ctx.arc(x, y, r, 0, 7);
  ctx.fillStyle = hollow ? ink.back : color;
  ctx.fill();
  line(ctx, hollow ? color : ink.back, hollow ? 1.6 : 1);
}

function plain(v) { return `${+v.toPrecision(6)}`.replace("-", "−"); }
function short(v) { return Number.isFinite(v) ? (Math.abs(v) >= 100 ? v.toFixed(0) : Math.abs(v) >= 10 ? v.toFixed(1) : v.toFixed(2)).replace("-", "−") : "∞"; }
function small(v) { return v === 0 ? "0" : v < 1e-3 || v >= 1000 ? v.toExponential(0).replace("e-", "e−").replace("e+", "e") : `${+v.toPrecision(2)}`; }
function figure(v) { return !Number.isFinite(v) ? "overflow" : v !== 0 && (Math.abs(v) < 1e-3 || Math.abs(v) >= 1e5) ? v.toExponential(2).replaceAll("-", "−").replace("e+", "e") : `${+v.toPrecision(4)}`.replace("-", "−"); }
