/* Which heads carry it: layer by head at the end of training, every seed. */
'use strict';
(() => {

/* Draws values (0 to 1) as squares; returns the context for marks on top. */
function heat(canvas, columns, rows, size, valueAt) {
  const scale = Math.max(1, Math.round(window.devicePixelRatio || 1)), context = canvas.getContext('2d');
  canvas.width = columns * size * scale;
  canvas.height = rows * size * scale;
  canvas.style.cssText = `width:${columns * size}px;height:${rows * size}px`;
  context.scale(scale, scale);
  context.font = `12px ${css('--sans')}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) {
      const v = number(valueAt(r, c)), q = Number.isNaN(v) ? 0 : Math.round(255 * Math.sqrt(clamp(v, 0, 1)));
      context.fillStyle = Number.isNaN(v) ? css('--line') : `rgb(${ramp.slice(3 * q, 3 * q + 3).join(',')})`;
      context.fillRect(c * size + 0.5, r * size + 0.5, size - 1, size - 1);
      if (size < 30 || Number.isNaN(v)) continue;
      context.fillStyle = q > 120 !== isDark() ? '#fff' : '#14161a';
      context.fillText(v.toFixed(2).replace(/^0/, ''), (c + 0.5) * size, (r + 0.5) * size + 0.5);
    }
  return context;
}

function headsOf(a, seed) {
  const size = clamp(Math.floor(240 / Math.max(a.n_heads, a.n_layers)), 7, 44), [l, h] = seed.strongest;
  const canvas = el('canvas', {
    role: 'img',
    'aria-label': `${armName(a)}, seed ${seed.seed}: strongest is layer ${l}, head ${h}, ` +
      `${show(seed.heads[l * a.n_heads + h])}`
  });
  const context = heat(canvas, a.n_heads, a.n_layers, size, (r, c) => seed.heads[r * a.n_heads + c]);
  context.strokeStyle = palette().mark;
  context.lineWidth = 2;
  context.strokeRect(h * size + 1.5, l * size + 1.5, size - 3, size - 3);
  return el(
    'figure', {}, canvas, caption(`seed ${seed.seed}`, a.measured > 1 && seed.seed === a.representative && el('b', {}, ' median')));
}

const headsToSave = () => page.saving.armTable(arms, ['seed', 'layer', 'head', data.headline], (a) =>
  a.seeds.filter((seed) => seed.heads).flatMap((seed) => seed.heads.map((v, h) =>
    [seed.seed, Math.floor(h / a.n_heads), h % a.n_heads, number(v)])));

function heads() {
  if (!arms.length || !data.headline) return;
  const draw = () =>
    arms.map((a) => el('div.row', {}, el('div', {}, el('h3', {}, armName(a)), small(`n = ${a.measured}`)),
               el('div.cells', {}, a.seeds.filter((seed) => seed.heads).map((seed) => headsOf(a, seed)))));
  const shown = themed(draw, 'div.arm-heads');
  section('heads', 'Which heads carry it',
    `Final ${inWords(data.headline).toLowerCase()} of every head. Rows are layers, the first on top; columns are heads. The outlined head is ` +
      'the strongest. Heads have no order, so seeds stand side by side instead of being averaged.',
    el('figure', {}, shown, themed(rampLegend), page.save('heads', {png: () => page.saving.drawn(shown), csv: headsToSave})));
}

page.heads = heads;
})();
