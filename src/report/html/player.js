/* Attention maps played over training: one head large, the strongest head of every arm and all heads of the arm small.
 *
 * A map arrives as bytes round(255 sqrt(weight)), frame by frame, layer by layer, head by head; under a causal mask
 * only the keys j <= i of each row. Left, right, Home, End and Space work on the map; with Shift, arrows walk over its
 * cells.
 */
'use strict';

function Maps(a) {
  const m = a.maps, isCausal = m.causal, side = m.side, n_heads = m.layers * m.heads;
  const decode = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stores = {mean: decode(m.mean), first: m.first && decode(m.first)};
  const cells = isCausal ? (side * (side + 1)) / 2 : side * side;
  const place = (i, j) => (isCausal ? (j > i ? -1 : (i * (i + 1)) / 2 + j) : i * side + j);
  return {
    ...m,
    has: (kind) => Boolean(stores[kind]),
    /* A weight's byte, -1 where the mask hides it. */
    at: (kind, frame, head, i, j) =>
      (place(i, j) < 0 ? -1 : stores[kind][(frame * n_heads + head) * cells + place(i, j)]),
    image(kind, frame, head) {
      const image = new ImageData(side, side), store = stores[kind] ?? stores.mean,
            base = (frame * n_heads + head) * cells;
      for (let i = 0; i < side; i++)
        for (let j = 0; j < (isCausal ? i + 1 : side); j++) {
          const q = store[base + place(i, j)], p = 4 * (i * side + j);
          image.data.set(ramp.subarray(3 * q, 3 * q + 3), p);
          image.data[p + 3] = 255;
        }
      return image;
    },
    nearest: (step) => m.steps.reduce(
      (best, s, f) =>
        (Math.abs(logStep(s) - logStep(step)) < Math.abs(logStep(m.steps[best]) - logStep(step)) ? f : best),
      0),
  };
}

const VISIBLE = {' ': '␣', '\n': '⏎', '\t': '⇥'};
const tokenText = (maps, i) => VISIBLE[maps.tokens[i]] ?? maps.tokens[i] ?? '';

