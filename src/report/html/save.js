/* Saving what is shown: a figure as SVG or PNG, the numbers behind it as CSV. All of it is made here, from what the page
 * carries; nothing is sent or loaded.
 *
 * A PNG is painted from the elements as they stand: canvases, words where they are, strokes of the key. An SVG takes
 * along the colours and fonts that the style sheet gave it.
 */
'use strict';
(() => {

const MARGIN = 16, TITLE_ROOM = 30; /* pixels */
const SCALE = 2; /* pixels of a picture for one of the page */

/* ---- tables: the cells of base/shown.c ---- */

const FORMULA = /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20][^]/; /* what some programs take for a formula */
const HIDDEN = /[;\t][=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20][^]/; /* in a cell of those that split at these */
const NUMBER = /^([+-]?inf|nan|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/;

/* A cell of CSV (RFC 4180); words that a spreadsheet would run get a ' in front. */
function csvCell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return '';
  if (typeof value === 'number') return String(value).replace('Infinity', 'inf');
  const before = FORMULA.test(value) && !NUMBER.test(value) ? '\'' : '';
  return HIDDEN.test(value) || /[,"\r\n]/.test(value) ? `"${before}${value.replaceAll('"', '""')}"` : before + value;
}
const csvText = (rows) => rows.map((row) => `${row.map(csvCell).join(',')}\n`).join('');

/* Rows of arms: name and value on each axis in front, as in the tables beside the page. */
function armTable(list, columns, rowsOf) {
  const names = data.axes.map((name) => (['arm', ...columns].includes(name) ? `${name} (axis)` : name));
  return [['arm', ...names, ...columns], ...list.flatMap((a) => rowsOf(a).map((row) => [a.name, ...a.values, ...row]))];
}

/* ---- pictures ---- */

const STYLES = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-dasharray', 'stroke-linecap',
                'opacity', 'font-family', 'font-size', 'font-weight', 'text-anchor'];

/* An <svg> of the page as a file of its own, on the page's paper. */
function svgText(svg) {
  const copy = svg.cloneNode(true), {width, height} = svg.viewBox.baseVal, from = svg.querySelectorAll('*');
  copy.querySelectorAll('*').forEach((node, i) => {
    const style = getComputedStyle(from[i]);
    for (const name of STYLES) node.setAttribute(name, style.getPropertyValue(name));
    node.removeAttribute('class');
  });
  for (const [name, value] of [['width', width], ['height', height]]) copy.setAttribute(name, value);
  copy.prepend(el('rect', {width: '100%', height: '100%', fill: css('--paper')}));
  return new XMLSerializer().serializeToString(copy);
}

function blank(width, height, ground = css('--paper')) {
  const canvas = el('canvas', {width: Math.ceil(width * SCALE), height: Math.ceil(height * SCALE), style: `width:${width}px`}), context = canvas.getContext('2d');
  context.scale(SCALE, SCALE);
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = false;
  return {canvas, context};
}

function drawnSvg(text) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const {canvas, context} = blank(image.naturalWidth, image.naturalHeight);
      context.drawImage(image, 0, 0, image.naturalWidth, image.naturalHeight);
      resolve(canvas);
    };
    image.onerror = reject;
    image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  });
}

/* Each word where it stands: lines break in the picture as on the page. */
function paintWords(context, text, left, top) {
  const style = getComputedStyle(text.parentElement), range = document.createRange();
  context.fillStyle = style.color;
  context.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.textBaseline = 'middle';
  for (const {0: word, index} of text.data.matchAll(/\S+/g)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.length);
    const box = range.getBoundingClientRect();
    context.fillText(word, box.left - left, box.top + box.height / 2 - top);
  }
}

function paintBox(context, node, box) {
  const style = getComputedStyle(node), wide = parseFloat(style.borderTopWidth);
  if (node.matches('canvas')) context.drawImage(node, box.x, box.y, box.width, box.height);
  if (node.matches('.block, .ramp')) {
    context.fillStyle = style.backgroundColor;
    context.fillRect(box.x, box.y, box.width, box.height);
  }
  if (node.matches('.panels canvas')) {
    context.strokeStyle = style.borderTopColor;
    context.lineWidth = wide;
    context.strokeRect(box.x + wide / 2, box.y + wide / 2, box.width - wide, box.height - wide);
  }
  if (node.matches('.line-name')) {
    context.fillStyle = style.borderLeftColor;
    context.fillRect(box.x, box.y, parseFloat(style.borderLeftWidth), box.height);
  }
  if (node.matches('.swatch line')) {
    context.strokeStyle = node.getAttribute('stroke');
    context.lineWidth = 3;
    context.setLineDash((node.getAttribute('stroke-dasharray') ?? '').split(' ').filter(Boolean).map(Number));
    context.beginPath();
    context.moveTo(box.x, box.y + box.height / 2);
    context.lineTo(box.x + box.width, box.y + box.height / 2);
    context.stroke();
    context.setLineDash([]);
  }
}

/* What stands in an element, but for controls and other figures' SVG; with a title above it, where one is given, on
 * paper or another ground. */
function drawn(root, title, ground) {
  const box = root.getBoundingClientRect(), room = title ? TITLE_ROOM : 0, left = box.left - MARGIN, top = box.top - MARGIN - room;
  const {canvas, context} = blank(box.width + 2 * MARGIN, box.height + 2 * MARGIN + room, ground);
  context.fillStyle = css('--ink');
  context.font = `600 15px ${css('--sans')}`;
  if (title) context.fillText(title, MARGIN, MARGIN + 14, box.width);
  const isShown = (node) => !node.parentElement.closest('.save, .transport, .sr, .controls');
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = root; node; node = walker.nextNode()) {
    if (!isShown(node)) continue;
    if (node.nodeType === Node.TEXT_NODE) {
      if (!node.parentElement.closest('svg, style')) paintWords(context, node, left, top);
    } else {
      const {x, y, width: w, height: h} = node.getBoundingClientRect();
      paintBox(context, node, {x: x - left, y: y - top, width: w, height: h});
    }
  }
  return canvas;
}

/* ---- handing it over ---- */

function hand(blob, name) {
  const href = URL.createObjectURL(blob), link = el('a', {href, download: name.replace(/[^\w.+-]+/g, '-')});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 10000);
}

const KINDS = {
  svg: async (make) => new Blob([await make()], {type: 'image/svg+xml'}),
  png: async (make) => {
    const canvas = await make();
    return new Promise((done) => canvas.toBlob(done, 'image/png'));
  },
  csv: async (make) => new Blob([csvText(await make())], {type: 'text/csv'}),
};

/* Small buttons for what a figure can be saved as: {svg, png, csv}, functions that make text, a canvas, and rows of
 * which the first is the names. `name` says what it is, as text or a function. */
function save(name, makers) {
  const nameNow = () => `${data.name}-${typeof name === 'function' ? name() : name}`;
  return el('div.save', {}, 'Save', Object.entries(makers).map(([kind, make]) => el('button', {
    type: 'button',
    'aria-label': `Save ${typeof name === 'function' ? 'what is shown' : name} as ${kind.toUpperCase()}`,
    onclick: async () => hand(await KINDS[kind](make), `${nameNow()}.${kind}`),
  }, kind.toUpperCase())));
}

/* Of an <svg> that is drawn by then. */
const ofSvg = (find) => ({svg: () => svgText(find()), png: () => drawnSvg(svgText(find()))});

Object.assign(page, {save, saving: {csvCell, armTable, svgText, drawnSvg, drawn, ofSvg}});
})();
