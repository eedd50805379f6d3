/* The page's script: reads the document (report/document.c) and draws it. Vanilla, no network; text is inserted as text.
 * Colours: Okabe and Ito's palette (Color Universal Design) for arms and labels, one hue of rising contrast for maps.
 */
(() => {
'use strict';

/* ---- data and small tools ---- */

const data = JSON.parse(document.getElementById('data').textContent);
const arms = data.arms.filter((arm) => arm.finished > 0);
const number = (v) => (v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v === null || v === undefined ? NaN : v);
const clamp = (x, lo, hi) => Math.min(hi, Math.max(lo, x));
const percent = (x) => `${+(100 * x).toPrecision(3)} %`;
const plural = (n, word) => `${n} ${word}${n === 1 ? '' : 's'}`;
const integer = (x) => Math.round(x).toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
const axisName = (i) => data.axes[i].split('.').filter((w) => w !== 'kind').slice(-1)[0] || data.axes[i];
const armName = (arm) => (arm.values.length ? arm.values.join(' · ') : data.name);

function show(v, digits = 3) {
  const x = number(v);
  if (Number.isNaN(x)) return '–';
  if (!Number.isFinite(x)) return x > 0 ? 'never' : 'start';
  if (x === 0) return '0';
  return Math.abs(x) >= 1000 ? integer(x) : (+x.toPrecision(digits)).toString();
}
const interval = (i, digits) => (i.n > 1 ? `[${show(i.values[1], digits)}, ${show(i.values[2], digits)}]` : '');

/* el('td.num', {title: 'x'}, 'text', child): children that are strings become text nodes. */
function el(spec, attributes = {}, ...children) {
  const [, tag, , classes] = /^([a-z0-9]+)(\.(.*))?$/.exec(spec);
  const svg = ['svg', 'g', 'path', 'rect', 'line', 'circle', 'text', 'title'].includes(tag);
  const node = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  if (classes) node.setAttribute('class', classes.split('.').join(' '));
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'style') node.style.cssText = value;
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/* ---- colours ---- */

const isDark = () => document.documentElement.dataset.theme === 'dark';
const ARMS = {
  light: ['#0072b2', '#d55e00', '#009e73', '#b5588f', '#e69f00', '#3d3d8f', '#56a5d8', '#7a5c00'],
  dark: ['#58b4f0', '#ff8a4c', '#35cf9f', '#ea9dc8', '#f5c04a', '#a9a8ff', '#9fd8ff', '#cfae55'],
};
const LABELS = { /* none, centralized, distributed, bidirectional, other */
  light: ['#d4d1ca', '#0072b2', '#e69f00', '#009e73', '#a06a94'],
  dark: ['#3a3f48', '#4aa8ea', '#f0b23c', '#2fc296', '#cf93bd'],
};
const RAMP = { /* lightness falls (rises, in the dark) steadily: readable in grey */
  light: ['#f6f4ee', '#d3e2ec', '#94bfdc', '#4a92c4', '#16639c', '#083c69', '#04203c'],
  dark: ['#15181d', '#17304a', '#1c5080', '#2b7cba', '#62addf', '#b0dbf6', '#fbfdff'],
};
const tone = () => (isDark() ? 'dark' : 'light');
const armColour = (i) => ARMS[tone()][i % 8];
const labelColour = (type) => LABELS[tone()][type];
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
function makeRamp() {
  const stops = RAMP[tone()].map(rgb), table = new Uint8ClampedArray(768);
  for (let q = 0; q < 256; q++) {
    const x = (q / 255) * (stops.length - 1), i = Math.min(Math.floor(x), stops.length - 2);
    for (let c = 0; c < 3; c++) table[3 * q + c] = stops[i][c] + (x - i) * (stops[i + 1][c] - stops[i][c]);
  }
  return table;
}
const rampGradient = () => `linear-gradient(90deg, ${RAMP[tone()].join(',')})`;
let ramp = makeRamp();
const redraws = []; /* called when the theme changes */

/* ---- page frame ---- */

const main = document.getElementById('top');
const sections = [];
function section(id, heading, lede, ...children) {
  sections.push([id, heading]);
  const node = el('section', { id, 'aria-labelledby': `${id}-h` },
    el('span.number', { 'aria-hidden': 'true' }, String(sections.length).padStart(2, '0')),
    el('h2', { id: `${id}-h` }, heading), lede ? el('p.lede', {}, lede) : null, ...children);
  main.append(node);
  return node;
}
/* "arXiv 2508.02546" in a source becomes a link, followed only when clicked. */
function linked(text) {
  return text.split(/(arXiv[ :]?\d{4}\.\d{4,5})/i).map((part) => {
    const id = /^arXiv[ :]?(\d{4}\.\d{4,5})$/i.exec(part);
    return id ? el('a', { href: `https://arxiv.org/abs/${id[1]}`, rel: 'noreferrer' }, part) : part;
  });
}
const key = (items) => el('ul.key', {}, items.map(([mark, text]) => el('li', {}, mark, text)));
const armKey = () => key(arms.map((arm, i) => [el('span.swatch', { style: `--c:${armColour(i)}` }), armName(arm)]));
function themedKey(make) {
  const holder = el('div', {}, make());
  redraws.push(() => holder.replaceChildren(make()));
  return holder;
}
function segments(label, options, chosen, onchange) {
  const buttons = options.map(([value, text]) => el('button', {
    type: 'button', 'aria-pressed': String(value === chosen),
    onclick: () => { buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(options[i][0] === value))); onchange(value); },
  }, text));
  return el('div.segments', { role: 'group', 'aria-label': label }, buttons);
}
const select = (label, options, onchange) => el('label', {}, label, el('select', { onchange: (e) => onchange(e.target.value) },
  options.map(([value, text]) => el('option', { value }, text))));

