/* What stands still: the head of the page, verdicts, onsets, heads, labels, baselines, notes. */
'use strict';

function hero() {
  const count = (list, what) => list.reduce((n, item) => n + item[what], 0);
  const judged = (verdict) => data.verdicts.filter((v) => v.verdict === verdict).length;
  const open = data.verdicts.length - judged('supported') - judged('refuted');
  const fact = (term, value, note) => el('div', {}, el('dt', {}, term), el('dd', {}, String(value), el('small', {}, note)));
  const first = arms[0], seeds = data.arms.length ? count(data.arms, 'planned') / data.arms.length : 0;
  const facts = [
    fact('Arms', data.arms.length, data.axes.length ? `over ${data.axes.map(axisName).join(', ')}` : 'one setting'),
    fact('Runs', count(data.arms, 'finished'), `finished of ${count(data.arms, 'planned')}, ${+seeds.toFixed(1)} seeds an arm`),
    first && fact('Model', integer(number(first.parameters)), `parameters, ${first.layers} layers of ${first.heads} heads`),
    first && fact('Measured', first.steps.length, `times, on ${first.sequences} held-out sequences`),
    data.verdicts.length > 0 && fact('Expectations', judged('supported'), `supported, ${judged('refuted')} refuted, ${open} open`),
  ];
  document.getElementById('top').append(el('div.hero', {},
    el('p.eyebrow', {}, data.name), el('h1', {}, data.title || data.name),
    data.claim && el('p.claim', {}, data.claim), data.source && el('p.source', {}, 'Source: ', linked(data.source)),
    el('dl.facts', {}, facts)));
}

/* ---- verdicts ---- */

const MARKS = { supported: 'M2 7l3 3 6-7', refuted: 'M3 3l7 7M10 3l-7 7' };
function chip(verdict) {
  const path = el('path', { d: MARKS[verdict.verdict] || 'M2.5 6.5h8', fill: 'none', stroke: 'currentColor',
    'stroke-width': 2, 'stroke-linecap': 'round' });
  const mark = el('svg', { width: 13, height: 13, viewBox: '0 0 13 13', 'aria-hidden': 'true' }, path);
  return [el(`span.chip.${verdict.verdict.split(' ')[0]}`, {}, mark, verdict.verdict),
    verdict.needs_n ? small(`needs n ≥ ${verdict.needs_n}`) : null];
}

const arm = (test) => (test.against ? `${test.arm} − ${test.against}` : test.arm);
function found(test) {
  if (test.n_hold !== undefined) return `${test.n_hold} of ${test.n} seeds`;
  return test.n > 1 ? `${show(test.median)} [${show(test.low)}, ${show(test.high)}]` : show(test.median);
}

function comparisons(verdict) {
  const rows = verdict.tests.map((t) => [arm(t), [found(t), t.note && small(` ${t.note}`)], String(t.n),
    t.coverage ? percent(t.coverage) : '–', t.verdict]);
  return el('details', {}, el('summary', {}, `All ${verdict.tests.length} comparisons must hold; shown is the deciding one`),
    table([['Arm'], ['Found'], ['n', 1], ['Coverage', 1], ['Verdict']], rows));
}

function verdicts() {
  if (!data.verdicts.length) return;
  const items = data.verdicts.map((verdict) => {
    const test = verdict.tests[verdict.deciding];
    const about = test && [arm(test), `n = ${test.n}`, test.coverage && `${percent(test.coverage)} interval`, test.note];
    return el('li', {}, el('div.judged', {}, chip(verdict)),
      el('div', {}, el('div.what', {}, verdict.text || verdict.that), el('code.that', {}, verdict.that),
        verdict.source && small(linked(verdict.source))),
      el('div.found', {}, test ? [el('b', {}, found(test)), small(about.filter(Boolean).join('; '))]
        : small('no arm of this plan is selected')),
      verdict.tests.length > 1 && comparisons(verdict));
  });
  section('verdicts', 'What the seeds allow to say', 'An expectation is supported or refuted only if the interval of the ' +
    'median over seeds covers at least 95 % and lies wholly on one side. Otherwise it stays undecided.',
  el('ul.verdicts', {}, items));
}

/* ---- onset per arm: interval, median, seeds ---- */

