/* The page's data and small tools: numbers as text, elements, colours, sections. Loaded first. Its names are every
 * script's; theirs are their own, but for what they give to `page`: the function that builds the section of the file's
 * name, and map.js what maps.js plays. (Tools are not handed over there: `arms` and `ramp` are given anew, and a file
 * would keep the old ones.) Vanilla, no network; text is inserted as text, never as markup.
 *
 * Colours: Okabe and Ito's palette (Color Universal Design) for arms and labels, one hue of rising contrast for maps.
 */
'use strict';

const page = {};
const data = JSON.parse(document.getElementById('data').textContent);
const finished = data.arms.filter((arm) => arm.measured > 0); /* or, on a page that is served, measured so far */
let arms = finished; /* those that the page shows: see report.js */
const leftOut = data.measured - data.metrics.length; /* metrics that are in geometry.csv only */
const redraws = []; /* called when the theme changes, and once at the start */
const cleanups = []; /* called before sections are made again: what timers and listeners they leave outside themselves */

/* ---- numbers ---- */

const NAMED = {
  inf: Infinity,
  '-inf': -Infinity
};
const number = (v) => (typeof v === 'string' ? NAMED[v] : v ?? NaN);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const percent = (x) => `${+ (100 * x).toPrecision(3)} %`;
const integer = (x) => Math.round(x).toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
const logStep = (step) => Math.log10(1 + Math.max(0, step));

/* Three digits, "never" for infinity, a dash for what is not available. */
function show(v, digits = 3) {
  const x = number(v);
  if (Number.isNaN(x)) return '–';
  if (!Number.isFinite(x)) return x > 0 ? 'never' : 'start';
  if (Math.abs(x) >= 1000) return integer(x).replace('-', '−');
  return String(+x.toPrecision(digits)).replace('-', '−');
}

/* A metric's name in words; what it is in code stands beside where it matters. */
function inWords(name) {
  const words = name.replaceAll('_', ' ').replace('@', ' at ').replace('/', ', ').replace(/^pub /, '');
  return words[0].toUpperCase() + words.slice(1);
}

/* Of an interval {n, coverage, values: [median, low, high]}. */
const brackets = (i, digits) => (i.n > 1 ? `[${show(i.values[1], digits)}, ${show(i.values[2], digits)}]` : '');

/* 0, 1, 2, 5, 10, ... up to the last step: ticks of every logarithmic step axis. */
function stepTicks(last) {
  const ticks = [0];
  for (let decade = 1; decade <= last; decade *= 10)
    for (const k of last < 3000 ? [1, 2, 5] : [1, 5])
      if (k * decade <= last) ticks.push(k * decade);
  return ticks;
}

/* ---- elements ---- */

const SVG = new Set(['svg', 'g', 'path', 'rect', 'line', 'circle', 'text', 'title']);

