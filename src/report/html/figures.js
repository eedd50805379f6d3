/* What stands still: the head of the page, verdicts, onsets, heads, baselines, notes. */
'use strict';

function hero() {
  const count = (list, what) => list.reduce((n, item) => n + item[what], 0);
  const judged = (verdict) => data.verdicts.filter((v) => v.verdict === verdict).length;
  const open = data.verdicts.length - judged('supported') - judged('refuted');
  const fact = (term, value, note) =>
    el('div', {}, el('dt', {}, term), el('dd', {}, String(value), el('small', {}, note)));
  const first = finished[0], seeds = data.arms.length ? count(data.arms, 'runs') / data.arms.length : 0;
  const facts = [
    fact('Arms', data.arms.length, data.axes.length ? `over ${data.axes.map(axisName).join(', ')}` : 'one setting'),
    fact('Runs', count(data.arms, 'finished'),
      `finished of ${count(data.arms, 'runs')}, ${+ seeds.toFixed(1)} seeds an arm`),
    first &&
      fact('Model', integer(number(first.n_parameters)), `parameters, ${first.n_layers} layers of ${first.n_heads} heads`),
    first && fact('Measured', first.steps.length, `times, on ${first.n_sequences} held-out sequences`),
    data.verdicts.length > 0 &&
      fact('Expectations', judged('supported'), `supported, ${judged('refuted')} refuted, ${open} open`),
  ];
  document.getElementById('top').append(el('div.hero', {}, el('p.eyebrow', {}, data.name),
    el('h1', {}, data.title || data.name), data.claim && el('p.claim', {}, data.claim),
    data.source && el('p.source', {}, 'Source: ', linked(data.source)), el('dl.facts', {}, facts)));
}

/* ---- verdicts ---- */

const MARKS = {
  supported: 'M2 7l3 3 6-7',
  refuted: 'M3 3l7 7M10 3l-7 7'
};
function chip(verdict) {
  const path = el('path', {
    d: MARKS[verdict.verdict] || 'M2.5 6.5h8',
    fill: 'none',
    stroke: 'currentColor',
    'stroke-width': 2,
    'stroke-linecap': 'round'
  });
  const mark = el('svg', {width: 13, height: 13, viewBox: '0 0 13 13', 'aria-hidden': 'true'}, path);
  return [
    el(`span.chip.${verdict.verdict.split(' ')[0]}`, {}, mark, verdict.verdict),
    verdict.needs_n ? small(`needs n ≥ ${verdict.needs_n}`) : null
  ];
}

const armsOf = (test) => (test.against && test.against !== test.arm ? `${test.arm} − ${test.against}` : test.arm);
function found(test) {
  if (test.n_hold !== undefined) return `${test.n_hold} of ${test.n} seeds`;
  return test.n > 1 ? `${show(test.median)} [${show(test.low)}, ${show(test.high)}]` : show(test.median);
}

function comparisons(verdict) {
  const rows = verdict.tests.map((t) => [armsOf(t), [found(t), t.note && small(` ${t.note}`)], String(t.n),
                                   t.coverage ? percent(t.coverage) : '–', t.verdict]);
  return el('details', {},
    el('summary', {}, `All ${verdict.tests.length} comparisons must hold; shown is the deciding one`),
    table([['Arm'], ['Found'], ['n', 1], ['Coverage', 1], ['Verdict']], rows));
}

function verdicts() {
  if (!data.verdicts.length) return;
  const items = data.verdicts.map((verdict) => {
    const test = verdict.tests[verdict.deciding];
    const about =
      test && [armsOf(test), `n = ${test.n}`, test.coverage && `${percent(test.coverage)} interval`, test.note];
    return el('li', {}, el('div.judged', {}, chip(verdict)),
      el('div', {}, el('div.what', {}, verdict.text || verdict.that), el('code.that', {}, verdict.that),
        verdict.source && small(linked(verdict.source))),
      el('div.found', {},
        test ? [el('b', {}, found(test)), small(about.filter(Boolean).join('; '))] :
               small('no arm of this plan is selected')),
      verdict.tests.length > 1 && comparisons(verdict));
  });
  section('verdicts', 'What the seeds allow us to say',
    'An expectation is supported or refuted only if the interval of the ' +
      'median over seeds covers at least 95 % and lies wholly on one side. Otherwise it stays undecided.',
    el('ul.verdicts', {}, items));
}

/* ---- onset per arm: interval, median, seeds ---- */

/* What training is counted in: arms of different objectives may be matched by tokens or by targets of the loss. */
const COUNTED = [['steps', 'steps', 'training step'], ['tokens', 'tokens', 'tokens seen'], ['targets', 'targets', 'targets of the loss']];
const counted = {in: 'steps'};