function forest() {
  const W = 1040, left = 190, right = 92, row = 48, top = 8, bottom = top + arms.length * row, never = W - 46;
  const last = Math.max(...arms.map((a) => a.steps[a.steps.length - 1]));
  const x = (v) => (number(v) === Infinity ? never : left + ((W - right - left) * logStep(number(v))) / logStep(last));
  const told = arms.map((a) => `${armName(a)}: median ${show(a.onset.values[0])}, formed in ${a.formed} of ${a.finished}`);
  const svg = el('svg', { viewBox: `0 0 ${W} ${bottom + 44}`, role: 'img', 'aria-label': `Onset. ${told.join('; ')}` });
  const line = (spec, x1, x2, y1, y2, more) => el(spec, { x1, x2, y1, y2, ...more });
  const text = (at, y, anchor, string) => el('text', { x: at, y, 'text-anchor': anchor }, string);
  for (const t of stepTicks(last)) svg.append(line('line.rule', x(t), x(t), top, bottom), text(x(t), bottom + 18, 'middle', integer(t)));
  svg.append(line('line.axis', never - 23, never - 23, top, bottom, { 'stroke-dasharray': '2 4' }),
    text(never, bottom + 18, 'middle', 'never'), text((left + W - right) / 2, bottom + 38, 'middle', 'training step (logarithmic)'));
  arms.forEach((a, i) => {
    const y = top + row * (i + 0.5), stroke = armColour(i), [median, low, high] = a.onset.values, taken = {};
    svg.append(line('line.rule', 0, W, y + row / 2, y + row / 2), el('text.strong', { x: 0, y: y - 1 }, armName(a).slice(0, 26)),
      text(0, y + 15, 'start', `formed in ${a.formed} of n = ${a.finished}`),
      line('line', x(low), x(high), y, y, { stroke, 'stroke-width': 8, 'stroke-opacity': 0.24, 'stroke-linecap': 'round' }));
    for (const seed of a.seeds.filter((s) => s.onset)) {
      const cx = x(seed.onset[1]), k = taken[Math.round(cx)] ?? 0; /* equal ones fan out up and down */
      taken[Math.round(cx)] = k + 1;
      const when = number(seed.onset[1]) === Infinity ? 'never' : `after step ${show(seed.onset[0])}, by ${show(seed.onset[1])}`;
      svg.append(el('circle', { cx, cy: y + (k % 2 ? 1 : -1) * Math.ceil(k / 2) * 6.5, r: 3, fill: stroke, 'fill-opacity': 0.8 },
        el('title', {}, `seed ${seed.seed}: ${when}`)));
    }
    svg.append(line('line', x(median), x(median), y - 13, y + 13, { stroke, 'stroke-width': 3, 'stroke-linecap': 'round' }));
  });
  return svg;
}

function onset() {
  if (!arms.length || !data.headline) return;
  const metric = data.metrics.find((m) => m.name === data.headline);
  const rows = arms.map((a) => [armName(a), [`${a.formed} of ${a.finished}`, a.atStart ? small(` (${a.atStart} at start)`) : null],
    show(a.onset.values[0]), brackets(a.onset), a.onset.coverage ? percent(a.onset.coverage) : '–',
    [show(a.final.values[0]), small(` ${brackets(a.final)}`)], show(a.floor), [show(a.drain.values[0]), small(` ${brackets(a.drain, 2)}`)],
    [show(a.finalLoss.values[0]), Number.isNaN(number(a.oracle)) ? null : small(` ideal ${show(a.oracle)}`)]]);
  section('onset', 'When a sink forms', `A sink has formed at the first snapshot from which ${data.headline} of the strongest head ` +
    `stays above ${show(metric.threshold)} and above ${show(metric.ratio)} × its baseline for three snapshots in a row.`,
  el('figure', {}, themed(forest, 'div.scroll.forest'), caption('Dots are seeds, the bar is the interval of their median, the ' +
    'upright mark the median. An onset lies between the snapshot before and the step shown.')),
  el('figure', {}, table([['Arm'], ['Formed'], ['Onset', 1], ['Interval', 1], ['Coverage', 1], [`Final ${data.headline}`, 1],
    ['Floor', 1], ['Value drain', 1], ['Final loss', 1]], rows),
  caption('Medians over the finished seeds, with the interval of the median. Final: median of the last three snapshots of the ' +
    'strongest head, chosen on even sequences and read on odd ones. Floor: the larger of uniform and position-only attention. ' +
    'Value drain: ‖v₀‖ over the mean ‖v‖ of that head; 1 is none. Loss in nats per target.',
  data.headlineNote && ` Shown is ${data.headlineNote}.`)));
}

