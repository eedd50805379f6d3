/* The maps: one head large, beside it all heads, layer by head. A press chooses a head, the arrows walk over heads or over
 * the large map's cells, whichever has the focus.
 */
'use strict';
(() => {

const {Maps, tokenText, paintMap, paintPictogram, labelled} = page;
const {n_layers, n_heads, n_sequences} = data.maps;
const EDGE = 24, LEAST_TILE = 4, CLEAR_TILE = 22, MOST_TILE = 84, NUMBERED = 34, MARKED = 18; /* pixels */

/* ---- what is shown ---- */

const sink = data.metrics.find((metric) => metric.name === 'sink_mass');
const isOne = n_sequences === 1;
const now = {which: isOne ? 1 : 0, head: data.answer.strongest ?? 0, cell: null, grid: 'maps'};
const cache = [];

/* The maps of choice `which`: 0 is the mean, the rest are sequences; as map.js reads them, of a single frame. */
function mapsOf(which) {
  const own = which > 0 ? data.sequences[which - 1] : data.maps;
  return cache[which] ??= Maps({n_layers, n_heads, steps: [0], tokens: [], pool: data.maps.pool, ...own,
    mean: own.maps ?? data.maps.mean});
}
const maps = () => mapsOf(now.which);
const shown = () => ({kind: now.which > 0 ? 'first' : 'mean', frame: 0, head: now.head, cell: now.cell});
const nameOf = (head) => `${Math.floor(head / n_heads)}.${head % n_heads}`;
const labelOf = (head) => data.frames[+data.labels[head]];
const which = (k) => (k === 0 ? `mean of ${n_sequences} sequences` : isOne ? 'the sequence' : `sequence ${k - 1}`);

const parts = {
  map: el('canvas', {tabindex: 0, role: 'img'}),
  grid: el('canvas', {tabindex: 0, role: 'img'}),
  title: el('h2.plain'),
  told: el('p.told'),
  cell: el('div.cell', {'aria-live': 'polite'}),
  layer: select('Layer', Array.from({length: n_layers}, (_, l) => `layer ${l}`), () => choose(+parts.layer.value * n_heads + now.head % n_heads)),
  head: select('Head', Array.from({length: n_heads}, (_, h) => `head ${h}`), () => choose(Math.floor(now.head / n_heads) * n_heads + +parts.head.value)),
};
let geometry = null, tile = 0; /* where the cells of the map are; pixels of a head in the grid */

/* ---- the large map ---- */

/* The places of a cell, with their tokens where there are few. */
function placeText(i) {
  const {pool, length, tokens} = maps().packed;
  const first = i * pool, last = Math.min(length, first + pool) - 1;
  const words = tokens.length && last - first < 8 ? ` “${tokens.slice(first, last + 1).map((_, k) => tokenText(maps(), first + k)).join(data.maps.has_words ? '' : ' ')}”` : '';
  return first === last ? `position ${first}${words}` : `positions ${first} to ${last}${words}`;
}

function tellCell() {
  if (!now.cell) {
    parts.cell.replaceChildren(small('Point at the map, or walk over it with the arrow keys, to read a weight.'));
    return;
  }
  const [i, j] = now.cell, q = maps().at('mean', 0, now.head, i, j);
  parts.cell.replaceChildren(el('b', {}, q < 0 ? 'hidden' : ((q / 255) ** 2).toFixed(3)),
    small(`query ${placeText(i)} → key ${placeText(j)}`));
}

function paintLarge() {
  geometry = paintMap(parts.map, maps(), shown());
  tellCell();
}

function tellHead() {
  const value = sink && number(sink.values[now.head]), star = now.head === data.answer.strongest ? ' ★' : '';
  const tokens = data.labels_by_token && data.frames[+data.labels_by_token[now.head]];
  parts.title.replaceChildren(`Layer ${Math.floor(now.head / n_heads)}, head ${now.head % n_heads}${star}`);
  parts.told.replaceChildren(labelled(labelOf(now.head)), tokens && tokens !== labelOf(now.head) ? `by token ${tokens}; ` : '',
    Number.isFinite(value) ? `${value.toFixed(3)} on the first key (uniform ${number(sink.floor).toFixed(3)})` : '');
  parts.map.setAttribute('aria-label', `Attention of head ${nameOf(now.head)}, ${which(now.which)}: ${labelOf(now.head)}`);
  parts.grid.setAttribute('aria-label', `All ${n_layers * n_heads} heads, a row a layer; chosen: head ${nameOf(now.head)}, ${labelOf(now.head)}`);
}

/* ---- all heads ---- */

/* A map in fewer pixels than it has cells: of those that fall together the strongest, so that a thin sink stays seen. */
function shrunk(head, size) {
  const {side} = maps(), image = new ImageData(size, size), most = new Int16Array(size * size).fill(-1);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) {
      const at = Math.floor((i * size) / side) * size + Math.floor((j * size) / side);
      most[at] = Math.max(most[at], maps().at('mean', 0, head, i, j));
    }
  most.forEach((q, at) => {
    if (q < 0) return;
    image.data.set(ramp.subarray(3 * q, 3 * q + 3), 4 * at);
    image.data[4 * at + 3] = 255;
  });
  return image;
}

function paintTile(context, head) {
  const x = EDGE + (head % n_heads) * tile, y = EDGE + Math.floor(head / n_heads) * tile, size = tile - 1;
  if (now.grid === 'maps') {
    const pixels = Math.round(size * (window.devicePixelRatio || 1));
    const image = maps().side > pixels ? shrunk(head, pixels) : maps().image('mean', 0, head);
    const picture = el('canvas', {width: image.width, height: image.height});
    picture.getContext('2d').putImageData(image, 0, 0);
    context.fillStyle = css('--sunken');
    context.fillRect(x, y, size, size);
    context.drawImage(picture, x, y, size, size);
  } else {
    const v = number(sink.values[head]), q = Number.isNaN(v) ? 0 : Math.round(255 * Math.sqrt(clamp(v, 0, 1)));
    context.fillStyle = Number.isNaN(v) ? css('--line') : `rgb(${ramp.slice(3 * q, 3 * q + 3).join(',')})`;
    context.fillRect(x, y, size, size);
    if (tile >= NUMBERED && !Number.isNaN(v)) {
      context.fillStyle = q > 120 !== isDark() ? '#fff' : '#14161a';
      context.fillText(v.toFixed(2).replace(/^0/, ''), x + size / 2, y + size * 0.66);
    }
  }
  const mark = tile >= 45 ? 15 : 10;
  if (tile >= MARKED) paintPictogram(context, labelOf(head), x + size - mark - 2, y + 2, mark);
}

/* Every how many layers or heads one is numbered. */
const stride = (n) => [1, 2, 4, 8, 16, 32, 64].find((k) => k * tile >= 15 || k >= n) ?? 64;

function paintNumbers(context) {
  context.fillStyle = css('--soft');
  for (let l = 0; l < n_layers; l += stride(n_layers)) context.fillText(l, EDGE / 2, EDGE + (l + 0.5) * tile);
  for (let h = 0; h < n_heads; h += stride(n_heads)) context.fillText(h, EDGE + (h + 0.5) * tile, EDGE / 2);
}

/* The grid without its mark: drawn anew only when what it shows changes. */
const sheet = el('canvas');
function paintSheet() {
  const scale = window.devicePixelRatio || 1, room = parts.grid.parentElement.clientWidth - EDGE - 12;
  const high = Math.max(CLEAR_TILE * n_layers, innerHeight - 340); /* marks are to be read, even if layers go on below */
  tile = clamp(Math.floor(Math.min(room / n_heads, high / n_layers)), LEAST_TILE, MOST_TILE);
  const [width, height] = [EDGE + n_heads * tile + 2, EDGE + n_layers * tile + 2];
  const context = sheet.getContext('2d');
  [sheet.width, sheet.height] = [parts.grid.width, parts.grid.height] = [Math.round(width * scale), Math.round(height * scale)];
  parts.grid.style.cssText = `width:${width}px;height:${height}px`;
  context.scale(scale, scale);
  context.imageSmoothingEnabled = false;
  context.font = `11.5px ${css('--sans')}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let head = 0; head < n_layers * n_heads; head++) paintTile(context, head);
  paintNumbers(context);
}

function paintGrid() {
  const scale = window.devicePixelRatio || 1, context = parts.grid.getContext('2d');
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, parts.grid.width, parts.grid.height);
  context.drawImage(sheet, 0, 0);
  context.scale(scale, scale);
  const [x, y] = [EDGE + (now.head % n_heads) * tile - 0.5, EDGE + Math.floor(now.head / n_heads) * tile - 0.5];
  for (const [colour, width] of [[css('--paper'), 4], [palette().mark, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x, y, tile, tile);
  }
}

/* ---- what a reader does ---- */

function choose(head) {
  now.head = clamp(head, 0, n_layers * n_heads - 1);
  parts.layer.value = Math.floor(now.head / n_heads);
  parts.head.value = now.head % n_heads;
  tellHead();
  paintLarge();
  paintGrid();
}

function rebuild() {
  now.cell = null;
  paintSheet();
  choose(now.head);
}

const ARROWS = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

function pressMap(event) {
  const move = ARROWS[event.key], end = maps().side - 1;
  if (!move && event.key !== 'Escape') return;
  now.cell = move ? (now.cell ? now.cell.map((v, k) => clamp(v + move[k], 0, end)) : [0, 0]) : null;
  paintLarge();
  event.preventDefault();
}

function pressGrid(event) {
  const move = ARROWS[event.key], at = [Math.floor(now.head / n_heads), now.head % n_heads];
  if (event.key === 'Home' || event.key === 'End')
    choose(event.key === 'Home' ? 0 : n_layers * n_heads - 1);
  else if (move)
    choose(clamp(at[0] + move[0], 0, n_layers - 1) * n_heads + clamp(at[1] + move[1], 0, n_heads - 1));
  else
    return;
  event.preventDefault();
}

function pointMap(event) {
  const box = parts.map.getBoundingClientRect(), {side} = maps();
  const [i, j] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor((v - geometry.edge) / geometry.unit));
  now.cell = i >= 0 && j >= 0 && i < side && j < side ? [i, j] : null;
  paintLarge();
}

function pointGrid(event) {
  const box = parts.grid.getBoundingClientRect();
  const [l, h] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor((v - EDGE) / tile));
  if (l >= 0 && h >= 0 && l < n_layers && h < n_heads) choose(l * n_heads + h);
}

function listen() {
  parts.map.addEventListener('pointermove', pointMap);
  parts.map.addEventListener('pointerdown', pointMap);
  parts.map.addEventListener('keydown', pressMap);
  parts.grid.addEventListener('click', pointGrid);
  parts.grid.addEventListener('keydown', pressGrid);
  addEventListener('resize', rebuild);
}

/* ---- the picture as a file ---- */

/* The map as it stands, on paper, under its name. */
function savePicture() {
  const scale = window.devicePixelRatio || 1, head = 34 * scale, {width, height} = parts.map;
  const picture = el('canvas', {width, height: height + head}), context = picture.getContext('2d');
  context.fillStyle = css('--paper');
  context.fillRect(0, 0, width, height + head);
  context.fillStyle = css('--ink');
  context.font = `${14 * scale}px ${css('--sans')}`;
  context.textBaseline = 'middle';
  context.fillText(`${data.name}, head ${nameOf(now.head)}, ${which(now.which)}`, 8 * scale, head / 2, width - 16 * scale);
  context.drawImage(parts.map, 0, head);
  picture.toBlob((blob) => page.save(blob, `head-${nameOf(now.head)}.png`));
}

/* ---- the section ---- */

/* What a reader must know of the maps shown. */
function note() {
  const {pool, rows_sum_to_one} = data.maps, k = data.sequences.length, kbd = (text) => el('kbd', {}, text);
  const how = isOne ? '' : `In this page are the mean over all ${n_sequences} sequences and ${k === n_sequences ? 'each of them' : `the first ${k} of them`}. `;
  return caption('A row is a token that looks, a column a token that is looked at; colour follows the square root of the weight',
    rows_sum_to_one ? ', and every row sums to one. ' : '. ', how,
    pool > 1 ? `Positions are pooled by ${pool}: a cell is what a mean query of ${pool} gives to all of its ${pool} keys. ` : '',
    'Weights are read within 0.004. ', el('span.keys', {}, kbd('←'), ' ', kbd('→'), ' ', kbd('↑'), ' ', kbd('↓'), ' walk over the maps and over the heads; ★ is the strongest sink.'));
}

function player() {
  const choices = [...(isOne ? [] : [0]), ...data.sequences.map((_, k) => k + 1)];
  const chooser = select('Which maps', choices.map(which), (k) => {
    now.which = choices[k];
    rebuild();
  });
  const modes = [['maps', 'small maps'], ['sink', 'sink mass']];
  const mode = segments('What the grid shows', modes, now.grid, (grid) => {
    now.grid = grid;
    paintSheet();
    paintGrid();
  });
  listen();
  document.getElementById('top').append(el('div.atlas', {id: 'player'},
    el('div.large', {}, el('div.controls', {}, choices.length > 1 && chooser, parts.layer, parts.head),
      el('div', {}, parts.title, parts.told), parts.map, themed(rampLegend), parts.cell,
      el('button', {type: 'button', onclick: savePicture}, 'Save this map as PNG')),
    el('div.all', {}, el('div.controls', {}, el('h2.plain', {}, 'All heads'), sink && mode), el('div.sheet', {}, parts.grid))),
    note(), page.kinds(data.labels));
  redraws.push(rebuild);
}

Object.assign(page, {player, choose, nameOf});
})();