/* A step of an arm's grid in what is counted, linear between snapshots; what is infinite stays so. */
function inCounted(a, value) {
  const step = number(value);
  if (counted.in === 'steps' || !Number.isFinite(step)) return step;
  const after = Math.max(1, a.steps.findIndex((s) => s >= step)), [s0, s1] = [a.steps[after - 1], a.steps[after]];
  const [v0, v1] = [a[counted.in][after - 1], a[counted.in][after]];
  return v0 + ((v1 - v0) * (step - s0)) / (s1 - s0);
}

function forest() {
  const W = 1040, left = 190, right = 92, row = 48, top = 8, bottom = top + arms.length * row, never = W - 46;
  const last = Math.max(...arms.map((a) => a[counted.in][a.steps.length - 1]));
  const unit = counted.in === 'steps' ? 1 : Math.min(...arms.map((a) => a[counted.in].find((v) => v > 0))); /* one step's */
  const log = (v) => logStep(v / unit), at = (v) => left + ((W - right - left) * log(v)) / log(last);
  const ticks = unit === 1 ? stepTicks(last) : [0, ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((e) => 10 ** e).filter((v) => v > unit && v <= last)];
  const told =
    arms.map((a) => `${armName(a)}: median ${show(a.onset.values[0])}, formed in ${a.formed} of ${a.finished}`);
  const svg = el('svg', {viewBox: `0 0 ${W} ${bottom + 44}`, role: 'img', 'aria-label': `Onset. ${told.join('; ')}`});
  const line = (spec, x1, x2, y1, y2, more) => el(spec, {x1, x2, y1, y2, ...more});
  const text = (at, y, anchor, string) => el('text', {x: at, y, 'text-anchor': anchor}, string);
  for (const t of ticks)
    svg.append(line('line.rule', at(t), at(t), top, bottom), text(at(t), bottom + 18, 'middle', integer(t)));
  svg.append(line('line.axis', never - 23, never - 23, top, bottom, {'stroke-dasharray': '2 4'}),
    text(never, bottom + 18, 'middle', 'never'),
    text((left + W - right) / 2, bottom + 38, 'middle', `${COUNTED.find(([key]) => key === counted.in)[2]} (logarithmic)`));
  arms.forEach((a, i) => {
    const x = (v) => (number(v) === Infinity ? never : at(inCounted(a, v)));
    const y = top + row * (i + 0.5), stroke = armColour(i), [median, low, high] = a.onset.values, taken = {};
    svg.append(line('line.rule', 0, W, y + row / 2, y + row / 2),
      el('text.strong', {x: 0, y: y - 1}, armName(a).slice(0, 30)),
      text(0, y + 15, 'start', `formed in ${a.formed} of n = ${a.finished}`),
      line(
        'line', x(low), x(high), y, y, {stroke, 'stroke-width': 8, 'stroke-opacity': 0.24, 'stroke-linecap': 'round'}));
    for (const seed of a.seeds.filter((s) => s.onset)) {
      const cx = x(seed.onset[1]), k = taken[Math.round(cx)] ?? 0; /* equal ones fan out up and down */
      taken[Math.round(cx)] = k + 1;
      const when =
        number(seed.onset[1]) === Infinity ? 'never' : `after step ${show(seed.onset[0])}, by ${show(seed.onset[1])}`;
      svg.append(
        el('circle', {cx, cy: y + (k % 2 ? 1 : -1) * Math.ceil(k / 2) * 6.5, r: 3, fill: stroke, 'fill-opacity': 0.8},
          el('title', {}, `seed ${seed.seed}: ${when}`)));
    }
    svg.append(
      line('line', x(median), x(median), y - 13, y + 13, {stroke, 'stroke-width': 3, 'stroke-linecap': 'round'}));
  });
  return svg;
}

function onset() {
  if (!arms.length || !data.headline) return;
  const metric = data.metrics.find((m) => m.name === data.headline);
  const rows = arms.map(
    (a) => [armName(a), [`${a.formed} of ${a.finished}`, a.at_start ? small(` (${a.at_start} at start)`) : null],
      show(a.onset.values[0]), brackets(a.onset), a.onset.coverage ? percent(a.onset.coverage) : '–',
      [show(a.final.values[0]), small(` ${brackets(a.final)}`)], show(a.floor),
      [show(a.value_drain.values[0]), small(` ${brackets(a.value_drain, 2)}`)],
      [show(a.loss.values[0]), Number.isNaN(number(a.oracle_loss)) ? null : small(` ideal ${show(a.oracle_loss)}`)]]);
  section('onset', 'When a sink forms',
    `A sink has formed at the first snapshot from which ${data.headline} of the strongest head ` +
      `stays above ${show(metric.threshold)} and above ${show(metric.ratio)} × its baseline, three snapshots in a row.`,
    el('div.controls', {}, segments('Counted in', COUNTED.map(([key, name]) => [key, name]), counted.in, (key) => {
      counted.in = key;
      redraws.forEach((draw) => draw());
    })),
    el('figure', {}, themed(forest, 'div.scroll.forest'),
      caption('Dots are seeds, the bar is the interval of their median, the ' +
        'upright mark the median. An onset lies between the snapshot before and the step shown.')),
    el('figure', {},
      table(
        [
          ['Arm'], ['Formed'], ['Onset', 1], ['Interval', 1], ['Coverage', 1], [`Final ${data.headline}`, 1],
          ['Floor', 1], ['Value drain', 1], ['Final loss', 1]
        ],
        rows),
      caption(
        'Medians over the finished seeds, with the interval of the median. Final: median of the last three snapshots of ' +
          'the strongest head, chosen on even sequences and read on odd ones. Floor: the larger of uniform and ' +
          'position-only attention. Value drain: ‖v₀‖ over the mean ‖v‖ of that head; 1 is none. Loss in nats per target.',
        data.headline_note && ` Shown is ${data.headline_note}.`)));
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
    'figure', {}, canvas, caption(`seed ${seed.seed}`, a.finished > 1 && seed.seed === a.representative && el('b', {}, ' median')));
}