/* ---- layer x head at the end, every seed ---- */

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
  const size = clamp(Math.floor(240 / Math.max(a.heads, a.layers)), 7, 44), [l, h] = seed.strongest;
  const canvas = el('canvas', { role: 'img', 'aria-label': `${armName(a)}, seed ${seed.seed}: strongest is layer ${l}, head ${h}, ` +
    `${show(seed.heads[l * a.heads + h])}` });
  const context = heat(canvas, a.heads, a.layers, size, (r, c) => seed.heads[r * a.heads + c]);
  context.strokeStyle = palette().mark;
  context.lineWidth = 2;
  context.strokeRect(h * size + 1.5, l * size + 1.5, size - 3, size - 3);
  return el('figure', {}, canvas, caption(`seed ${seed.seed}`, seed.seed === a.representative && el('b', {}, ' median')));
}

function heads() {
  if (!arms.length || !data.headline) return;
  const draw = () => arms.map((a) => el('div.row', {}, el('div', {}, el('h3', {}, armName(a)), small(`n = ${a.finished}`)),
    el('div.cells', {}, a.seeds.filter((seed) => seed.heads).map((seed) => headsOf(a, seed)))));
  section('heads', 'Which heads carry it', `Final ${data.headline} of every head: rows are layers, the first on top, columns are ` +
    'heads, the outlined one is the strongest. Heads have no order, so seeds stand side by side instead of being averaged.',
  el('figure', {}, themed(draw, 'div.arm-heads')), el('figure', {}, themed(rampLegend)));
}

/* ---- frame labels over training ---- */

function strip(a) {
  const W = 1000, left = 58, gap = 34, w = (W - left - gap) / 2, h = 18, top = 26, last = a.steps[a.steps.length - 1];
  const bottom = top + a.seeds.length * h;
  const svg = el('svg', { viewBox: `0 0 ${W} ${bottom + 20}`, role: 'img',
    'aria-label': `${armName(a)}: the model's frame label over training for each of ${a.seeds.length} seeds. ${disagreement(a)}` });
  ['byPosition', 'byToken'].forEach((kind, k) => {
    const x0 = left + k * (w + gap), x = (step) => x0 + (w * logStep(step)) / (logStep(last) || 1);
    const between = (s) => (x(a.steps[s - 1]) + x(a.steps[s])) / 2; /* a snapshot speaks for the half-way around it */
    svg.append(el('text.strong', { x: x0, y: 13 }, k ? 'by token, as published' : 'by position'),
      el('text', { x: x0 + w, y: 13, 'text-anchor': 'end' }, 'training step →'));
    a.seeds.forEach((seed, r) => {
      const labels = seed[kind], y = top + r * h;
      if (k === 0) svg.append(el('text', { x: 0, y: y + 12 }, `seed ${seed.seed}`));
      for (let s = 0, end = 0; s < labels.length; s = end) {
        while (end < labels.length && labels[end] === labels[s]) end++;
        const from = s > 0 ? between(s) : x0, to = end < labels.length ? between(end) : x0 + w;
        const says = `seed ${seed.seed}, steps ${integer(a.steps[s])} to ${integer(a.steps[end - 1])}: ${data.frames[+labels[s]]}`;
        svg.append(el('rect', { x: from, y, width: Math.max(0.5, to - from), height: h - 3, fill: labelColour(+labels[s]) },
          el('title', {}, says)));
      }
    });
    for (const t of stepTicks(last).filter((v) => v === 0 || Number.isInteger(Math.log10(v))))
      svg.append(el('text', { x: x(t), y: bottom + 14, 'text-anchor': t ? 'middle' : 'start' }, integer(t)));
  });
  return svg;
}

/* Where the two ways to identify an anchor say different things, in words. */
function disagreement(a) {
  let differ = 0, all = 0;
  const pairs = new Map();
  for (const seed of a.seeds)
    for (let s = 0; s < seed.byPosition.length; s++, all++) {
      if (seed.byPosition[s] === seed.byToken[s]) continue;
      differ++;
      const pair = `${data.frames[+seed.byPosition[s]]} by position but ${data.frames[+seed.byToken[s]]} by token`;
      pairs.set(pair, (pairs.get(pair) ?? new Set()).add(seed.seed));
    }
  if (differ === 0) return 'By position and by token agree at every snapshot.';
  const where = [...pairs].map(([pair, seeds]) => `${pair} (${seeds.size === 1 ? 'seed' : 'seeds'} ${[...seeds].join(', ')})`);
  return `They disagree at ${percent(differ / all)} of snapshots: ${where.join('; ')}.`;
}

