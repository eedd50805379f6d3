/* One head's map large, whose weights are read by pointing or by arrow keys, beside the grid of all heads. */
'use strict';
(() => {

const {tokenText, paintMap, labelled, Grid, MOVES} = page, {now, maps, sink, isOne, nameOf, labelOf, which} = page.shown;
const {n_layers, n_heads, n_sequences, pool, has_words} = data.maps;
const SPELT = 8; /* positions of a cell that are told by their tokens, too */

const canvas = el('canvas', {tabindex: 0, role: 'img'});
const title = el('h2.plain'), told = el('p.told'), weight = el('div.cell', {'aria-live': 'polite'});
const layerOf = (head) => Math.floor(head / n_heads);
const layer = select('Layer', Array.from({length: n_layers}, (_, l) => `layer ${l}`), (l) => choose(l * n_heads + now.head % n_heads));
const column = select('Head', Array.from({length: n_heads}, (_, h) => `head ${h}`), (h) => choose(layerOf(now.head) * n_heads + h));
const grid = Grid(choose);
let geometry = null; /* where the map's cells are */

/* ---- painting ---- */

/* The positions of a cell, with their tokens where these are few. */
function placeText(i) {
  const {length, tokens} = maps().packed, first = i * pool, last = Math.min(length, first + pool) - 1;
  const spelt = tokens.slice(first, last + 1).map((_, k) => tokenText(maps(), first + k)).join(has_words ? '' : ' ');
  return `${first === last ? `position ${first}` : `positions ${first} to ${last}`}${spelt && last - first < SPELT ? ` “${spelt}”` : ''}`;
}

function paint() {
  geometry = paintMap(canvas, maps(), {kind: now.which > 0 ? 'first' : 'mean', frame: 0, head: now.head, cell: now.cell});
  if (!now.cell) {
    weight.replaceChildren(small('Point at the map, or walk over it with the arrow keys, to read a weight.'));
    return;
  }
  const [i, j] = now.cell, q = maps().at('mean', 0, now.head, i, j);
  weight.replaceChildren(el('b', {}, q < 0 ? 'hidden' : ((q / 255) ** 2).toFixed(3)), small(`query ${placeText(i)} → key ${placeText(j)}`));
}

function tellHead() {
  const label = labelOf(now.head), tokens = data.labels_by_token && data.frames[+data.labels_by_token[now.head]];
  const value = sink ? number(sink.values[now.head]) : NaN, star = now.head === data.answer.strongest ? ' ★' : '';
  title.replaceChildren(`Layer ${layerOf(now.head)}, head ${now.head % n_heads}${star}`);
  told.replaceChildren(labelled(label), tokens && tokens !== label ? `by token ${tokens}; ` : '',
    Number.isNaN(value) ? '' : `${value.toFixed(3)} on the first key (uniform ${number(sink.floor).toFixed(3)})`);
  canvas.setAttribute('aria-label', `Attention of head ${nameOf(now.head)}, ${which(now.which)}: ${label}`);
}

/* ---- what a reader does ---- */

function choose(head) {
  now.head = head;
  layer.value = layerOf(head);
  column.value = head % n_heads;
  tellHead();
  paint();
  grid.paint();
}

function rebuild() {
  now.cell = null;
  grid.rebuild();
  choose(now.head);
}

function press(event) {
  const move = MOVES[event.key], end = maps().side - 1;
  if (!move && event.key !== 'Escape') return;
  now.cell = move ? (now.cell ? now.cell.map((v, k) => clamp(v + move[k], 0, end)) : [0, 0]) : null;
  paint();
  event.preventDefault();
}

function point(event) {
  const box = canvas.getBoundingClientRect(), {side} = maps();
  const [i, j] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor((v - geometry.edge) / geometry.unit));
  now.cell = i >= 0 && j >= 0 && i < side && j < side ? [i, j] : null;
  paint();
}

/* The map as it stands, on paper, under its name. */
function savePicture() {
  const scale = window.devicePixelRatio || 1, head = 34 * scale, {width, height} = canvas;
  const picture = el('canvas', {width, height: height + head}), context = picture.getContext('2d');
  context.fillStyle = css('--paper');
  context.fillRect(0, 0, width, height + head);
  context.fillStyle = css('--ink');
  context.font = `${14 * scale}px ${css('--sans')}`;
  context.textBaseline = 'middle';
  context.fillText(`${data.name}, head ${nameOf(now.head)}, ${which(now.which)}`, 8 * scale, head / 2, width - 16 * scale);
  context.drawImage(canvas, 0, head);
  picture.toBlob((blob) => page.save(blob, `head-${nameOf(now.head)}.png`));
}

/* ---- the section ---- */

/* What a reader must know of the maps shown. */
function note() {
  const k = data.sequences.length, kbd = (text) => [el('kbd', {}, text), ' '];
  const which = k === n_sequences ? 'each of them' : `the first ${k} of them`;
  const carried = `In this page are the mean over all ${n_sequences} sequences and ${which}. `;
  const pooled = `Positions are pooled by ${pool}: a cell is what a mean query of ${pool} gives to all of its ${pool} keys. `;
  return caption('A row is a token that looks, a column a token that is looked at; colour follows the square root of the weight',
    data.maps.rows_sum_to_one ? ', and every row sums to one. ' : '. ', isOne ? '' : carried, pool > 1 ? pooled : '',
    'Weights are read within 0.004. ',
    el('span.keys', {}, ['←', '→', '↑', '↓'].map(kbd), 'walk over the map and over the heads; ★ is the strongest sink.'));
}

function player() {
  const choices = [...(isOne ? [] : [0]), ...data.sequences.map((_, k) => k + 1)];
  const chooser = select('Which maps', choices.map(which), (k) => {
    now.which = choices[k];
    rebuild();
  });
  canvas.addEventListener('pointermove', point);
  canvas.addEventListener('pointerdown', point);
  canvas.addEventListener('keydown', press);
  addEventListener('resize', rebuild);
  document.getElementById('top').append(el('div.atlas', {id: 'player'},
    el('div.large', {}, el('div.controls', {}, choices.length > 1 && chooser, layer, column),
      el('div', {}, title, told), canvas, themed(rampLegend), weight,
      el('button', {type: 'button', onclick: savePicture}, 'Save this map as PNG')),
    grid.node), note(), page.kinds(data.labels));
  redraws.push(rebuild);
}

Object.assign(page, {player, choose});
})();