function heads() {
  if (!arms.length || !data.headline) return;
  const draw = () =>
    arms.map((a) => el('div.row', {}, el('div', {}, el('h3', {}, armName(a)), small(`n = ${a.finished}`)),
               el('div.cells', {}, a.seeds.filter((seed) => seed.heads).map((seed) => headsOf(a, seed)))));
  section('heads', 'Which heads carry it',
    `Final ${data.headline} of every head: rows are layers, the first on top, columns are heads, the outlined one is ` +
      'the strongest. Heads have no order, so seeds stand side by side instead of being averaged.',
    el('figure', {}, themed(draw, 'div.arm-heads')), el('figure', {}, themed(rampLegend)));
}

/* ---- baselines, notes ---- */

function baselines() {
  if (!arms.length || !data.headline) return;
  const m = data.metrics.findIndex((metric) => metric.name === data.headline);
  const rows = arms.flatMap((a) => ['strongest', 'model'].map((level) => {
    const own = a.series[m][level], tail = own.band[1].slice(-3).filter((v) => v !== null).sort((x, y) => x - y);
    const isStrongest = level === 'strongest';
    return [
      isStrongest ? armName(a) : '', isStrongest ? 'strongest head' : 'model mean',
      ...own.baselines.map((b) => show(b)), show(isStrongest ? a.final.values[0] : tail[tail.length >> 1]),
      String(own.n)
    ];
  }));
  section('baselines', 'What nothing would look like',
    `${data.headline} of a model that attends evenly, of one that knows ` +
      'positions only (softmax of mask and position bias), and of this one before its first step.',
    el('figure', {},
      table([['Arm'], ['Level'], ['Uniform', 1], ['Position only', 1], ['At step 0', 1], ['Final', 1], ['n', 1]], rows),
      caption(
        'The strongest head was chosen as the most extreme one, so its baselines are those of the most extreme head. ' +
        'Medians over seeds.')));
}

const NOTES = [
  ['Labels describe layout',
    'A frame label or an anchor says where attention goes, not why. Value drain says whether the anchor is a sink or content.'],
  ['Intervals',
    'The interval of a median runs from the least to the largest seed; from nine seeds on, from the second least to the ' +
    'second largest. Its coverage is exact and assumes no distribution. A run in which nothing formed counts as never; it ' +
    'is not dropped.'],
  ['Frame rules',
    'There is no published rule for frame types. The one used here is declared, versioned and validated on planted maps; ' +
    'it can change and be applied again without retraining.'],
];
function notes() {
  const weak = new Map(); /* one note for all metrics that share a weakness */
  for (const m of data.metrics.filter((metric) => metric.weakness))
    weak.set(m.weakness, (weak.get(m.weakness) ?? new Set()).add(m.name.replace(/@.*/, '@…')));
  const plan = data.notes.map((note) => ['Plan', note]);
  const absent = data.absent.map((run) => [el('code', {}, run.run), run.reason]);
  const list = (items) => el('dl.notes', {}, items.map(([term, text]) => el('div', {}, el('dt', {}, term), el('dd', {}, text))));
  section('notes', 'What these numbers cannot say', null, list([...plan, ...NOTES]),
    weak.size > 0 && el('figure', {}, el('h3', {}, 'Weaknesses of the metrics'),
      list([...weak].map(([weakness, names]) => [[...names].join(', '), weakness]))),
    absent.length ? el('figure', {}, el('h3', {}, 'Runs without results'), table([['Run'], ['Why']], absent))
      : el('p.lede', {}, 'Every planned run finished.'),
    leftOut > 0 && el('p.lede', {}, `To keep this page small ${leftOut} of ${data.measured} metrics stand in geometry.csv only, ` +
      'their weaknesses in metrics.json.'));
}
