// The same cost as a relief seen from the side: quads and paths painted from back to front. Joined before surface.js.

const MESH = 1;          // how many points of the grid apart the corners of a quad are
const TILT = 0.56;       // radians above the horizon
const TALL = 0.62;       // height of the relief, in widths
const BEND = 0.3;        // heights are t/(t + BEND): low ground keeps its shape, smooth stays smooth, a kink stays a kink
const LIFT = 0.012;      // paths lie a hair above the ground

class Relief {
  constructor(grid, side, across, along) {
    Object.assign(this, { grid, side, across, along });
    this.low = Infinity; this.top = -Infinity;
    for (const z of grid) { if (z < this.low) this.low = z; if (z > this.top) this.top = z; }
  }

  share(cost) { return Math.min(1, Math.max(0, (cost - this.low) / (this.top - this.low || 1))); }

  height(cost) { const t = this.share(cost); return TALL * (t / (t + BEND)) * (1 + BEND); }

  // The turn, and the scale at which the whole block fits whatever the turn.
  look(turn, w, h) {
    const cos = Math.cos(turn), sin = Math.sin(turn), up = Math.cos(TILT), deep = Math.sin(TILT);
    const size = Math.min((w - 24) / Math.SQRT2, (h - 34) / (Math.SQRT2 * deep + TALL * up));
    const middle = (h - 10 - size * TALL * up) / 2 + size * TALL * up;
    return (x, y, z) => { // x, y in −½ … ½, z upward
      const right = x * cos - y * sin, away = x * sin + y * cos;
      return { x: w / 2 + size * right, y: middle - size * (away * deep + z * up), far: away * up - z * deep };
    };
  }

  at(u, v) { return [(u - this.across[0]) / (this.across[1] - this.across[0]) - 0.5, (v - this.along[0]) / (this.along[1] - this.along[0]) - 0.5]; }

  draw(ctx, w, h, turn, ink, walkers, frame, axes) {
    const see = this.look(turn, w, h), back = rgb(ink.back), hill = rgb(ink.muted), parts = [];
    const corners = [];
    for (let j = 0; j < this.side; j += MESH) corners.push(j);
    if (corners.at(-1) !== this.side - 1) corners.push(this.side - 1);
    const spots = corners.map((j) => corners.map((i) => {
      const cost = this.grid[j * this.side + i], x = i / (this.side - 1) - 0.5, y = j / (this.side - 1) - 0.5, z = this.height(cost);
      return { x, y, z, share: this.share(cost), p: see(x, y, z) };
    }));
    for (let j = 0; j + 1 < corners.length; j++) for (let i = 0; i + 1 < corners.length; i++) {
      const quad = [spots[j][i], spots[j][i + 1], spots[j + 1][i + 1], spots[j + 1][i]];
      parts.push({ far: (quad[0].p.far + quad[1].p.far + quad[2].p.far + quad[3].p.far) / 4, quad });
    }
    for (const { name, points, costs } of walkers) {
      let before = null;
      for (let k = 0; k <= frame; k++) {
        const [x, y] = this.at(points[2 * k], points[2 * k + 1]);
        const inside = Math.abs(x) <= 0.5 && Math.abs(y) <= 0.5;
        const p = inside ? see(x, y, this.height(costs[k]) + LIFT) : null;
        if (p && before) parts.push({ far: Math.min(p.far, before.far) - 0.03, from: before, to: p, color: ink.of[name] });
        if (p && k === frame) parts.push({ far: p.far - 0.05, dot: p, color: ink.of[name] });
        before = p;
      }
    }
    this.floor(ctx, see, ink);
    parts.sort((a, b) => b.far - a.far);
    for (const part of parts) part.quad ? this.quad(ctx, part.quad, back, hill) : part.dot ? this.dot(ctx, part, ink) : this.line(ctx, part, ink);
    this.names(ctx, w, see, ink, axes);
  }

  floor(ctx, see, ink) {
    ctx.beginPath();
    for (const [x, y] of [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) { const p = see(x, y, 0); ctx.lineTo(p.x, p.y); }
    ctx.closePath();
    Object.assign(ctx, { strokeStyle: ink.line, lineWidth: 1.5 });
    ctx.stroke();
  }

  // Ground colour by cost, as on the map, and light from the left.
  quad(ctx, quad, back, hill) {
    const [a, b, c, d] = quad, band = Math.floor((quad.reduce((sum, s) => sum + s.share, 0) / 4) ** POWER * BANDS) / BANDS;
    const slopeX = (b.z + c.z - a.z - d.z) / 2 / (b.x - a.x || 1), slopeY = (d.z + c.z - a.z - b.z) / 2 / (d.y - a.y || 1);
    const lit = (slopeX * 0.6 + slopeY * 0.25) / Math.hypot(slopeX, slopeY, 1);
    const share = Math.min(0.92, Math.max(0.02, 0.16 + 0.46 * band + 0.42 * lit));
    ctx.beginPath();
    for (const { p } of quad) ctx.lineTo(p.x, p.y);
    ctx.closePath();
    ctx.fillStyle = ctx.strokeStyle = `rgb(${[0, 1, 2].map((k) => Math.round(back[k] + share * (hill[k] - back[k]))).join(" ")})`;
    ctx.lineWidth = 0.8;
    ctx.fill();
    ctx.stroke();
  }

  line(ctx, { from, to, color }, ink) {
    for (const [stroke, width, alpha] of [[ink.back, 4.5, 0.5], [color, 2.4, 1]]) {
      ctx.beginPath(); ctx.moveTo(from.x, from.y); ctx.lineTo(to.x, to.y);
      Object.assign(ctx, { strokeStyle: stroke, lineWidth: width, globalAlpha: alpha, lineCap: "round" });
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  dot(ctx, { dot, color }, ink) {
    ctx.beginPath(); ctx.arc(dot.x, dot.y, 6.5, 0, 7);
    Object.assign(ctx, { fillStyle: color, strokeStyle: ink.back, lineWidth: 2 });
    ctx.fill(); ctx.stroke();
  }

  // The axes' names with their bounds, along the two edges in front.
  names(ctx, w, see, ink, axes) {
    const edges = [[[-0.5, -0.5], [0.5, -0.5], axes[0], this.across], [[-0.5, 0.5], [0.5, 0.5], axes[0], this.across], [[-0.5, -0.5], [-0.5, 0.5], axes[1], this.along], [[0.5, -0.5], [0.5, 0.5], axes[1], this.along]];
    for (const [from, to, name, bounds] of edges) {
      const ends = [see(...from, 0), see(...to, 0)], middle = see((from[0] + to[0]) / 2, (from[1] + to[1]) / 2, 0);
      if (middle.far > -0.05) continue;
      const side = Math.sign(middle.x - see(0, 0, 0).x) || 1;
      Object.assign(ctx, { fillStyle: ink.text, textAlign: side < 0 ? "right" : "left", globalAlpha: 0.75 });
      ends.forEach((p, k) => {
        const text = nice(bounds[k]), room = ctx.measureText(text).width + 4, x = p.x + side * 6;
        ctx.fillText(text, side < 0 ? Math.max(room, x) : Math.min(w - room, x), p.y + 15);
      });
      ctx.globalAlpha = 1;
      ctx.font = `600 13px ${ink.font}`;
      ctx.fillText(name, middle.x + side * 14, middle.y + 20);
      ctx.font = `12px ${ink.font}`;
    }
  }
}