/* The large map with its axes; returns where its cells are. */
function paintMap(canvas, maps, now) {
  const scale = window.devicePixelRatio || 1, width = canvas.clientWidth || 560, edge = 46, size = width - edge - 6;
  const unit = size / maps.side, context = canvas.getContext('2d'),
        picture = el('canvas', {width: maps.side, height: maps.side});
  const isText = now.kind === 'first' && maps.pool === 1 && maps.tokens.length === maps.side && unit >= 6;
  canvas.width = canvas.height = Math.round(width * scale);
  context.scale(scale, scale);
  picture.getContext('2d').putImageData(maps.image(now.kind, now.frame, now.head), 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(picture, edge, edge, size, size);
  context.strokeStyle = css('--line');
  context.strokeRect(edge - 0.5, edge - 0.5, size + 1, size + 1);

  context.fillStyle = css('--soft');
  context.textBaseline = 'middle';
  context.font = isText ? `${clamp(Math.floor(unit * 1.05), 7, 12)}px ${css('--mono')}` : `11.5px ${css('--sans')}`;
  for (let i = 0; i < maps.side; i += isText ? 1 : Math.max(1, Math.round(maps.side / 8))) {
    const text = isText ? tokenText(maps, i).slice(0, 5) : String(i * maps.pool), at = edge + (i + 0.5) * unit;
    context.textAlign = 'right';
    context.fillText(text, edge - 6, at);
    context.save();
    context.translate(at, edge - 6);
    context.textAlign = isText && text.length > 1 ? 'left' : 'center';
    if (isText && text.length > 1) context.rotate(-Math.PI / 2);
    context.fillText(text, 0, isText && text.length > 1 ? 0 : -5);
    context.restore();
  }
  context.font = `12px ${css('--sans')}`;
  context.textAlign = 'center';
  context.fillText(isText ? 'key (token) →' : 'key (position) →', edge + size / 2, 9);
  context.translate(8, edge + size / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(isText ? '← query (token)' : '← query (position)', 0, 0);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  if (now.cell) {
    context.strokeStyle = palette().mark;
    context.lineWidth = 1.5;
    context.strokeRect(edge + now.cell[1] * unit, edge + now.cell[0] * unit, unit, unit);
  }
  return {edge, unit};
}

/* The arm's headline metric over the player's frames, with the present one marked: the slider's backdrop. */
function sparkline(a, maps, frame) {
  const m = data.metrics.findIndex((metric) => metric.name === data.headline);
  if (m < 0 || maps.steps.length < 2) return el('svg');
  const W = 600, H = 44, median = a.series[m].strongest.band[1].map(number);
  const at = maps.steps.map((step) => median[a.steps.indexOf(step)]),
        top = Math.max(...at.filter(Number.isFinite), 1e-9);
  const x = (f) => (W * f) / (maps.steps.length - 1), y = (v) => H - 3 - ((H - 8) * Math.max(0, v)) / top;
  const points = at.map((v, f) => (Number.isFinite(v) ? `${x(f).toFixed(1)} ${y(v).toFixed(1)}` : '')).filter(Boolean);
  const stroke = armColour(arms.indexOf(a));
  return el('svg.spark', {viewBox: `-6 0 ${W + 12} ${H}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
    el('path', {d: `M0 ${H} L${points.join(' L')} L${W} ${H} Z`, fill: stroke, 'fill-opacity': 0.14}),
    el('path',
      {d: `M${points.join(' L')}`, fill: 'none', stroke, 'stroke-width': 2, 'vector-effect': 'non-scaling-stroke'}),
    el(
      'line', {x1: x(frame), x2: x(frame), y1: 0, y2: H, stroke: css('--ink'), 'vector-effect': 'non-scaling-stroke'}));
}

function player() {
  const able = arms.filter((a) => a.maps), cache = new Map();
  if (!able.length) return;
  const mapsOf = (a) => cache.get(a) ?? cache.set(a, Maps(a)).get(a);
  const strongestOf = (a) => {
    const seed = a.seeds.find((s) => s.seed === a.maps.seed);
    return seed?.strongest ? seed.strongest[0] * a.maps.heads + seed.strongest[1] : 0;
  };
  const now = {
    arm: able[0],
    head: strongestOf(able[0]),
    kind: 'mean',
    frame: mapsOf(able[0]).steps.length - 1,
    timer: 0,
    cell: null
  };
  const maps = () => mapsOf(now.arm), lastFrame = () => maps().steps.length - 1;
  let geometry = null;

  const canvas = el('canvas', {tabindex: 0, role: 'img'}), title = el('h3'), note = caption(), kinds = el('span');
  const range = el('input', {type: 'range', min: 0, step: 1, 'aria-label': 'Training step'}), spark = el('div');
  const output = el('output'), play = el('button', {type: 'button'}), cell = el('div.cell', {'aria-live': 'polite'});
  const armThumbs = el('div.thumbs'), headThumbs = el('div.thumbs');
  const armSelect = select('Arm', able.map(armName), (i) => choose(able[i], strongestOf(able[i])));
  const byLayerAndHead = () => choose(now.arm, +layerSelect.value * maps().heads + +headSelect.value);
  const layerSelect = select('Layer', [], byLayerAndHead), headSelect = select('Head', [], byLayerAndHead);

  function placeText(i) {
    const {pool, length, tokens} = maps();
    if (pool > 1) return `positions ${i * pool} to ${Math.min(length, (i + 1) * pool) - 1}`;
    return now.kind === 'first' && tokens.length ? `position ${i} “${tokenText(maps(), i)}”` : `position ${i}`;
  }

  function tellCell() {
    if (!now.cell) {
      cell.replaceChildren(small('Point at the map to read a weight.'));
      return;
    }
    const [i, j] = now.cell, q = maps().at(now.kind, now.frame, now.head, i, j);
    cell.replaceChildren(el('b', {}, q < 0 ? 'hidden' : ((q / 255) ** 2).toFixed(3)),
      small(`query ${placeText(i)} → key ${placeText(j)}`));
  }

  function paint() {
    const {steps, heads: n_heads} = maps(), step = steps[now.frame];
    geometry = paintMap(canvas, maps(), now);
    tellCell();
    range.value = now.frame;
    range.setAttribute('aria-valuetext', `step ${integer(step)}`);
    spark.replaceChildren(sparkline(now.arm, maps(), now.frame));
    output.replaceChildren(integer(step), small(`step, ${now.frame + 1} of ${steps.length}`));
    title.textContent = `${armName(now.arm)}, layer ${Math.floor(now.head / n_heads)}, head ${now.head % n_heads}`;
    canvas.setAttribute('aria-label', `Attention of ${title.textContent} at step ${integer(step)}`);
    for (const thumb of [...armThumbs.children, ...headThumbs.children]) thumb.paint(step);
  }

  function thumb(a, head, label) {
    const own = mapsOf(a), picture = el('canvas', {width: own.side, height: own.side, 'aria-hidden': 'true'});
    const isChosen = a === now.arm && head === now.head;
    const button =
      el('button', {type: 'button', title: label, 'aria-pressed': String(isChosen), onclick: () => choose(a, head)},
        picture, el('span', {}, label));
    button.paint = (step) => picture.getContext('2d').putImageData(own.image(now.kind, own.nearest(step), head), 0, 0);
    return button;
  }

  function rebuild() {
    const own = maps(), names = (word, n) => Array.from({length: n}, (_, i) => `${word} ${i}`);
    if (!own.has(now.kind)) now.kind = 'mean';
    armSelect.value = able.indexOf(now.arm);
    layerSelect.fill(names('layer', own.layers), Math.floor(now.head / own.heads));
    headSelect.fill(names('head', own.heads), now.head % own.heads);
    range.max = lastFrame();
    armThumbs.replaceChildren(...able.map((a) => thumb(a, strongestOf(a), armName(a))));
    headThumbs.replaceChildren(...Array.from({length: own.layers * own.heads},
      (_, h) =>
        thumb(now.arm, h, `${Math.floor(h / own.heads)}.${h % own.heads}${h === strongestOf(now.arm) ? ' ★' : ''}`)));
    const setKind = (kind) => {
      now.kind = kind;
      paint();
    };
    const options = [['mean', `mean of ${own.sequences} sequences`], ['first', 'first sequence']];
    kinds.replaceChildren(...(own.has('first') ? [segments('Which maps', options, now.kind, setKind)] : []));
    note.replaceChildren(
      `n = 1: seed ${own.seed}, the median seed of its arm. Rows are queries, columns keys; every row sums to one` +
      `${
        own.causal ? ', and what the mask hides is left blank' :
                     ''}. Colour follows the square root of the weight. The line over ` +
      `the slider is ${data.headline ?? 'empty'} of the strongest head, median over seeds.` +
      `${own.pool > 1 ? ` Positions are pooled by ${own.pool}.` : ''}`);
    paint();
  }

  function choose(a, head) {
    const step = maps().steps[now.frame];
    Object.assign(now, {arm: a, head, cell: null, frame: mapsOf(a).nearest(step)});
    rebuild();
  }
  function seek(frame) {
    now.frame = clamp(frame, 0, lastFrame());
    paint();
  }
  function setPlaying(on) {
    const isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    clearInterval(now.timer);
    if (on && now.frame === lastFrame()) seek(0);
    now.timer = on ?
      setInterval(() => (now.frame < lastFrame() ? seek(now.frame + 1) : setPlaying(false)), isCalm ? 900 : 180) :
      0;
    play.setAttribute('aria-label', on ? 'Pause' : 'Play the attention maps over training');
    play.replaceChildren(el('svg', {width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true'},
      el('path', {d: on ? 'M3 2h4v12H3zM9 2h4v12H9z' : 'M4 1.8v12.4L14 8z', fill: 'currentColor'})));
  }

  function point(event) {
    const box = canvas.getBoundingClientRect(), {edge, unit} = geometry;
    const [i, j] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor((v - edge) / unit));
    now.cell = i >= 0 && j >= 0 && i < maps().side && j < maps().side ? [i, j] : null;
    paint();
  }
  const ARROWS = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
  function press(event) {
    const move = ARROWS[event.key], end = maps().side - 1;
    if (event.key === ' ')
      setPlaying(!now.timer);
    else if (event.key === 'Home' || event.key === 'End')
      seek(event.key === 'Home' ? 0 : lastFrame());
    else if (move && event.shiftKey) {
      now.cell = now.cell ? now.cell.map((v, k) => clamp(v + move[k], 0, end)) : [0, 0];
      paint();
    } else if (move && move[1]) {
      setPlaying(false);
      seek(now.frame + move[1]);
    } else
      return;
    event.preventDefault();
  }
  play.addEventListener('click', () => setPlaying(!now.timer));
  range.addEventListener('input', () => {
    setPlaying(false);
    seek(+range.value);
  });
  canvas.addEventListener('pointermove', point);
  canvas.addEventListener('pointerdown', point);
  canvas.addEventListener('pointerleave', () => {
    now.cell = null;
    paint();
  });
  canvas.addEventListener('keydown', press);
  addEventListener('resize', paint);
  cleanups.push(() => {
    clearInterval(now.timer);
    removeEventListener('resize', paint);
  });

  const kbd = (text) => el('kbd', {}, text);
  section('maps', 'Attention while it learns', null, el('div.controls', {}, armSelect, layerSelect, headSelect, kinds),
    el('figure', {},
      el('div.maps', {},
        el('div', {}, canvas, el('div.transport', {}, play, el('div.track', {}, spark, range), output)),
        el('div.side', {}, el('div', {}, title, cell), themed(rampLegend),
          el('div', {}, el('h3', {}, 'Strongest head of each arm'), armThumbs),
          el('div', {}, el('h3', {}, 'All heads of this arm'), headThumbs),
          el('p.keys', {}, 'On the map: ', kbd('←'), ' ', kbd('→'), ' step, ', kbd('Space'), ' plays, ', kbd('Shift'),
            ' with arrows reads weights.'))),
      note));
  setPlaying(false);
  redraws.push(rebuild);
}