function hero() {
  const finished = arms.reduce((n, arm) => n + arm.finished, 0), planned = data.arms.reduce((n, arm) => n + arm.planned, 0);
  const counts = ['supported', 'refuted'].map((v) => data.verdicts.filter((x) => x.verdict === v).length);
  const open = data.verdicts.length - counts[0] - counts[1];
  const fact = (term, value, note) => el('div', {}, el('dt', {}, term), el('dd', {}, String(value), note ? el('small', {}, ` ${note}`) : null));
  main.append(el('div.hero', {}, el('p.eyebrow', {}, data.name), el('h1', {}, data.title || data.name),
    data.claim ? el('p.claim', {}, data.claim) : null,
    data.source ? el('p.source', {}, 'Source: ', linked(data.source)) : null,
    el('dl.facts', {},
      fact('Arms', data.arms.length, data.axes.length ? `over ${data.axes.map((_, i) => axisName(i)).join(', ')}` : ''),
      fact('Runs finished', `${finished}`, `of ${planned}`),
      arms.length ? fact('Model', arms[0].parameters ? integer(arms[0].parameters) : '–', `parameters, ${arms[0].layers} × ${arms[0].heads} heads`) : null,
      arms.length ? fact('Measured at', arms[0].steps.length, `steps, on ${arms[0].sequences} sequences`) : null,
      data.verdicts.length ? fact('Expectations', counts[0], `supported, ${counts[1]} refuted, ${open} open`) : null)));
}

/* ---- verdicts ---- */

