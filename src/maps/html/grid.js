/* All heads, a row a layer: as small maps, or coloured by their sink mass, each marked by its label. A press or the arrow keys
 * choose one.
 */
'use strict';
(() => {

const {paintPictogram} = page, {now, maps, sink, labelOf, nameOf} = page.shown;
const {n_layers, n_heads} = data.maps, n = n_layers * n_heads;
const EDGE = 24; /* pixels for numbers, above and on the left; all others are of a head's tile: */
const LEAST = 4, CLEAR = 22, MOST = 84; /* the smallest; one whose mark is read; the largest */
const MARKED = 18, NUMBERED = 34; /* from here on it has a mark, its sink mass as a number */

const canvas = el('canvas', {tabindex: 0, role: 'img'});
const sheet = el('canvas'); /* all but the frame around the chosen head: drawn anew only where what it shows changes */
let tile = 0, kind = 'maps';

/* ---- painting ---- */

/* A map in fewer pixels than it has cells: of those that fall together the strongest, so that a thin sink stays seen. */
function shrunk(head, size) {
  const {side, at} = maps(), image = new ImageData(size, size), most = new Int16Array(size * size).fill(-1);
  for (let i = 0; i < side; i++)
    for (let j = 0; j < side; j++) {
      const to = Math.floor((i * size) / side) * size + Math.floor((j * size) / side);
      most[to] = Math.max(most[to], at('mean', 0, head, i, j));
    }
  most.forEach((q, to) => {
    if (q < 0) return;
    image.data.set(ramp.subarray(3 * q, 3 * q + 3), 4 * to);
    image.data[4 * to + 3] = 255;
  });
  return image;
}

function paintMap(context, head, x, y, size) {
  const pixels = Math.round(size * (window.devicePixelRatio || 1));
  const image = maps().side > pixels ? shrunk(head, pixels) : maps().image('mean', 0, head);
  const picture = el('canvas', {width: image.width, height: image.height});
  picture.getContext('2d').putImageData(image, 0, 0);
  context.fillStyle = css('--sunken');
  context.fillRect(x, y, size, size);
  context.drawImage(picture, x, y, size, size);
}

function paintSink(context, head, x, y, size) {
  const v = number(sink.values[head]), isKnown = !Number.isNaN(v), q = isKnown ? Math.round(255 * Math.sqrt(clamp(v, 0, 1))) : 0;
  context.fillStyle = isKnown ? `rgb(${ramp.slice(3 * q, 3 * q + 3).join(',')})` : css('--line');
  context.fillRect(x, y, size, size);
  if (tile < NUMBERED || !isKnown) return;
  context.fillStyle = q > 120 !== isDark() ? '#fff' : '#14161a';
  context.fillText(v.toFixed(2).replace(/^0/, ''), x + size / 2, y + size * 0.66);
}

function paintTile(context, head) {
  const x = EDGE + (head % n_heads) * tile, y = EDGE + Math.floor(head / n_heads) * tile, size = tile - 1;
  const mark = size >= 44 ? 15 : 10, paint = kind === 'maps' ? paintMap : paintSink;
  paint(context, head, x, y, size);
  if (tile >= MARKED) paintPictogram(context, labelOf(head), x + size - mark - 2, y + 2, mark);
}

/* Every layer and head is numbered, or every second, fourth, ...: as there is room. */
function paintNumbers(context) {
  const stride = [1, 2, 4, 8].find((k) => k * tile >= 15) ?? 8;
  context.fillStyle = css('--soft');
  for (let l = 0; l < n_layers; l += stride) context.fillText(l, EDGE / 2, EDGE + (l + 0.5) * tile);
  for (let h = 0; h < n_heads; h += stride) context.fillText(h, EDGE + (h + 0.5) * tile, EDGE / 2);
}

/* As large as there is room, but marks are to be read, even if layers go on below. */
function fit() {
  const room = canvas.parentElement.clientWidth - EDGE - 12, high = Math.max(CLEAR * n_layers, innerHeight - 340);
  tile = clamp(Math.floor(Math.min(room / n_heads, high / n_layers)), LEAST, MOST);
}

/* Everything anew: of other maps, another size or theme. */
function rebuild() {
  const scale = window.devicePixelRatio || 1;
  fit();
  const [width, height] = [EDGE + n_heads * tile + 2, EDGE + n_layers * tile + 2], context = sheet.getContext('2d');
  [sheet.width, sheet.height] = [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
  canvas.style.cssText = `width:${width}px;height:${height}px`;
  context.scale(scale, scale);
  context.imageSmoothingEnabled = false;
  context.font = `11.5px ${css('--sans')}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let head = 0; head < n; head++) paintTile(context, head);
  paintNumbers(context);
}

/* The sheet, and a frame around the chosen head. */
function paint() {
  const scale = window.devicePixelRatio || 1, context = canvas.getContext('2d');
  const [x, y] = [EDGE + (now.head % n_heads) * tile - 0.5, EDGE + Math.floor(now.head / n_heads) * tile - 0.5];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.drawImage(sheet, 0, 0);
  context.scale(scale, scale);
  for (const [colour, width] of [[css('--paper'), 4], [palette().mark, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.strokeRect(x, y, tile, tile);
  }
  canvas.setAttribute('aria-label', `All ${n} heads, a row a layer; chosen: head ${nameOf(now.head)}, ${labelOf(now.head)}`);
}

/* ---- what a reader does ---- */

const MOVES = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0]};

function press(event, choose) {
  const move = MOVES[event.key], [l, h] = [Math.floor(now.head / n_heads), now.head % n_heads];
  if (event.key === 'Home' || event.key === 'End')
    choose(event.key === 'Home' ? 0 : n - 1);
  else if (move)
    choose(clamp(l + move[0], 0, n_layers - 1) * n_heads + clamp(h + move[1], 0, n_heads - 1));
  else
    return;
  event.preventDefault();
}

function point(event, choose) {
  const box = canvas.getBoundingClientRect();
  const [l, h] = [event.clientY - box.top, event.clientX - box.left].map((v) => Math.floor((v - EDGE) / tile));
  if (l >= 0 && h >= 0 && l < n_layers && h < n_heads) choose(l * n_heads + h);
}

/* choose(head): what a press asks for. */
function Grid(choose) {
  const mode = sink && segments('What the grid shows', [['maps', 'small maps'], ['sink', 'sink mass']], kind, (chosen) => {
    kind = chosen;
    rebuild();
    paint();
  });
  canvas.addEventListener('click', (event) => point(event, choose));
  canvas.addEventListener('keydown', (event) => press(event, choose));
  return {
    rebuild, paint,
    node: el('div.all', {}, el('div.controls', {}, el('h2.plain', {}, 'All heads'), mode), el('div.sheet', {}, canvas)),
  };
}

Object.assign(page, {Grid, MOVES});
})();
