/* One run's attention maps: unpacking them, and painting one large.
 *
 * A map arrives as bytes round(255 sqrt(weight)), frame by frame, layer by layer, head by head; of each row only the
 * runs of cells that the mask shows.
 */
'use strict';
(() => {

/* Each row's runs of visible cells as [first, end, where its bytes begin in a map]. */
function runsOf(visible) {
  let cells = 0;
  const rows = visible.map((runs) => runs.map(([first, end]) => {
    cells += end - first;
    return [first, end, cells - (end - first)];
  }));
  return {rows, cells};
}

function Maps(packed) {
  const {side, n_heads, steps} = packed, {rows, cells} = runsOf(packed.visible);
  const decode = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stores = {mean: decode(packed.mean), first: packed.first && decode(packed.first)};
  const start = (frame, head) => (frame * packed.n_layers * n_heads + head) * cells;
  return {
    packed, side, n_heads, steps,
    hides: cells < side * side,
    has: (kind) => Boolean(stores[kind]),
    /* A weight's byte, -1 where the mask hides it. */
    at(kind, frame, head, i, j) {
      const run = rows[i].find(([first, end]) => first <= j && j < end);
      return run ? stores[kind][start(frame, head) + run[2] + j - run[0]] : -1;
    },
    /* For a table: names, and a row for each cell that the mask shows. */
    rows(kind, frame, head) {
      const cells = rows.flatMap((runs, i) => runs.flatMap(([first, end, at]) => Array.from({length: end - first}, (_, k) =>
        [i * packed.pool, (first + k) * packed.pool, +((stores[kind][start(frame, head) + at + k] / 255) ** 2).toFixed(4)])));
      return [['query', 'key', 'weight'], ...cells];
    },
    image(kind, frame, head) {
      const image = new ImageData(side, side), store = stores[kind] ?? stores.mean, base = start(frame, head);
      rows.forEach((runs, i) => runs.forEach(([first, end, at]) => {
        for (let j = first; j < end; j++) {
          const q = store[base + at + j - first], p = 4 * (i * side + j);
          image.data.set(ramp.subarray(3 * q, 3 * q + 3), p);
          image.data[p + 3] = 255;
        }
      }));
      return image;
    },
    nearest: (step) => steps.reduce(
      (best, s, f) => (Math.abs(logStep(s) - logStep(step)) < Math.abs(logStep(steps[best]) - logStep(step)) ? f : best),
      0),
  };
}

/* ---- painting ---- */

const VISIBLE = {' ': '␣', '\n': '⏎', '\t': '⇥'};
const tokenText = (maps, i) => VISIBLE[maps.packed.tokens[i]] ?? maps.packed.tokens[i] ?? '';

/* Tokens where they are known and there is room for each, else positions. */
function paintAxes(context, maps, edge, unit, isText) {
  const {side} = maps, {pool} = maps.packed;
  context.fillStyle = css('--soft');
  context.textBaseline = 'middle';
  context.font = isText ? `${clamp(Math.floor(unit * 1.05), 7, 12)}px ${css('--mono')}` : `11.5px ${css('--sans')}`;
  for (let i = 0; i < side; i += isText ? 1 : Math.max(1, Math.round(side / 8))) {
    const text = isText ? tokenText(maps, i).slice(0, 5) : String(i * pool), at = edge + (i + 0.5) * unit;
    context.textAlign = 'right';
    context.fillText(text, edge - 6, at);
    context.save();
    context.translate(at, edge - 6);
    context.textAlign = isText && text.length > 1 ? 'left' : 'center';
    if (isText && text.length > 1) context.rotate(-Math.PI / 2);
    context.fillText(text, 0, isText && text.length > 1 ? 0 : -5);
    context.restore();
  }
  context.save();
  context.font = `12px ${css('--sans')}`;
  context.textAlign = 'center';
  context.fillText(isText ? 'key (token) →' : 'key (position) →', edge + (side * unit) / 2, 9);
  context.translate(8, edge + (side * unit) / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(isText ? '← query (token)' : '← query (position)', 0, 0);
  context.restore();
}

/* The large map with its axes; returns where its cells are. */
function paintMap(canvas, maps, now) {
  const {side} = maps, {pool, tokens} = maps.packed, hasText = now.kind === 'first' && pool === 1 && tokens.length === side;
  const edge = hasText && tokens.some((text) => text.length > 3) ? 60 : 46; /* beside words there is an axis to name, too */
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth || 560, size = width - edge - 6;
  const unit = size / side, context = canvas.getContext('2d');
  const picture = el('canvas', {width: side, height: side});
  canvas.width = canvas.height = Math.round(width * scale);
  context.scale(scale, scale);
  picture.getContext('2d').putImageData(maps.image(now.kind, now.frame, now.head), 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, edge, edge, size, size);
  context.strokeStyle = css('--line');
  context.strokeRect(edge - 0.5, edge - 0.5, size + 1, size + 1);
  paintAxes(context, maps, edge, unit, hasText && unit >= 6);
  if (now.cell) {
    context.strokeStyle = palette().mark;
    context.lineWidth = 1.5;
    context.strokeRect(edge + now.cell[1] * unit, edge + now.cell[0] * unit, unit, unit);
  }
  return {edge, unit};
}

Object.assign(page, {Maps, tokenText, paintMap});
})();