/* el('td.num', {title: 'x'}, 'text', node): strings become text nodes; null and false are left out. */
function el(spec, attributes = {}, ...children) {
  const [tag, ...classes] = spec.split('.');
  const node = SVG.has(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (classes.length) node.setAttribute('class', classes.join(' '));
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on'))
      node.addEventListener(name.slice(2), value);
    else if (name === 'style')
      node.style.cssText = value;
    else if (value !== null && value !== undefined && value !== false)
      node.setAttribute(name, value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/* What is wider than its place scrolls, by keyboard, too: then, and only then, it can have the focus. */
const reach = new ResizeObserver((entries) => {
  for (const {target} of entries) {
    const overflows = target.scrollWidth > target.clientWidth;
    for (const [name, value] of [['tabindex', '0'], ['role', 'group'], ['aria-label', 'scrolls sideways']])
      overflows ? target.setAttribute(name, value) : target.removeAttribute(name);
  }
});
function scrolling(node) {
  reach.observe(node);
  return node;
}

const MOST_COLUMNS = 5; /* that a phone has room for: of a wider table each row is a list there (`told` is its heading) */

/* Columns are [heading, isNumber]; rows are lists of cells (text, node or list); a row's first cell is its heading. */
function table(columns, rows) {
  const head = columns.map(([text, isNumber]) => el(isNumber ? 'th.num' : 'th', {scope: 'col', role: 'columnheader'}, text));
  const body = rows.map((cells) => el('tr', {role: 'row'}, cells.map((cell, c) => {
    if (c === 0) return el('th', {scope: 'row', role: 'rowheader'}, cell);
    return el(`td${columns[c][1] ? '.num' : ''}${cell === '–' ? '.none' : ''}`, {role: 'cell', 'data-told': columns[c][0]}, el('div', {}, cell));
  })));
  return scrolling(el('div.scroll', {}, el(columns.length > MOST_COLUMNS ? 'table.wide' : 'table', {role: 'table'},
    el('thead', {role: 'rowgroup'}, el('tr', {role: 'row'}, head)), el('tbody', {role: 'rowgroup'}, body))));
}

const small = (...children) => el('small.dim', {}, ...children);
const caption = (...children) => el('figcaption', {}, ...children);
const key = (items) => el('ul.key', {}, items.map((item) => el('li', {}, item)));

/* An arm's stroke, in its colour and its dashes: either alone tells it from the others. */
const swatch = (i) => el('svg.swatch', {viewBox: '0 0 26 4', width: 26, height: 4, 'aria-hidden': 'true'}, el('line',
  {x1: 0, x2: 26, y1: 2, y2: 2, stroke: armColour(i), 'stroke-width': 3, 'stroke-dasharray': armDash(i).join(' ') || null}));
const block = (colour) => el('span.block', {style: `--c:${colour}`});

/* "arXiv 2508.02546" in a source becomes a link, which is followed only when clicked. */
function linked(text) {
  return text.split(/(arXiv[ :]?\d{4}\.\d{4,5})/i).map((part) => {
    const id = /^arXiv[ :]?(\d{4}\.\d{4,5})$/i.exec(part);
    return id ? el('a', {href: `https://arxiv.org/abs/${id[1]}`, rel: 'noreferrer'}, part) : part;
  });
}

/* A row of buttons of which one is pressed; options are [value, text]. */
function segments(label, options, chosen, onchange) {
  const press = (value) => {
    buttons.forEach((button, i) => button.setAttribute('aria-pressed', String(options[i][0] === value)));
    onchange(value);
  };
  const buttons = options.map(([value, text]) =>
    el('button', {type: 'button', 'aria-pressed': String(value === chosen), onclick: () => press(value)}, text));
  return Object.assign(el('div.segments', {role: 'group', 'aria-label': label}, buttons), {press});
}

function select(label, options, onchange) {
  const node = el('select', {'aria-label': label, onchange: () => onchange(+node.value)});
  node.fill = (texts, chosen) => {
    node.replaceChildren(...texts.map((text, i) => el('option', {value: i}, text)));
    node.value = chosen;
  };
  node.fill(options, 0);
  return node;
}

/* An element that is made again when the theme changes. */
function themed(make, spec = 'div') {
  const holder = el(spec);
  redraws.push(() => holder.replaceChildren(...[make()].flat()));
  return holder;
}

/* ---- sections ---- */

const sections = [];
function section(id, heading, lede, ...children) {
  sections.push([id, heading]);
  const node = el('section', {id, 'aria-labelledby': `${id}-heading`},
    el('span.number', {'aria-hidden': 'true'}, String(sections.length).padStart(2, '0')),
    el('h2', {id: `${id}-heading`}, heading), lede ? el('p.lede', {}, lede) : null, children);
  document.getElementById('top').append(node);
  return node;
}

/* ---- colours ---- */

const PALETTES = {
  light: {
    arms: ['#0072b2', '#d55e00', '#009e73', '#b5588f', '#e69f00', '#3d3d8f', '#56a5d8', '#7a5c00'],
    labels: ['#d4d1ca', '#0072b2', '#e69f00', '#009e73', '#cc3d3d', '#a06a94', '#ffffff'], /* as data.frames: none, ... */
    ramp: ['#f1eee7', '#d3e2ec', '#94bfdc', '#4a92c4', '#16639c', '#083c69', '#04203c'],
    mark: '#d55e00',
  },
  dark: {
    arms: ['#58b4f0', '#ff8a4c', '#35cf9f', '#ea9dc8', '#f5c04a', '#a9a8ff', '#9fd8ff', '#cfae55'],
    labels: ['#3a3f48', '#4aa8ea', '#f0b23c', '#2fc296', '#f07a7a', '#cf93bd', '#14171c'],
    ramp: ['#1d2129', '#1b3450', '#1f5485', '#2d7fbd', '#65b0e0', '#b2dcf6', '#fbfdff'],
    mark: '#ffa366',
  },
};
/* Figures are drawn for a narrow page where the page is one, and again when it is turned. */
const narrow = matchMedia('(max-width: 42rem)');
narrow.addEventListener('change', () => redraws.forEach((draw) => draw()));
const figureWidth = (most) => (narrow.matches ? 380 : clamp(innerWidth - 64, 640, most)); /* so that its letters stay readable */
const isDark = () => document.documentElement.dataset.theme === 'dark';
const palette = () => PALETTES[isDark() ? 'dark' : 'light'];
const armColour = (i) => palette().arms[i % palette().arms.length];
const DASHES = [[], [8, 3], [2, 3], [8, 3, 2, 3], [4, 2], [14, 4], [2, 2, 6, 2], [1, 5]];
const armDash = (i) => DASHES[(i + Math.floor(i / palette().arms.length)) % DASHES.length]; /* a colour comes back otherwise dashed */
const labelColour = (type) => palette().labels[type];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* 256 colours from the ramp's stops, three bytes each. */
let ramp = null;
function makeRamp() {
  const stops = palette().ramp.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const colours = new Uint8ClampedArray(3 * 256);
  for (let q = 0; q < 256; q++) {
    const x = (q / 255) * (stops.length - 1), i = Math.min(Math.floor(x), stops.length - 2);
    for (let c = 0; c < 3; c++) colours[3 * q + c] = stops[i][c] + (x - i) * (stops[i + 1][c] - stops[i][c]);
  }
  ramp = colours;
}
redraws.push(makeRamp);

/* Weights are coloured by their square root, as they were quantised, so that those near the floor stay apart. */
function rampLegend() {
  const ticks = [0, 0.05, 0.2, 0.5, 1].map((v) => el('span', {style: `left:${100 * Math.sqrt(v)}%`}, String(v)));
  const bar = el('div.ramp', {style: `background:linear-gradient(90deg, ${palette().ramp.join(',')})`});
  return el('div.ramp-box', {'aria-hidden': 'true'}, bar, el('div.ramp-ticks', {}, ticks));
}

/* An arm by its values; where several are shown, by those in which they differ. Served pages have arms whose runs go on. */
function armName(arm) {
  const told = arm.told.filter((_, x) => arms.length < 2 || arms.some((other) => other.values[x] !== arm.values[x]));
  const name = told.length ? told.join(' · ') : arm.told.length ? arm.told.join(' · ') : data.name;
  return arm.measured > arm.finished ? `${name} (so far)` : name;
}
const axisName = (axis) => axis.split('.').filter((word) => word !== 'kind').pop() ?? axis;
