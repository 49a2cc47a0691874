// What was: loss and gradients over the epochs; and the layers as they are now.

// The end of the axis of epochs: it stands still for a while and then makes room.
function lasting(epoch) {
  const unit = 10 ** Math.floor(Math.log10(Math.max(epoch, 50)));
  return [1, 1.5, 2, 3, 4, 5, 7.5, 10].map((m) => m * unit).find((end) => end >= Math.max(epoch, 50));
}

const PIECE = 30;

// Lines over the epochs on their ground, piece by piece: up to a multiple of PIECE they are kept as a picture, only the rest is drawn anew.
function trails(canvas, { ctx, w, h }, key, ground, history, upto, lines) {
  const full = `${key} ${canvas.width} ${canvas.height}`;
  let done = canvas.trail;
  if (done?.full !== full || done.ground !== ground || upto < done.upto || history[done.upto] !== done.frame) {
    done = canvas.trail = { full, ground, ...blank(canvas, w, h), upto: 0, frame: history[0], lengths: lines.map(() => 0) };
    done.ctx.drawImage(ground, 0, 0, w, h);
  }
  const to = upto - ((upto - done.upto) % PIECE);
  if (to > done.upto) {
    const stride = Math.ceil((to - done.upto) / 500);
    lines.forEach((one, k) => { done.lengths[k] = trail(done.ctx, one, history, done.upto, to, stride, done.lengths[k]); });
    Object.assign(done, { upto: to, frame: history[to] });
  }
  ctx.drawImage(done.picture, 0, 0, w, h);
  lines.forEach((one, k) => trail(ctx, one, history, to, upto, 1, done.lengths[k]));
}

// One line from a frame to another, its dashes going on after `length`; gives back its length then.
function trail(ctx, { x, y, color, width, dash = [] }, history, from, to, stride, length) {
  let pen = false, u = 0, v = 0, long = length;
  ctx.beginPath();
  for (let k = from; k <= to; k = k < to ? Math.min(to, k + stride) : to + 1) {
    const a = x(history[k]), b = y(history[k]);
    if (!Number.isFinite(b)) { pen = false; continue; }
    if (pen) { ctx.lineTo(a, b); long += Math.hypot(a - u, b - v); } else ctx.moveTo(a, b);
    pen = true; u = a; v = b;
  }
  ctx.lineDashOffset = length;
  line(ctx, color, width, dash);
  return long;
}

// Axes and words that stay while the ranges do, painted once; gives back the picture and the scales.
function grid(canvas, { w, h }, ink, box, end, [low, high], xs, ys, label, more = () => {}) {
  return kept(canvas, "axes", `${end} ${low} ${high} ${label.name} ${ink.serial}`, w, h, (onto) => {
    const scales = axes(onto, ink, box, [0, end], [low, high], xs, ys, label);
    more(onto);
    return scales;
  });
}

const powers = (low, high) => ticks(low, high, Math.min(high - low, 4)).filter(Number.isInteger);
const rough = (v) => `${+v.toPrecision(3)}`;
const power = (v) => (Math.abs(v) > 3 ? `1e${v}`.replace("-", "−") : `${+(10 ** v).toPrecision(3)}`);

function drawLoss(canvas, ink, history, upto, log, validated) {
  const sheet = paper(canvas), { w, h } = sheet;
  if (!w || !h) return;
  const value = (v) => (log ? Math.log10(Math.max(v, 1e-12)) : v);
  let low = Infinity, high = -Infinity;
  for (let k = 0; k <= upto; k++) {
    for (const v of validated ? [history[k].loss, history[k].validation_loss] : [history[k].loss]) if (Number.isFinite(v)) { low = Math.min(low, v); high = Math.max(high, v); }
  }
  if (Number.isFinite(low)) { low = value(low); high = value(high); } else { low = log ? -1 : 0; high = 1; }
  if (log) { low = Math.floor(low); high = Math.max(Math.ceil(high), low + 1); } else { low = 0; high = high > 0 ? high * 1.05 : 1; }
  const end = lasting(history[upto].epoch), box = { left: 46, top: 10, wide: w - 60, high: h - 36 };
  const { picture, X, Y } = grid(canvas, sheet, ink, box, end, [low, high], ticks(0, end, w > 260 ? 5 : 3), log ? powers(low, high) : ticks(low, high, 4), log ? power : rough);
  const x = (frame) => X(frame.epoch), lines = [{ x, y: (frame) => Y(value(frame.loss)), color: ink.fit, width: 2.5 }];
  if (validated) lines.unshift({ x, y: (frame) => Y(value(frame.validation_loss)), color: ink.truth, width: 2, dash: [5, 3] });
  trails(canvas, sheet, lines.length, picture, history, upto, lines);
}

