/* Attention maps played over training: one head large, the strongest head of every arm and all heads of the arm small.
 * Left, right, Home, End and Space work on the map; with Shift, arrows walk over its cells.
 */
'use strict';
(() => {

const {tokenText, paintMap, film, save, saving, view} = page, {mapsOf, strongestOf} = film;

/* The headline metric of the head and the seed that are shown, with the present frame marked: the slider's backdrop. The
 * scale is that of the seed's highest head, so that heads can be compared. */
function sparkline(a, maps, {head, frame}) {
  const all = maps.packed.headline?.map((line) => line.map(number)), n = maps.steps.length;
  if (!all || n < 2) return el('svg');
  const W = 600, H = 44, top = Math.max(...all.flat().filter(Number.isFinite), 1e-9);
  const x = (f) => (W * f) / (n - 1), y = (v) => H - 3 - ((H - 8) * Math.max(0, v)) / top;
  const points = all[head].map((v, f) => (Number.isFinite(v) ? `${x(f).toFixed(1)} ${y(v).toFixed(1)}` : '')).filter(Boolean);
  const stroke = armColour(arms.indexOf(a)), still = {'vector-effect': 'non-scaling-stroke'};
  return el('svg.spark', {viewBox: `-6 0 ${W + 12} ${H}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
    el('path', {d: `M0 ${H} L${points.join(' L')} L${W} ${H} Z`, fill: stroke, 'fill-opacity': 0.14}),
    el('path', {d: `M${points.join(' L')}`, fill: 'none', stroke, 'stroke-width': 2, ...still}),
    el('line', {x1: x(frame), x2: x(frame), y1: 0, y2: H, stroke: css('--ink'), ...still}));
}

/* What there is to know of the maps shown. */
function mapsNote(a, maps) {
  const {seed, rows_sum_to_one, pool, headline} = maps.packed;
  const facts = [rows_sum_to_one && 'every row sums to one', maps.hides && 'what the mask hides is left blank'];
  const told = facts.filter(Boolean).join(', and ');
  return `n = 1: seed ${seed}${seed === a.representative ? ', the median seed of its arm' : ''}. Rows are queries, columns keys${told && `; ${told}`}. ` +
    `Colour follows the square root of the weight. ${headline ? `The line over the slider is ${inWords(data.headline).toLowerCase()} of this head in this seed.` : ''}` +
    `${pool > 1 ? ` Positions are pooled by ${pool}.` : ''}`;
}

/* ---- the player ---- */

/* What is shown: an arm's maps, one head large, at one frame; and the elements that show it. */
function Player(able) {
  const player = {
    able,
    now: {arm: able[0], head: strongestOf(able[0]), isStrongest: true, kind: 'mean', frame: 0, step: mapsOf(able[0]).steps.at(-1), cell: null},
    timer: 0,
    geometry: null, /* where the large map's cells are */
    maps: () => mapsOf(player.now.arm),
    lastFrame: () => player.maps().steps.length - 1,
    choose(a, head) {
      Object.assign(player.now, {arm: a, head, isStrongest: head === strongestOf(a), cell: null, frame: mapsOf(a).nearest(player.now.step)});
      rebuild(player);
    },
    /* Another seed: its strongest head, where the strongest was shown. */
    follow: () => player.choose(player.now.arm, player.now.isStrongest ? strongestOf(player.now.arm) : player.now.head),
    seek(frame) {
      player.now.frame = clamp(frame, 0, player.lastFrame());
      player.now.step = player.maps().steps[player.now.frame];
      paint(player);
    },
    point(cell) {
      player.now.cell = cell;
      paint(player);
    },
  };
  player.parts = partsOf(player);
  return player;
}

function partsOf(player) {
  const {able, now, choose} = player;
  const byLayerAndHead = () => choose(now.arm, +parts.layer.value * player.maps().n_heads + +parts.head.value);
  const parts = {
    canvas: el('canvas', {tabindex: 0, role: 'img'}),
    title: el('h3'),
    note: caption(),
    kinds: el('span'),
    range: el('input', {type: 'range', min: 0, step: 1, 'aria-label': 'Training step'}),
    spark: el('div'),
    output: el('output'),
    play: el('button', {type: 'button'}),
    cell: el('div.cell', {'aria-live': 'polite'}),
    armThumbs: el('div.thumbs'),
    headThumbs: el('div.thumbs'),
    arm: select('Arm', able.map(armName), (i) => choose(able[i], strongestOf(able[i]))),
    layer: select('Layer', [], byLayerAndHead),
    head: select('Head', [], byLayerAndHead),
    seed: film.seedChoice('maps', player.follow),
  };
  return parts;
}

function placeText(player, i) {
  const maps = player.maps(), {pool, length, tokens} = maps.packed;
  if (pool > 1) return `positions ${i * pool} to ${Math.min(length, (i + 1) * pool) - 1}`;
  return player.now.kind === 'first' && tokens.length ? `position ${i} “${tokenText(maps, i)}”` : `position ${i}`;
}

function tellCell(player) {
  const {now, parts} = player;
  if (!now.cell) {
    parts.cell.replaceChildren(small('Point at the map, or tap it, to read a weight.'));
    return;
  }
  const [i, j] = now.cell, q = player.maps().at(now.kind, now.frame, now.head, i, j);
  parts.cell.replaceChildren(el('b', {}, q < 0 ? 'hidden' : ((q / 255) ** 2).toFixed(3)),
    small(`query ${placeText(player, i)} → key ${placeText(player, j)}`));
}

/* What changes with the frame and the cell. */
function paint(player) {
  const {now, parts} = player, maps = player.maps(), {steps, n_heads} = maps, step = steps[now.frame];
  player.geometry = paintMap(parts.canvas, maps, now);
  tellCell(player);
  parts.range.value = now.frame;
  parts.range.setAttribute('aria-valuetext', `step ${integer(step)}`);
  parts.spark.replaceChildren(sparkline(now.arm, maps, now));
  parts.output.replaceChildren(integer(step), small(`step, ${now.frame + 1} of ${steps.length}`));
  parts.title.textContent = `${armName(now.arm)}, seed ${maps.packed.seed}, layer ${Math.floor(now.head / n_heads)}, head ${now.head % n_heads}`;
  parts.canvas.setAttribute('aria-label', `Attention of ${parts.title.textContent} at step ${integer(step)}`);
  for (const thumb of [...parts.armThumbs.children, ...parts.headThumbs.children]) thumb.paint(step);
}

function thumb(player, a, head, label) {
  const {now} = player, own = mapsOf(a), isChosen = a === now.arm && head === now.head;
  const picture = el('canvas', {width: own.side, height: own.side, 'aria-hidden': 'true'});
  const button = el('button',
    {type: 'button', title: label, 'aria-pressed': String(isChosen), onclick: () => player.choose(a, head)},
    picture, el('span', {}, label));
  button.paint = (step) => picture.getContext('2d').putImageData(own.image(now.kind, own.nearest(step), head), 0, 0);
  return button;
}

/* What changes with the arm and the head. */
function rebuild(player) {
  const focused = [player.parts.armThumbs, player.parts.headThumbs].find((thumbs) => thumbs.contains(document.activeElement));
  const {now, parts, able} = player, own = player.maps(), {n_heads} = own, {n_layers} = own.packed;
  const names = (word, n) => Array.from({length: n}, (_, i) => `${word} ${i}`);
  const star = (h) => (h === strongestOf(now.arm) ? ' ★' : '');
  if (!own.has(now.kind)) now.kind = 'mean';
  parts.arm.value = able.indexOf(now.arm);
  parts.layer.fill(names('layer', n_layers), Math.floor(now.head / n_heads));
  parts.head.fill(names('head', n_heads), now.head % n_heads);
  parts.range.max = player.lastFrame();
  parts.armThumbs.replaceChildren(...able.map((a) => thumb(player, a, strongestOf(a), armName(a))));
  parts.headThumbs.replaceChildren(...Array.from({length: n_layers * n_heads},
    (_, h) => thumb(player, now.arm, h, `${Math.floor(h / n_heads)}.${h % n_heads}${star(h)}`)));
  const setKind = (kind) => {
    now.kind = kind;
    paint(player);
  };
  const options = [['mean', `mean of ${own.packed.n_sequences} sequences`], ['first', 'first sequence']];
  parts.kinds.replaceChildren(...(own.has('first') ? [segments('Which maps', options, now.kind, setKind)] : []));
  parts.note.replaceChildren(mapsNote(now.arm, own));
  focused?.querySelector('[aria-pressed=true]')?.focus({preventScroll: true}); /* the button that was pressed is gone */
  paint(player);
}

function setPlaying(player, on) {
  const {now, parts, seek, lastFrame} = player, isCalm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  clearInterval(player.timer);
  if (on && now.frame === lastFrame()) seek(0);
  player.timer = on ?
    setInterval(() => (now.frame < lastFrame() ? seek(now.frame + 1) : setPlaying(player, false)), isCalm ? 900 : 180) :
    0;
  parts.play.toggleAttribute('data-plays', on);
  parts.play.setAttribute('aria-label', on ? 'Pause' : 'Play the attention maps over training');
  parts.play.replaceChildren(el('svg', {width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true'},
    el('path', {d: on ? 'M3 2h4v12H3zM9 2h4v12H9z' : 'M4 1.8v12.4L14 8z', fill: 'currentColor'})));
}

/* ---- what a reader does ---- */

function pointAt(player, event) {
  const box = player.parts.canvas.getBoundingClientRect(), {edge, unit} = player.geometry, {side} = player.maps();
  const [i, j] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor((v - edge) / unit));
  player.point(i >= 0 && j >= 0 && i < side && j < side ? [i, j] : null);
}

const ARROWS = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};
function press(player, event) {
  const {now, seek} = player, move = ARROWS[event.key], end = player.maps().side - 1;
  if (event.key === ' ')
    setPlaying(player, !player.timer);
  else if (event.key === 'Home' || event.key === 'End')
    seek(event.key === 'Home' ? 0 : player.lastFrame());
  else if (move && event.shiftKey)
    player.point(now.cell ? now.cell.map((v, k) => clamp(v + move[k], 0, end)) : [0, 0]);
  else if (move && move[1]) {
    setPlaying(player, false);
    seek(now.frame + move[1]);
  } else
    return;
  event.preventDefault();
}

function listen(player) {
  const {canvas, range, play} = player.parts, repaint = () => paint(player);
  play.addEventListener('click', () => setPlaying(player, !player.timer));
  range.addEventListener('input', () => {
    setPlaying(player, false);
    player.seek(+range.value);
  });
  canvas.addEventListener('pointermove', (event) => pointAt(player, event));
  canvas.addEventListener('pointerdown', (event) => pointAt(player, event));
  canvas.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && player.point(null)); /* a finger leaves at once */
  canvas.addEventListener('keydown', (event) => press(player, event));
  addEventListener('resize', repaint);
  cleanups.push(() => {
    clearInterval(player.timer);
    removeEventListener('resize', repaint);
  });
}

/* What a link holds of the player. */
function keepView(player) {
  const {now, able} = player;
  view.keep('maps', (params) => {
    const {n_heads} = player.maps();
    for (const [key, value] of [['arm', now.arm.name], ['layer', Math.floor(now.head / n_heads)], ['head', now.head % n_heads], ['kind', now.kind], ['step', player.maps().steps[now.frame]]])
      params.set(key, value);
    if (player.timer) params.set('play', 'maps');
  }, (params) => {
    const arm = able.find((a) => a.name === view.oneOf(params, 'arm', able.map((own) => own.name))) ?? now.arm;
    const {n_heads, packed, steps} = mapsOf(arm), kind = view.oneOf(params, 'kind', ['mean', 'first']);
    const layer = view.whole(params, 'layer', 0, packed.n_layers - 1), head = view.whole(params, 'head', 0, n_heads - 1);
    now.step = view.whole(params, 'step', 0, steps.at(-1)) ?? now.step;
    now.kind = kind ?? now.kind;
    setPlaying(player, false);
    player.choose(arm, layer === null || head === null ? strongestOf(arm) : layer * n_heads + head);
    if (params.get('play') === 'maps' && !matchMedia('(prefers-reduced-motion: reduce)').matches) setPlaying(player, true);
  });
}

function maps() {
  const able = arms.filter((a) => a.maps);
  if (!able.length) return;
  const own = Player(able), {parts} = own, kbd = (text) => el('kbd', {}, text);
  listen(own);
  keepView(own);
  const saved = () => `attention-${own.now.arm.name}-seed-${own.maps().packed.seed}-head-${own.now.head}-step-${own.maps().steps[own.now.frame]}`;
  section('maps', 'Attention while it learns', null,
    el('div.controls', {}, parts.arm, parts.seed, parts.layer, parts.head, parts.kinds),
    el('figure', {},
      el('div.maps', {},
        el('div', {}, parts.canvas,
          el('div.transport', {}, parts.play, el('div.track', {}, parts.spark, parts.range), parts.output)),
        el('div.side', {}, el('div', {}, parts.title, parts.cell), themed(rampLegend),
          el('div', {}, el('h3', {}, 'Strongest head of each arm'), parts.armThumbs),
          el('div', {}, el('h3', {}, 'All heads of this arm'), parts.headThumbs),
          el('p.keys', {}, 'On the map: ', kbd('←'), ' ', kbd('→'), ' step, ', kbd('Space'), ' plays, ', kbd('Shift'),
            ' with arrows reads weights.'))),
      parts.note, save(saved, {
        png: () => saving.drawn(parts.canvas, `${parts.title.textContent}, step ${integer(own.now.step)}`),
        csv: () => own.maps().rows(own.now.kind, own.now.frame, own.now.head),
      })));
  setPlaying(own, false);
  redraws.push(own.follow);
}

page.maps = maps;
})();