function frames() {
  if (!arms.length) return;
  const counted = (counts, n) => counts.map((count, type) => ({ count, type })).filter((l) => l.count > 0)
    .sort((a, b) => b.count - a.count)
    .map(({ count, type }) => el('span.label', {}, block(labelColour(type)), `${data.frames[type]} ${count}/${n}`));
  const place = (p) => (p < 0 ? (p === -1 ? 'last' : `last − ${-p - 1}`) : p === 0 ? 'first' : String(p));
  const share = (v) => (Number.isNaN(number(v)) ? '–' : percent(v));
  const rows = () => arms.map((a) => {
    const [n, at, samePlace, sameToken] = (a.seeds.find((s) => s.seed === a.representative) ?? a.seeds[0]).anchors;
    return [armName(a), counted(a.byPosition, a.finished), counted(a.byToken, a.finished), show(n),
      number(n) > 0 ? place(at) : '–', share(samePlace), share(sameToken)];
  });
  const draw = () => [
    el('figure', {}, table([['Arm'], ['Final label by position'], ['by token'], ['Anchors', 1], ['Usual place'], ['Same place', 1],
      ['Same token', 1]], rows()), caption('Final label: the mode of the last three snapshots, in k of n seeds. Of the median seed: ' +
        'anchors per head and sequence, the usual place of the top anchor, and how often it is the same place or the same token.')),
    el('figure', {}, key(data.frames.map((name, type) => [block(labelColour(type)), name]))),
    ...arms.map((a) => el('figure.timeline', {}, el('h3', {}, armName(a)), small(`n = ${a.seeds.length}`),
      el('div.scroll', {}, strip(a)), caption(disagreement(a)))),
  ];
  section('frames', 'Which kind of reference frame', 'The model’s label at every snapshot, on a logarithmic axis. By position an ' +
    'anchor is a place in the sequence; by token, as published, it is a token. Where the two disagree, the place has no fixed ' +
    'token or the token no fixed place.', themed(draw));
}

/* ---- baselines, notes ---- */

function baselines() {
  if (!arms.length || !data.headline) return;
  const m = data.metrics.findIndex((metric) => metric.name === data.headline);
  const rows = arms.flatMap((a) => ['strongest', 'model'].map((level) => {
    const own = a.series[m][level], tail = own.band[1].slice(-3).filter((v) => v !== null).sort((x, y) => x - y);
    const isStrongest = level === 'strongest';
    return [isStrongest ? armName(a) : '', isStrongest ? 'strongest head' : 'model mean', ...own.baselines.map((b) => show(b)),
      show(isStrongest ? a.final.values[0] : tail[tail.length >> 1]), String(own.n)];
  }));
  section('baselines', 'What nothing would look like', `${data.headline} of a model that attends evenly, of one that knows ` +
    'positions only (softmax of mask and position bias), and of this one before its first step.',
  el('figure', {}, table([['Arm'], ['Level'], ['Uniform', 1], ['Position only', 1], ['At step 0', 1], ['Final', 1], ['n', 1]], rows),
    caption('The strongest head was chosen as the most extreme one, so its baselines are those of the most extreme head. ' +
      'Medians over seeds.')));
}

const NOTES = [
  ['Labels describe layout', 'A frame label or an anchor says where attention goes, not why. Value drain says whether the anchor is a ' +
    'sink or content.'],
  ['Intervals', 'The interval of a median runs from the least to the largest seed; from nine seeds on, from the second least to the ' +
    'second largest. Its coverage is exact and assumes no distribution. A run in which nothing formed counts as never; it is not dropped.'],
  ['Frame rules', 'There is no published rule for frame types. The one used here is declared, versioned and validated on planted maps; ' +
    'it can change and be applied again without retraining.'],
];
function notes() {
  const weak = data.metrics.filter((m) => m.weakness).map((m) => [m.name, m.weakness]);
  const plan = data.notes.map((note) => ['Plan', note]);
  const absent = data.absent.map((run) => [el('code', {}, run.run), run.reason]);
  section('notes', 'What these numbers cannot say', null,
    el('dl.notes', {}, [...plan, ...NOTES, ...weak].map(([term, text]) => el('div', {}, el('dt', {}, term), el('dd', {}, text)))),
    absent.length ? el('figure', {}, el('h3', {}, 'Runs without results'), table([['Run'], ['Why']], absent))
      : el('p.lede', {}, 'Every planned run finished.'),
    data.allMetrics ? null : el('p.lede', {}, 'Some metrics were left out of this page to keep it small; all stand in geometry.csv.'));
}