const MARKS = { supported: 'M2 7l3 3 6-7', refuted: 'M3 3l7 7M10 3l-7 7' };
function chip(verdict) {
  const text = verdict.needs_n ? `${verdict.verdict}, needs n ≥ ${verdict.needs_n}` : verdict.verdict;
  return el(`span.chip.${verdict.verdict.split(' ')[0]}`, {}, el('svg', { width: 13, height: 13, viewBox: '0 0 13 13', 'aria-hidden': 'true' },
    el('path', { d: MARKS[verdict.verdict] || 'M2.5 6.5h8', fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round' })), text);
}
function found(test) {
  const where = test.against ? `${test.arm} − ${test.against}` : test.arm;
  const what = test.n_hold !== undefined ? `${test.n_hold} of ${test.n} seeds`
    : test.n > 1 ? `${show(test.median)} [${show(test.low)}, ${show(test.high)}]` : show(test.median);
  return [el('b', {}, what), el('br'), el('small.dim', {}, `${where}; n = ${test.n}${test.coverage ? `, ${percent(test.coverage)} interval` : ''}`),
    test.note ? el('small.dim', {}, el('br'), test.note) : null];
}
function verdicts() {
  if (!data.verdicts.length) return;
  section('verdicts', 'What the seeds allow to say',
    'An expectation counts as supported or refuted only if the interval of the median over seeds covers at least 95 % and lies wholly on one side; otherwise it stays undecided.',
    el('ul.verdicts', {}, data.verdicts.map((v) => {
      const test = v.tests[v.deciding];
      return el('li', {}, el('div', {}, chip(v)),
        el('div', {}, el('div.what', {}, v.text || v.that), el('code.that', {}, v.that), v.source ? el('small.dim', {}, linked(v.source)) : null),
        el('div.found', {}, test ? found(test) : el('small.dim', {}, 'no arm of this plan is selected')),
        v.tests.length > 1 ? el('details', {}, el('summary', {}, `All ${v.tests.length} comparisons must hold; shown is the one the verdict rests on`),
          el('div.scroll', {}, el('table', {}, el('thead', {}, el('tr', {}, ['Arm', 'Found', 'n', 'Coverage', 'Verdict'].map((h) => el('th', { scope: 'col' }, h)))),
            el('tbody', {}, v.tests.map((t) => el('tr', {}, el('td', {}, t.against ? `${t.arm} − ${t.against}` : t.arm),
              el('td', {}, t.n_hold !== undefined ? `${t.n_hold} of ${t.n}` : `${show(t.median)} [${show(t.low)}, ${show(t.high)}]`, t.note ? el('small', {}, ` ${t.note}`) : null),
              el('td', {}, String(t.n)), el('td', {}, t.coverage ? percent(t.coverage) : '–'), el('td', {}, t.verdict))))))) : null);
    })));
}

/* ---- onset per arm: interval, median, seeds ---- */

const logStep = (s) => Math.log10(1 + Math.max(0, s));
function decades(last) {
  const ticks = [0];
  for (let d = 1; d <= last; d *= 10) ticks.push(...[1, 2, 5].map((k) => k * d).filter((t) => t <= last && (last < 3000 || t === d || t === 5 * d)));
  return ticks;
}
function forest() {
  const W = 1040, left = 178, right = 92, row = 46, top = 8, H = top + arms.length * row + 44;
  const last = Math.max(...arms.map((arm) => arm.steps[arm.steps.length - 1]));
  const never = W - right + 46, x = (s) => (number(s) === Infinity ? never : left + ((W - right - left) * logStep(Math.max(0, number(s)))) / logStep(last));
  const svg = el('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', style: 'min-width:40rem;width:100%;display:block',
    'aria-label': `Onset by arm: ${arms.map((a) => `${armName(a)} median ${show(a.onset.values[0])}, formed in ${a.formed} of ${a.finished}`).join('; ')}` });
  for (const t of decades(last)) svg.append(el('line.rule', { x1: x(t), x2: x(t), y1: top, y2: H - 40 }), el('text', { x: x(t), y: H - 22, 'text-anchor': 'middle' }, integer(t)));
  svg.append(el('line.axis', { x1: never - 23, x2: never - 23, y1: top, y2: H - 40, 'stroke-dasharray': '2 4' }), el('text', { x: never, y: H - 22, 'text-anchor': 'middle' }, 'never'),
    el('text', { x: left + (W - right - left) / 2, y: H - 3, 'text-anchor': 'middle' }, 'step by which it formed (logarithmic)'));
  arms.forEach((arm, i) => {
    const y = top + row * (i + 0.5), c = armColour(i), [median, low, high] = arm.onset.values;
    svg.append(el('line.rule', { x1: 0, x2: W, y1: y + row / 2, y2: y + row / 2 }), el('text.strong', { x: 0, y: y + 4.5 }, armName(arm).slice(0, 24)),
      el('line', { x1: x(low), x2: x(high), y1: y, y2: y, stroke: c, 'stroke-width': 7, 'stroke-opacity': 0.25, 'stroke-linecap': 'round' }));
    const taken = {};
    for (const seed of arm.seeds) if (seed.onset) {
      const at = x(seed.onset[1]), k = (taken[Math.round(at)] = (taken[Math.round(at)] || 0) + 1) - 1;
      svg.append(el('circle', { cx: at, cy: y + (k % 2 ? 1 : -1) * Math.ceil(k / 2) * 6.5, r: 3, fill: c, 'fill-opacity': 0.75 },
        el('title', {}, `seed ${seed.seed}: ${number(seed.onset[1]) === Infinity ? 'never' : `after step ${show(seed.onset[0])}, by ${show(seed.onset[1])}`}`)));
    }
    svg.append(el('line', { x1: x(median), x2: x(median), y1: y - 12, y2: y + 12, stroke: c, 'stroke-width': 3, 'stroke-linecap': 'round' }));
  });
  return svg;
}
function onset() {
  if (!arms.length || !data.headline) return;
  const metric = data.metrics.find((m) => m.name === data.headline);
  const holder = el('div.scroll');
  redraws.push(() => holder.replaceChildren(forest()));
  section('onset', 'When a sink forms',
    `A sink has formed at the first snapshot from which ${data.headline} of the strongest head stays above max(${show(metric.threshold)}, ${show(metric.ratio)} × its baseline) for three snapshots in a row.`,
    el('figure', {}, holder, el('figcaption', {}, 'Dots are seeds, the bar is the interval of their median, the tick the median. Snapshots are spaced, so an onset lies between the snapshot before and the step shown.')),
    el('figure', {}, el('div.scroll', {}, el('table', {}, el('thead', {}, el('tr', {}, ['Arm', 'Formed', 'Onset, median', 'Interval', 'Coverage', `Final ${data.headline}`, 'Interval', 'Floor', 'Value drain', 'Final loss'].map((h, i) => el(i > 1 ? 'th.num' : 'th', { scope: 'col' }, h)))),
      el('tbody', {}, arms.map((a) => el('tr', {}, el('th', { scope: 'row' }, armName(a)), el('td', {}, `${a.formed} of ${a.finished}`, a.atStart ? el('small', {}, ` (${a.atStart} at start)`) : null),
        el('td.num', {}, show(a.onset.values[0])), el('td.num', {}, interval(a.onset)), el('td.num', {}, a.onset.coverage ? percent(a.onset.coverage) : '–'),
        el('td.num', {}, show(a.final.values[0])), el('td.num', {}, interval(a.final)), el('td.num', {}, show(a.floor)),
        el('td.num', {}, show(a.drain.values[0]), el('small', {}, ` ${interval(a.drain, 2)}`)), el('td.num', {}, show(a.finalLoss.values[0], 4), Number.isNaN(number(a.oracle)) ? null : el('small', {}, ` ideal ${show(a.oracle, 4)}`))))))),
      el('figcaption', {}, `n is the number of finished seeds. Final: median of the last three snapshots of the strongest head, chosen on even sequences and read on odd ones. Floor: the larger of uniform and position-only attention. Value drain: ‖v₀‖ over the mean ‖v‖ of that head (1 is none). Loss in nats per target.`,
        data.headlineNote ? ` Shown is ${data.headlineNote}.` : '')));
}

/* ---- charts: dygraphs, one line per arm with a band over its seeds ---- */

const state = { log: true, metric: Math.max(0, data.metrics.findIndex((m) => m.name === data.headline)), level: 'strongest' };
const toX = (step) => (state.log ? logStep(step) : step);

/* Rows [x, [low, median, high] per arm] over the union of the arms' steps. */
function rows(bandOf) {
  const steps = [...new Set(arms.flatMap((arm) => arm.steps))].sort((a, b) => a - b);
  const at = arms.map((arm) => new Map(arm.steps.map((s, i) => [s, i])));
  const table = steps.map((s) => [toX(s), ...arms.map((arm, a) => {
    const band = bandOf(arm), i = at[a].get(s);
    return !band || i === undefined || band[1][i] === null ? [null, null, null] : [0, 1, 2].map((k) => band[k][i]);
  })]);
  return { steps, table };
}
function Chart(title, unitOf, bandOf, linesOf, nOf) {
  const plot = el('div.chart'), heading = el('h3'), unit = el('span.dim'), readout = el('div.readout', { 'aria-live': 'polite' });
  const box = el('div.card.chart-box', { tabindex: 0, role: 'group' }, el('div.chart-title', {}, heading, unit), plot, readout);
  let graph = null, current = null, selected = -1;
  function tell(row) {
    selected = row;
    const i = row < 0 ? current.table.length - 1 : row;
    readout.replaceChildren(key([[el('span.at', {}, row < 0 ? 'At the end' : `Step ${integer(current.steps[i])}`), ''],
      ...arms.map((arm, a) => { const [low, mid, high] = current.table[i][a + 1];
        return [el('span.swatch', { style: `--c:${armColour(a)}` }), `${armName(arm)} ${show(mid)}${nOf(arm) > 1 ? ` [${show(low)}, ${show(high)}]` : ''}`]; })]));
  }
  function draw() {
    current = rows(bandOf);
    const lines = linesOf(), last = current.steps[current.steps.length - 1], values = current.table.flatMap((r) => r.slice(1).flat()).filter((v) => v !== null);
    const top = Math.max(...values, ...lines.map((l) => l.y)), low = Math.min(...values, ...lines.map((l) => l.y)), pad = (top - low || 1) * 0.06;
    heading.textContent = title(); unit.textContent = unitOf();
    box.setAttribute('aria-label', `${title()} against training step, ${plural(arms.length, 'arm')}; left and right arrows read values`);
    const options = {
      customBars: true, labels: ['step', ...arms.map((arm, a) => `${a} ${armName(arm)}`)], colors: arms.map((_, a) => armColour(a)), fillAlpha: 0.16, strokeWidth: 2.2,
      connectSeparatedPoints: true, legend: 'never', xlabel: `training step (${state.log ? 'logarithmic' : 'linear'})`, xLabelHeight: 20, valueRange: [low >= 0 && low < 0.3 * top ? 0 : low - pad, top + pad],
      dateWindow: [0, toX(last) * 1.005], gridLineColor: css('--hair'), axisLineColor: css('--line'), gridLineWidth: 1, highlightCircleSize: 4, rightGap: 8,
      axes: {
        x: { ticker: (a, b) => (state.log ? decades(last).map((t) => ({ v: toX(t), label: integer(t) })) : window.Dygraph.numericTicks(a, b, 600, (o) => ({ pixelsPerLabel: 70, labelsKMB: false, axisLabelFormatter: (v) => integer(v) })[o])), drawGrid: false },
        y: { axisLabelWidth: 44, pixelsPerLabel: 44, axisLabelFormatter: (v) => show(+v.toPrecision(6)) },
      },
      highlightCallback: (e, x, points, row) => tell(row), unhighlightCallback: () => tell(-1),
      underlayCallback: (ctx, area, g) => {
        ctx.save(); ctx.setLineDash([5, 4]); ctx.font = `12px ${css('--sans')}`; ctx.textAlign = 'right';
        for (const line of lines) {
          const y = Math.round(g.toDomYCoord(line.y)) + 0.5;
          ctx.strokeStyle = ctx.fillStyle = line.arm === undefined ? css('--faint') : armColour(line.arm);
          ctx.beginPath(); ctx.moveTo(area.x, y); ctx.lineTo(area.x + area.w, y); ctx.stroke();
          ctx.textAlign = 'left'; ctx.fillText(line.label, area.x + 8, y - 5);
        }
        ctx.restore();
      },
    };
    if (graph) graph.destroy();
    graph = new window.Dygraph(plot, current.table, options);
    tell(-1);
  }
  box.addEventListener('keydown', (e) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[e.key], n = current.table.length;
    if (e.key === 'Escape') { graph.clearSelection(); tell(-1); }
    if (!move && e.key !== 'Home' && e.key !== 'End') return;
    e.preventDefault();
    const row = e.key === 'Home' ? 0 : e.key === 'End' ? n - 1 : clamp((selected < 0 ? (move > 0 ? -1 : n) : selected) + move, 0, n - 1);
    graph.setSelection(row); tell(row);
  });
  redraws.push(draw);
  return { box, draw };
}

/* Dashed lines; equal ones are drawn once, without an arm's colour. */
function levels(name, valueOf) {
  const values = arms.map((arm) => number(valueOf(arm))), known = [...new Set(values.filter((v) => !Number.isNaN(v)).map((v) => +v.toPrecision(3)))];
  if (known.length === 1) return [{ y: known[0], label: `${name} ${show(known[0])}` }];
  return values.flatMap((v, i) => (Number.isNaN(v) ? [] : [{ y: v, arm: i, label: `${name} ${show(v)}` }]));
}
function floorOf(arm) {
  const metric = data.metrics[state.metric], own = arm.series[state.metric][state.level].baselines.map(number).slice(0, 2).filter((v) => !Number.isNaN(v));
  return own.length ? (metric.direction < 0 ? Math.min(...own) : Math.max(...own)) : NaN;
}
function curves() {
  if (!arms.length || !data.metrics.length) return;
  const metricOf = () => data.metrics[state.metric];
  const sink = Chart(() => metricOf().name + (state.level === 'strongest' ? ', strongest head' : ', mean over the model'), () => metricOf().unit || 'share, 0 to 1'.slice(0, metricOf().max === 1 ? 13 : 0),
    (arm) => arm.series[state.metric][state.level].band, () => levels('floor', floorOf), (arm) => arm.series[state.metric][state.level].n);
  const loss = Chart(() => 'Held-out loss', () => 'nats per target', (arm) => arm.loss, () => levels('ideal', (arm) => arm.oracle), (arm) => arm.finished);
  const about = el('figcaption');
  const describe = () => { const m = metricOf(); about.replaceChildren(el('b', {}, m.name), `: ${m.summary}${m.source && m.source !== '-' ? ` (${m.source})` : ''}. `, m.weakness ? `Weakness: ${m.weakness}. ` : '',
    `Lines are medians over n = ${[...new Set(arms.map((a) => a.finished))].join(', ')} seeds, bands run from the least to the largest; dashed: baselines. Drag to zoom, double-click to go back.`); };
  const again = () => { sink.draw(); loss.draw(); describe(); };
  section('training', 'Sink strength and loss while training', null,
    el('div.controls', {}, segments('Step axis', [[true, 'log'], [false, 'linear']], true, (v) => { state.log = v; again(); }),
      select('Metric', data.metrics.map((m, i) => [i, m.name]), (v) => { state.metric = +v; sink.draw(); describe(); }),
      segments('Level', [['strongest', 'strongest head'], ['model', 'model mean']], 'strongest', (v) => { state.level = v; sink.draw(); describe(); }), themedKey(armKey)),
    el('figure', {}, el('div.two', {}, sink.box, loss.box), about));
  document.querySelector('#training select').value = state.metric;
  describe();
}

/* ---- layer x head at the end, every seed ---- */

function heat(canvas, width, height, size, valueAt) {
  const scale = Math.max(1, Math.round(window.devicePixelRatio || 1)), ctx = canvas.getContext('2d');
  canvas.width = width * size * scale; canvas.height = height * size * scale;
  canvas.style.width = `${width * size}px`; canvas.style.height = `${height * size}px`;
  ctx.scale(scale, scale);
  for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) {
    const v = number(valueAt(r, c)), q = Math.round(255 * Math.sqrt(clamp(v, 0, 1))) || 0;
    ctx.fillStyle = Number.isNaN(v) ? css('--line') : `rgb(${ramp[3 * q]},${ramp[3 * q + 1]},${ramp[3 * q + 2]})`;
    ctx.fillRect(c * size + 0.5, r * size + 0.5, size - 1, size - 1);
    if (size >= 30 && !Number.isNaN(v)) {
      ctx.fillStyle = q > 120 !== isDark() ? '#fff' : '#14161a'; ctx.font = `12px ${css('--sans')}`; ctx.textAlign = 'center'; ctx.textBaseline = 'middle';
      ctx.fillText(v.toFixed(2).replace(/^0/, ''), (c + 0.5) * size, (r + 0.5) * size + 0.5);
    }
  }
  return ctx;
}
function rampLegend() {
  return el('div', { style: 'max-width:19rem' }, el('div.ramp', { style: `background:${rampGradient()}`, 'aria-hidden': 'true' }),
    el('div.ramp-ticks', {}, [0, 0.05, 0.2, 0.5, 1].map((v) => el('span', { style: `left:${100 * Math.sqrt(v)}%` }, String(v)))));
}
function heads() {
  if (!arms.length || !data.headline) return;
  const holder = el('div.arm-heads');
  const draw = () => holder.replaceChildren(...arms.map((arm) => el('div.row', {}, el('div', {}, el('h3', {}, armName(arm)), el('small.dim', {}, `n = ${arm.finished}`)),
    el('div.cells', {}, arm.seeds.filter((s) => s.heads).map((seed) => {
      const size = clamp(Math.floor(220 / Math.max(arm.heads, arm.layers)), 7, 40), [l, h] = seed.strongest;
      const canvas = el('canvas', { role: 'img', 'aria-label': `${armName(arm)}, seed ${seed.seed}: strongest head is layer ${l}, head ${h}, ${show(seed.heads[l * arm.heads + h])}` });
      const ctx = heat(canvas, arm.heads, arm.layers, size, (r, c) => seed.heads[r * arm.heads + c]);
      ctx.strokeStyle = isDark() ? '#ffb27a' : '#d55e00'; ctx.lineWidth = 2; ctx.strokeRect(h * size + 1.5, l * size + 1.5, size - 3, size - 3);
      return el('figure', {}, canvas, el('figcaption', {}, `seed ${seed.seed}${seed.seed === arm.representative ? ' ·' : ''}`));
    })))));
  redraws.push(draw);
  section('heads', 'Which heads carry it', `Final ${data.headline} of every head: rows are layers from the first (top), columns heads. The outlined head is the strongest. Heads have no order, so seeds stand side by side and are not averaged; a dot marks the median seed, whose maps play below.`,
    el('figure', {}, holder), el('figure', {}, themedKey(rampLegend)));
}

/* ---- the player: attention maps over training ---- */

const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
function Maps(arm) {
  const m = arm.maps, cells = m.causal ? (m.side * (m.side + 1)) / 2 : m.side * m.side, stores = { mean: bytes(m.mean), first: m.first ? bytes(m.first) : null };
  const index = (i, j) => (m.causal ? (j > i ? -1 : (i * (i + 1)) / 2 + j) : i * m.side + j);
  return { ...m, cells,
    at(kind, frame, head, i, j) { const k = index(i, j); return k < 0 ? -1 : stores[kind][(frame * m.layers * m.heads + head) * cells + k]; },
    image(kind, frame, head) {
      const pixels = new ImageData(m.side, m.side), base = (frame * m.layers * m.heads + head) * cells, store = stores[kind];
      for (let i = 0; i < m.side; i++) for (let j = 0; j < m.side; j++) {
        const k = index(i, j), p = 4 * (i * m.side + j), q = k < 0 ? -1 : store[base + k];
        if (q < 0) continue; /* the future stays transparent */
        pixels.data[p] = ramp[3 * q]; pixels.data[p + 1] = ramp[3 * q + 1]; pixels.data[p + 2] = ramp[3 * q + 2]; pixels.data[p + 3] = 255;
      }
      return pixels;
    },
    nearest(step) { let best = 0; m.steps.forEach((s, f) => { if (Math.abs(logStep(s) - logStep(step)) < Math.abs(logStep(m.steps[best]) - logStep(step))) best = f; }); return best; },
  };
}
function player() {
  const able = arms.filter((arm) => arm.maps);
  if (!able.length) return;
  const cache = new Map(), mapsOf = (arm) => cache.get(arm) || cache.set(arm, Maps(arm)).get(arm);
  const strongestOf = (arm) => { const s = arm.seeds.find((x) => x.seed === arm.maps.seed); return s && s.strongest ? s.strongest[0] * arm.heads + s.strongest[1] : 0; };
  const now = { arm: able[0], head: strongestOf(able[0]), kind: 'mean', frame: 0, timer: 0, cell: null };
  now.frame = mapsOf(now.arm).steps.length - 1;

  const canvas = el('canvas', { tabindex: 0, role: 'img' }), range = el('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Training step' });
  const output = el('output'), play = el('button', { type: 'button' }), cell = el('div.cell', { 'aria-live': 'polite' }), note = el('figcaption');
  const armThumbs = el('div.thumbs'), headThumbs = el('div.thumbs'), title = el('h3');
  const armSelect = el('select', { 'aria-label': 'Arm' }, able.map((arm, i) => el('option', { value: i }, armName(arm))));
  const layerSelect = el('select', { 'aria-label': 'Layer' }), headSelect = el('select', { 'aria-label': 'Head' }), kinds = el('span');
  const token = (maps, i) => (maps.tokens[i] === undefined ? '' : maps.tokens[i] === ' ' ? '␣' : maps.tokens[i] === '\n' ? '⏎' : maps.tokens[i]);
  const place = (maps, i) => (maps.pool > 1 ? `positions ${i * maps.pool}–${Math.min(maps.length, (i + 1) * maps.pool) - 1}` : now.kind === 'first' && maps.tokens.length ? `position ${i} “${token(maps, i)}”` : `position ${i}`);

  function paint() {
    const maps = mapsOf(now.arm), side = maps.side, scale = window.devicePixelRatio || 1, width = canvas.clientWidth || 560;
    canvas.width = canvas.height = Math.round(width * scale);
    const ctx = canvas.getContext('2d'), edge = 46, size = width - edge - 8, unit = size / side, small = document.createElement('canvas');
    now.geometry = { edge, size, unit, side };
    ctx.scale(scale, scale);
    small.width = small.height = side;
    small.getContext('2d').putImageData(maps.image(now.kind, now.frame, now.head), 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.fillStyle = css('--sunken'); ctx.fillRect(edge, edge, size, size);
    ctx.drawImage(small, edge, edge, size, size);
    ctx.fillStyle = css('--soft'); ctx.textBaseline = 'middle';
    const asText = now.kind === 'first' && maps.pool === 1 && maps.tokens.length === side && unit >= 6, every = asText ? 1 : Math.max(1, Math.round(side / 8));
    ctx.font = asText ? `${clamp(Math.floor(unit * 1.05), 7, 12)}px ${css('--mono')}` : `11.5px ${css('--sans')}`;
    for (let i = 0; i < side; i += every) {
      const text = asText ? token(maps, i).slice(0, 5) : String(i * maps.pool), at = edge + (i + 0.5) * unit;
      ctx.textAlign = 'right'; ctx.fillText(text, edge - 6, at);
      ctx.save(); ctx.translate(at, edge - 6);
      if (asText && text.length > 1) { ctx.rotate(-Math.PI / 2); ctx.textAlign = 'left'; } else ctx.textAlign = 'center';
      ctx.fillText(text, 0, asText && text.length > 1 ? 0 : -5); ctx.restore();
    }
    ctx.font = `12px ${css('--sans')}`; ctx.textAlign = 'center';
    ctx.fillText(`key ${asText ? '(token)' : '(position)'} →`, edge + size / 2, 9);
    ctx.save(); ctx.translate(8, edge + size / 2); ctx.rotate(-Math.PI / 2); ctx.fillText(`← query ${asText ? '(token)' : '(position)'}`, 0, 0); ctx.restore();
    if (now.cell) {
      const [i, j] = now.cell, q = maps.at(now.kind, now.frame, now.head, i, j);
      ctx.strokeStyle = isDark() ? '#ffb27a' : '#d55e00'; ctx.lineWidth = 1.5;
      ctx.strokeRect(edge + j * unit, edge + i * unit, unit, unit);
      cell.replaceChildren(el('b', {}, q < 0 ? 'hidden' : ((q / 255) ** 2).toFixed(3)), `query ${place(maps, i)} → key ${place(maps, j)}`);
    } else cell.replaceChildren(el('span.dim', {}, 'Point at the map, or press ', el('kbd', {}, 'Shift'), ' and the arrows on it, to read a weight.'));
    const step = maps.steps[now.frame], text = `step ${integer(step)}`;
    range.value = now.frame; range.setAttribute('aria-valuetext', text);
    output.replaceChildren(integer(step), el('small', {}, `step, ${now.frame + 1} of ${maps.steps.length}`));
    title.textContent = `${armName(now.arm)}, layer ${Math.floor(now.head / maps.heads)}, head ${now.head % maps.heads}`;
    canvas.setAttribute('aria-label', `Attention of ${title.textContent} at ${text}`);
    for (const t of [...armThumbs.children, ...headThumbs.children]) t.repaint(step);
  }
  function thumb(arm, head, label, onclick, pressed) {
    const maps = mapsOf(arm), picture = el('canvas', { width: maps.side, height: maps.side, 'aria-hidden': 'true' });
    const button = el('button', { type: 'button', title: label, onclick, 'aria-pressed': String(pressed) }, picture, el('span', {}, label));
    button.repaint = (step) => picture.getContext('2d').putImageData(maps.image(now.kind === 'first' && !maps.first ? 'mean' : now.kind, maps.nearest(step), head), 0, 0);
    return button;
  }
  function rebuild() {
    const maps = mapsOf(now.arm), fill = (node, n, chosen, word) => { node.replaceChildren(...Array.from({ length: n }, (_, i) => el('option', { value: i }, `${word} ${i}`))); node.value = chosen; };
    armSelect.value = able.indexOf(now.arm);
    fill(layerSelect, maps.layers, Math.floor(now.head / maps.heads), 'layer'); fill(headSelect, maps.heads, now.head % maps.heads, 'head');
    if (now.kind === 'first' && !maps.first) now.kind = 'mean';
    range.max = maps.steps.length - 1;
    armThumbs.replaceChildren(...able.map((arm) => thumb(arm, strongestOf(arm), armName(arm), () => choose(arm, strongestOf(arm)), arm === now.arm && now.head === strongestOf(arm))));
    headThumbs.replaceChildren(...Array.from({ length: maps.layers * maps.heads }, (_, h) => thumb(now.arm, h, `${Math.floor(h / maps.heads)}.${h % maps.heads}${h === strongestOf(now.arm) ? ' strongest' : ''}`, () => choose(now.arm, h), h === now.head)));
    kinds.replaceChildren(maps.first ? segments('Which maps', [['mean', `mean of ${maps.sequences} sequences`], ['first', 'first sequence']], now.kind, (v) => { now.kind = v; paint(); }) : '');
    note.textContent = `Seed ${maps.seed}, the median seed of its arm. Rows are queries, columns keys; every row sums to one${maps.causal ? ' and the hidden future is left blank' : ''}. Colour is spaced by the square root of the weight, so that weights near the floor stay visible.${maps.pool > 1 ? ` Positions are pooled by ${maps.pool}.` : ''}`;
    paint();
  }
  function choose(arm, head) { const step = mapsOf(now.arm).steps[now.frame]; now.arm = arm; now.head = head; now.frame = mapsOf(arm).nearest(step); now.cell = null; rebuild(); }
  function seek(frame) { now.frame = clamp(frame, 0, mapsOf(now.arm).steps.length - 1); paint(); }
  function toggle(on) {
    clearInterval(now.timer); now.timer = 0;
    if (on) {
      if (now.frame >= mapsOf(now.arm).steps.length - 1) seek(0);
      now.timer = setInterval(() => { if (now.frame >= mapsOf(now.arm).steps.length - 1) toggle(false); else seek(now.frame + 1); }, matchMedia('(prefers-reduced-motion: reduce)').matches ? 900 : 180);
    }
    play.setAttribute('aria-label', on ? 'Pause' : 'Play the attention maps over training');
    play.replaceChildren(el('svg', { width: 16, height: 16, viewBox: '0 0 16 16', 'aria-hidden': 'true' }, el('path', { d: on ? 'M3 2h4v12H3zM9 2h4v12H9z' : 'M4 1.8v12.4L14 8z', fill: 'currentColor' })));
  }
  function point(e) {
    const { edge, unit, side } = now.geometry, box = canvas.getBoundingClientRect(), j = Math.floor((e.clientX - box.left - edge) / unit), i = Math.floor((e.clientY - box.top - edge) / unit);
    now.cell = i >= 0 && j >= 0 && i < side && j < side ? [i, j] : null; paint();
  }
  play.addEventListener('click', () => toggle(!now.timer));
  range.addEventListener('input', () => { toggle(false); seek(+range.value); });
  armSelect.addEventListener('change', () => choose(able[+armSelect.value], strongestOf(able[+armSelect.value])));
  for (const s of [layerSelect, headSelect]) s.addEventListener('change', () => choose(now.arm, +layerSelect.value * mapsOf(now.arm).heads + +headSelect.value));
  canvas.addEventListener('pointermove', point);
  canvas.addEventListener('pointerdown', point);
  canvas.addEventListener('pointerleave', () => { now.cell = null; paint(); });

  const node = section('maps', 'Attention while it learns', null, el('div.controls', {}, armSelect, layerSelect, headSelect, kinds),
    el('figure', {}, el('div.maps', {}, el('div.stage', {}, canvas, el('div.transport', {}, play, range, output)),
      el('div.side', {}, el('div', {}, title, cell), el('div', {}, themedKey(rampLegend)), el('div', {}, el('h3', {}, 'Strongest head of each arm'), armThumbs), el('div', {}, el('h3', {}, 'All heads of this arm'), headThumbs),
        el('p.dim', {}, el('kbd', {}, '←'), ' ', el('kbd', {}, '→'), ' step, ', el('kbd', {}, 'Space'), ' plays and pauses'))), note));
  node.addEventListener('keydown', (e) => {
    const move = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
    if (e.target !== canvas && e.target !== range && e.target !== play) return;
    if (e.key === ' ' && e.target !== play) { e.preventDefault(); toggle(!now.timer); }
    if (e.target === range) return;
    if (e.key === 'Home' || e.key === 'End') { e.preventDefault(); toggle(false); seek(e.key === 'Home' ? 0 : 1e9); }
    if (!move) return;
    e.preventDefault();
    if (e.shiftKey) { const side = mapsOf(now.arm).side, [i, j] = now.cell || [0, 0]; now.cell = now.cell ? [clamp(i + move[0], 0, side - 1), clamp(j + move[1], 0, side - 1)] : [0, 0]; paint(); }
    else if (move[1]) { toggle(false); seek(now.frame + move[1]); }
  });
  toggle(false);
  redraws.push(rebuild);
  addEventListener('resize', paint);
}

/* ---- frame labels over training ---- */

function strip(arm) {
  const W = 1000, left = 58, gap = 34, w = (W - left - gap) / 2, h = 17, top = 24, last = arm.steps[arm.steps.length - 1], H = top + arm.seeds.length * h + 22;
  const svg = el('svg', { viewBox: `0 0 ${W} ${H}`, role: 'img', style: 'min-width:38rem', 'aria-label': `${armName(arm)}: frame label of the model over training for each seed, by position and by token` });
  ['byPosition', 'byToken'].forEach((kind, k) => {
    const x0 = left + k * (w + gap), x = (s) => x0 + (w * logStep(s)) / (logStep(last) || 1);
    svg.append(el('text', { x: x0, y: 12 }, k ? 'by token (as published)' : 'by position'));
    arm.seeds.forEach((seed, r) => {
      const y = top + r * h, labels = seed[kind];
      if (!k) svg.append(el('text', { x: 0, y: y + 11.5 }, `seed ${seed.seed}`));
      for (let s = 0, end; s < labels.length; s = end) {
        for (end = s; end < labels.length && labels[end] === labels[s]; end++);
        const from = s ? (x(arm.steps[s - 1]) + x(arm.steps[s])) / 2 : x0, to = end < labels.length ? (x(arm.steps[end - 1]) + x(arm.steps[end])) / 2 : x0 + w;
        svg.append(el('rect', { x: from, y, width: Math.max(0.5, to - from), height: h - 3, fill: labelColour(+labels[s]) }, el('title', {}, `seed ${seed.seed}, steps ${integer(arm.steps[s])} to ${integer(arm.steps[end - 1])}: ${data.frames[+labels[s]]}`)));
      }
    });
    for (const t of decades(last).filter((v) => v === 0 || Number.isInteger(Math.log10(v)))) svg.append(el('text', { x: x(t), y: H - 6, 'text-anchor': t ? 'middle' : 'start' }, integer(t)));
  });
  return svg;
}
function disagreement(arm) {
  let differ = 0, all = 0;
  const pairs = {};
  for (const seed of arm.seeds) for (let s = 0; s < seed.byPosition.length; s++) {
    all++;
    if (seed.byPosition[s] === seed.byToken[s]) continue;
    differ++;
    const pair = `${data.frames[+seed.byPosition[s]]} by position but ${data.frames[+seed.byToken[s]]} by token`;
    (pairs[pair] = pairs[pair] || new Set()).add(seed.seed);
  }
  if (!differ) return 'By position and by token agree at every snapshot.';
  return `They disagree at ${percent(differ / all)} of snapshots: ${Object.entries(pairs).map(([pair, seeds]) => `${pair} (${seeds.size === 1 ? 'seed' : 'seeds'} ${[...seeds].join(', ')})`).join('; ')}.`;
}
function frames() {
  if (!arms.length) return;
  const holder = el('div');
  const label = (counts, n) => counts.map((c, t) => [c, t]).filter(([c]) => c > 0).sort((a, b) => b[0] - a[0]).map(([c, t], i) => el('span', { style: 'white-space:nowrap' }, i ? ', ' : '', el('span.block', { style: `--c:${labelColour(t)};margin-right:.4rem` }), `${data.frames[t]} ${c}/${n}`));
  const place = (p) => (p < 0 ? (p === -1 ? 'last' : `last − ${-p - 1}`) : p === 0 ? 'first' : String(p));
  const median = (list) => { const s = list.filter((v) => v !== null).sort((a, b) => a - b); return s.length ? s[(s.length - 1) >> 1] : NaN; };
  const draw = () => holder.replaceChildren(
    el('figure', {}, el('div.scroll', {}, el('table', {}, el('thead', {}, el('tr', {}, ['Arm', 'Final label by position', 'by token', 'Anchors', 'Usual place', 'Same place', 'Same token'].map((h, i) => el(i > 2 && i !== 4 ? 'th.num' : 'th', { scope: 'col' }, h)))),
      el('tbody', {}, arms.map((a) => { const own = a.seeds.find((s) => s.seed === a.representative) || a.seeds[0];
        return el('tr', {}, el('th', { scope: 'row' }, armName(a)), el('td', {}, label(a.byPosition, a.finished)), el('td', {}, label(a.byToken, a.finished)), el('td.num', {}, show(median(a.seeds.map((s) => s.anchors[0])))),
          el('td', {}, number(own.anchors[0]) > 0 ? place(own.anchors[1]) : '–'), el('td.num', {}, Number.isNaN(number(own.anchors[2])) ? '–' : percent(own.anchors[2])), el('td.num', {}, Number.isNaN(number(own.anchors[3])) ? '–' : percent(own.anchors[3]))); })))),
      el('figcaption', {}, 'Final label: the mode of the last three snapshots, in k of n seeds. Anchors per head and sequence (median over seeds), the usual place of the top anchor and how often it is the same place or the same token (median seed).')),
    el('figure', {}, key(data.frames.map((name, t) => [el('span.block', { style: `--c:${labelColour(t)}` }), name]))),
    ...arms.map((arm) => el('figure.timeline', {}, el('h3', {}, armName(arm)), el('div.scroll', {}, strip(arm)), el('figcaption', {}, disagreement(arm)))));
  redraws.push(draw);
  section('frames', 'Which kind of reference frame', 'The model’s label at every snapshot (steps, logarithmic). By position an anchor is a place in the sequence; by token, as published, it is a token’s identity. Where they disagree, the token has no fixed place or the place no fixed token.', holder);
}

/* ---- baselines, notes ---- */

function baselines() {
  if (!arms.length || !data.headline) return;
  const m = data.metrics.findIndex((x) => x.name === data.headline);
  section('baselines', 'What nothing would look like', `${data.headline} of a model that attends evenly, of one that knows positions only (softmax of mask and position bias), and of this one before its first step.`,
    el('figure', {}, el('div.scroll', {}, el('table', {}, el('thead', {}, el('tr', {}, ['Arm', 'Level', 'Uniform', 'Position only', 'At step 0', 'Final', 'n'].map((h, i) => el(i > 1 ? 'th.num' : 'th', { scope: 'col' }, h)))),
      el('tbody', {}, arms.flatMap((a) => ['strongest', 'model'].map((level, k) => { const s = a.series[m][level], end = s.band[1].slice(-3).filter((v) => v !== null).sort((x, y) => x - y);
        return el('tr', {}, k ? el('td') : el('th', { scope: 'row' }, armName(a)), el('td', {}, k ? 'model mean' : 'strongest head'), s.baselines.map((b) => el('td.num', {}, show(b))), el('td.num', {}, show(k ? end[end.length >> 1] : a.final.values[0])), el('td.num', {}, String(s.n))); }))))),
      el('figcaption', {}, 'Of the strongest head the baselines are those of the most extreme head, since it was chosen as the most extreme. Medians over seeds.')));
}
function notes() {
  const weak = data.metrics.filter((m) => m.weakness), list = (items) => el('dl.notes', {}, items.map(([t, d]) => el('div', {}, el('dt', {}, t), el('dd', {}, d))));
  section('notes', 'What these numbers cannot say', null,
    list([['Labels describe layout', 'A frame label or an anchor says where attention goes, not why. Value drain says whether the anchor is a sink or content.'],
      ['Intervals', 'The interval of a median runs from the least to the largest seed (from nine seeds on: from the second least to the second largest). Its coverage is exact and needs no distribution. A run in which nothing formed counts as never, and is not dropped.'],
      ['Frame rules', 'There is no published rule for frame types. The one used here is declared, versioned and validated on planted maps; it can be changed and applied again without retraining.'],
      ...weak.map((m) => [m.name, m.weakness])]),
    data.absent.length ? el('figure', {}, el('h3', {}, `Runs without results (${data.absent.length})`), el('div.scroll', {}, el('table', {}, el('tbody', {}, data.absent.map((r) => el('tr', {}, el('td', {}, el('code', {}, r.run)), el('td', {}, r.reason))))))) : el('p.lede', {}, 'Every planned run finished.'),
    data.allMetrics ? null : el('p.lede', {}, 'Some metrics were left out of this page to keep it small; all of them stand in geometry.csv.'));
}

/* ---- go ---- */

hero(); verdicts(); onset(); curves(); heads(); player(); frames(); baselines(); notes();
const links = sections.map(([id, heading]) => el('a', { href: `#${id}`, title: heading }, id[0].toUpperCase() + id.slice(1)));
document.getElementById('nav').append(...links);
const watch = new IntersectionObserver((entries) => {
  for (const e of entries) if (e.isIntersecting) links.forEach((a) => (a.hash === `#${e.target.id}` ? a.setAttribute('aria-current', 'true') : a.removeAttribute('aria-current')));
}, { rootMargin: '-20% 0px -70% 0px' });
document.querySelectorAll('section').forEach((node) => watch.observe(node));
document.getElementById('theme').addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  try { localStorage.setItem('refframe-theme', document.documentElement.dataset.theme); } catch (e) { /* no storage for files */ }
  ramp = makeRamp();
  redraws.forEach((draw) => draw());
});
redraws.forEach((draw) => draw());
})();