// The gradient's size, a line for each layer, always on a log scale: what vanishes goes down by powers of ten.
function drawGradients(canvas, ink, history, upto) {
  const sheet = paper(canvas), { w, h } = sheet, layers = history[0].gradient.length;
  if (!w || !h) return;
  let low = Infinity, high = -Infinity;
  for (let k = 0; k <= upto; k++) for (const g of history[k].gradient) if (g > 1e-30 && Number.isFinite(g)) { low = Math.min(low, g); high = Math.max(high, g); }
  low = Number.isFinite(low) ? Math.floor(Math.log10(low)) : -1;
  high = Number.isFinite(high) ? Math.max(Math.ceil(Math.log10(high)), low + 1) : 0;
  const end = lasting(history[upto].epoch), box = { left: 40, top: 20, wide: w - 50, high: h - 46 };
  const title = (onto) => { onto.fillStyle = ink.text; write(onto, ink, "|g| over the epochs", 0, 12, { size: 11.5, alpha: 0.72 }); };
  const { picture, X, Y } = grid(canvas, sheet, ink, box, end, [low, high], ticks(0, end, 3), powers(low, high), power, title);
  const size = (g) => (g > 1e-30 ? Y(Math.log10(g)) : NaN);
  const lines = Array.from({ length: layers }, (_, l) => ({ x: (frame) => X(frame.epoch), y: (frame) => size(frame.gradient[l]), color: shadeOf(ink, l, layers), width: 2, dash: DASHES[l % DASHES.length] }));
  trails(canvas, sheet, layers, picture, history, upto, lines);
}

const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3]];

function shadeOf(ink, layer, count) { return ((ink.shades ??= {})[`${layer} ${count}`] ??= shade(ink, layer, count)); }

function drawLayers(canvas, ink, frame) {
  const { ctx, w, h } = paper(canvas), n = frame.gradient.length, hidden = frame.saturation?.length ?? 0, left = 78, half = (w - left - 10) / 2;
  if (!w || !h) return;
  const row = Math.min(34, (h - 22) / n), high = Math.max(5, Math.min(16, row - 6)), at = (l) => 20 + l * row;
  const names = kept(canvas, "names", `${n} ${ink.serial}`, w, h, (onto) => {
    onto.fillStyle = ink.text;
    write(onto, ink, "gradient |g|", left, 12, { size: 11.5, alpha: 0.72 });
    if (hidden) write(onto, ink, "saturated", left + half + 10, 12, { size: 11.5, alpha: 0.72 });
    for (let l = 0; l < n; l++) {
      onto.beginPath(); onto.moveTo(0, at(l) + high / 2); onto.lineTo(18, at(l) + high / 2); line(onto, shadeOf(ink, l, n), 2.5, DASHES[l % DASHES.length]);
      onto.fillStyle = ink.text;
      write(onto, ink, l === n - 1 ? "output" : `hidden ${l + 1}`, 23, at(l) + high - 2, { size: 12 });
    }
    return {};
  });
  ctx.drawImage(names.picture, 0, 0, w, h);
  for (let l = 0; l < n; l++) {
    const g = frame.gradient[l], share = g > 0 ? Math.min(1, Math.max(0.01, (Math.log10(g) + 6) / 8)) : Number.isFinite(g) ? 0 : 1;
    bar(ctx, ink, left, at(l), half - 46, high, share, ink.plus, Number.isFinite(g) ? small(g) : "overflow");
    if (l >= hidden) continue;
    const s = frame.saturation[l];
    bar(ctx, ink, left + half + 10, at(l), half - 40, high, Number.isFinite(s) ? s : 1, ink.warn, Number.isFinite(s) ? `${Math.round(100 * s)} %` : "–");
  }
}

function bar(ctx, ink, x, y, wide, high, share, color, text) {
  ctx.fillStyle = ink.line; ctx.globalAlpha = 0.6; ctx.fillRect(x, y, wide, high);
  ctx.globalAlpha = 1; ctx.fillStyle = color; ctx.fillRect(x, y, wide * share, high);
  ctx.fillStyle = ink.text;
  write(ctx, ink, text, x + wide + 6, y + high - 2, { size: 11.5 });
}
