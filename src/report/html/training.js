/* Series against training step: dygraphs, a median line per arm with a band over its seeds, baselines dashed.
 *
 * The logarithmic axis shows log10(1 + step), so that step 0 has a place. Arrow keys read values where a mouse would
 * point.
 */
'use strict';
(() => {

const curve = {
  isLog: true,
  metric: Math.max(0, data.metrics.findIndex((m) => m.name === data.headline)),
  level: 'strongest',
};
const toX = (step) => (curve.isLog ? logStep(step) : step);

/* The steps at which an arm measured a metric; a costly one is not in every snapshot. */
const stepsOf = (a, own) => (own.at ? own.at.map((i) => a.steps[i]) : a.steps);

/* Rows [x, [low, median, high] of each arm] over the union of the steps at which an arm has values. */
function rowsOf(what) {
  const own = arms.map(what.steps), steps = [...new Set(own.flat())].sort((a, b) => a - b);
  const places = own.map((list) => new Map(list.map((step, i) => [step, i])));
  const rows = steps.map((step) => [toX(step), ...arms.map((a, k) => {
    const values = what.band(a).map((line) => number(line[places[k].get(step)]));
    return values.every(Number.isFinite) ? values : [null, null, null];
  })]);
  return {steps, rows};
}

/* A dashed line for each arm's level; when all agree, one without an arm's colour. */
function levels(name, valueOf) {
  const values = arms.map((a) => number(valueOf(a)));
  const known = [...new Set(values.filter((v) => !Number.isNaN(v)).map((v) => +v.toPrecision(3)))];
  if (known.length === 1) return [{y: known[0], label: `${name} ${show(known[0])}`}];
  return values.flatMap((y, k) => (Number.isNaN(y) ? [] : [{y, arm: k, label: `${name} ${show(y)}`}]));
}

function drawLevels(context, area, graph, lines) {
  context.save();
  context.setLineDash([5, 4]);
  context.font = `12px ${css('--sans')}`;
  for (const [i, line] of lines.entries()) {
    const y = Math.round(graph.toDomYCoord(line.y)) + 0.5;
    context.strokeStyle = context.fillStyle = line.arm === undefined ? css('--faint') : armColour(line.arm);
    context.beginPath();
    context.moveTo(area.x, y);
    context.lineTo(area.x + area.w, y);
    context.stroke();
    context.fillText(line.label, area.x + 8 + 92 * i, y - 5);
  }
  context.restore();
}

/* what: title(), unit(), steps(arm), band(arm), lines(), n(arm), max(). */
function Chart(what) {
  const plot = el('div.chart'), heading = el('h3'), unit = el('span.dim'),
        readout = el('div.readout', {'aria-live': 'polite'});
  const box =
    el('div.card.chart-box', {tabindex: 0, role: 'group'}, el('div.chart-title', {}, heading, unit), plot, readout);
  let graph = null, now = null, selected = -1;

  function tell(row) {
    selected = row;
    const lastOf = (k) => now.rows.findLast((values) => values[k + 1][0] !== null)?.[k + 1] ?? [null, null, null];
    const values = row < 0 ? arms.map((_, k) => lastOf(k)) : now.rows[row].slice(1), counts = new Set(arms.map(what.n));
    const items = arms.map((a, k) => {
      const [low, median, high] = values[k];
      const band = what.n(a) > 1 ? `[${show(low)}, ${show(high)}]` : '';
      return [swatch(armColour(k)), `${armName(a)} ${show(median)}`, small(counts.size > 1 ? `${band} n = ${what.n(a)}` : band)];
    });
    const when = row < 0 ? 'At the end' : `At step ${integer(now.steps[row])}`;
    readout.replaceChildren(el('p.at', {}, counts.size > 1 ? when : `${when}, n = ${[...counts][0]}`), key(items));
  }

  function draw() {
    now = rowsOf(what);
    const lines = what.lines(), last = Math.max(...arms.map((a) => a.steps[a.steps.length - 1]));
    const values =
      [...now.rows.flatMap((row) => row.slice(1).flat()).filter((v) => v !== null), ...lines.map((line) => line.y)];
    if (!values.length) values.push(0, 1);
    const low = Math.min(...values), high = Math.max(...values), pad = (high - low || 1) * 0.06;
    const linear = {pixelsPerLabel: 70, labelsKMB: false, axisLabelFormatter: integer};
    heading.textContent = what.title();
    unit.textContent = what.unit();
    box.setAttribute(
      'aria-label', `${what.title()} against training step for ${arms.length} arms; arrow keys read values`);
    if (graph) graph.destroy();
    graph = new window.Dygraph(plot, now.rows, {
      labels: ['step', ...arms.map((a, k) => `${k} ${armName(a)}`)],
      customBars: true,
      colors: arms.map((_, k) => armColour(k)),
      fillAlpha: 0.15,
      strokeWidth: 2.2,
      connectSeparatedPoints: true,
      drawPoints: arms.some((a) => what.steps(a) !== a.steps), /* where it was measured, if not everywhere */
      pointSize: 2.4,
      legend: 'never',
      xlabel: `training step (${curve.isLog ? 'logarithmic' : 'linear'})`,
      xLabelHeight: 20,
      valueRange: [low >= 0 && low < 0.3 * high ? 0 : low - pad, high > what.max() ? high + pad : Math.min(high + pad, what.max() * 1.02)],
      dateWindow: [0, toX(last) * 1.005],
      gridLineColor: css('--hair'),
      axisLineColor: css('--line'),
      gridLineWidth: 1,
      highlightCircleSize: 4,
      rightGap: 8,
      axes: {
        x: {
          drawGrid: false,
          ticker: (a, b) =>
            (curve.isLog ? stepTicks(last).map((t) => ({v: toX(t), label: integer(t)})) :
                           window.Dygraph.numericTicks(a, b, plot.clientWidth, (option) => linear[option])),
        },
        y: {axisLabelWidth: 44, pixelsPerLabel: 44, axisLabelFormatter: (v) => show(+v.toPrecision(6))},
      },
      highlightCallback: (event, x, points, row) => tell(row),
      unhighlightCallback: () => tell(-1),
      underlayCallback: (context, area, g) => drawLevels(context, area, g, lines),
    });
    tell(-1);
  }

  box.addEventListener('keydown', (event) => {
    const end = now.rows.length - 1, to = {
      ArrowRight: Math.min(selected + 1, end),
      ArrowLeft: selected < 0 ? end : Math.max(selected - 1, 0),
      Home: 0,
      End: end,
    }[event.key];
    if (event.key === 'Escape') {
      graph.clearSelection();
      tell(-1);
    }
    if (to === undefined) return;
    event.preventDefault();
    graph.setSelection(to);
    tell(to);
  });
  redraws.push(draw);
  cleanups.push(() => graph && graph.destroy());
  return {box, draw};
}

/* A model metric has one level. */
const levelOf = (metric) => (metric.level === 'model' ? 'model' : curve.level);
const seriesOf = (a) => a.series[curve.metric][levelOf(data.metrics[curve.metric])];

/* The computed baseline of the chosen metric and level. */
function floorOf(a) {
  const computed = seriesOf(a).baselines.slice(0, 2).map(number).filter((v) => !Number.isNaN(v));
  if (!computed.length) return NaN;
  return data.metrics[curve.metric].direction < 0 ? Math.min(...computed) : Math.max(...computed);
}

/* Where a metric stands in the list: by family; what is measured as published, on corrupted sequences, over target
 * queries, comes last. */
function groupOf(metric) {
  const isPublished = metric.family.startsWith('pub_'), isCorrupted = metric.name.startsWith('corrupted/'),
    isOfTargets = metric.name.includes('targets/');
  const heading = [isPublished ? metric.family.slice(4) : metric.family, isPublished && 'as published',
    isCorrupted && 'corrupted sequences', isOfTargets && 'target queries'];
  return {rank: isPublished + 2 * (isCorrupted || isOfTargets), heading: heading.filter(Boolean).join(', ')};
}

function metricGroups() {
  const groups = new Map();
  for (const rank of [0, 1, 2, 3])
    data.metrics.forEach((metric, m) => {
      const group = groupOf(metric);
      if (group.rank !== rank) return;
      if (!groups.has(group.heading)) groups.set(group.heading, el('optgroup', {label: group.heading}));
      groups.get(group.heading).append(el('option', {value: m}, metric.name));
    });
  return [...groups.values()];
}

function training() {
  if (!arms.length || !data.metrics.length) return;
  const metric = () => data.metrics[curve.metric];
  const levelName = () => (metric().level === 'model' ? 'of the model' :
    curve.level === 'model' ? 'mean over the model' : `strongest ${metric().level}`);
  const sink = Chart({
    title: () => `${metric().name}, ${levelName()}`,
    unit: () => metric().unit || (metric().min === 0 && metric().max === 1 ? 'share' : 'no unit'),
    steps: (a) => stepsOf(a, a.series[curve.metric]),
    band: (a) => seriesOf(a).band,
    lines: () => levels('floor', floorOf),
    n: (a) => seriesOf(a).n,
    max: () => number(metric().max) || Infinity,
  });
  const loss = Chart({
    title: () => 'Held-out loss',
    unit: () => `${data.loss_unit} per target`,
    steps: (a) => a.steps,
    band: (a) => a.held_out_loss,
    lines: () => levels('ideal', (a) => a.oracle_loss),
    n: (a) => a.seeds.length,
    max: () => Infinity,
  });
  const about = caption();
  const describe = () => {
    for (const button of levelChoice.children) button.disabled = metric().level === 'model';
    about.replaceChildren(el('b', {}, metric().name), `: ${metric().summary}. `,
    ...(metric().source && metric().source !== '-' ? linked(`${metric().source}. `) : []),
    metric().weakness ? `Weakness: ${metric().weakness}. ` : '',
    arms.some((a) => a.series[curve.metric].at) ? 'Points are the snapshots that measured it; it is not in every one. ' : '',
    'Lines are medians over seeds, bands run from the least to the largest seed. Dashed: the floor, which needs no ' +
      'learning, and the loss of the ideal predictor. Drag to zoom, double-click to go back.');
  };
  const choose = select('Metric', [], (chosen) => {
    curve.metric = chosen;
    sink.draw();
    describe();
  });
  choose.replaceChildren(...metricGroups());
  choose.value = curve.metric;
  const setLevel = (level) => {
    curve.level = level;
    sink.draw();
  };
  const levelChoice = segments('Level', [['strongest', 'strongest head'], ['model', 'model mean']], curve.level, setLevel);
  const setLog = (isLog) => {
    curve.isLog = isLog;
    sink.draw();
    loss.draw();
  };
  section('training', 'Sink strength and loss while training', null,
    el('div.controls', {}, el('label', {}, 'Metric', choose),
      leftOut > 0 && small(`${data.metrics.length} of ${data.measured}; the others are in geometry.csv, which refframe report --table geometry writes`),
      levelChoice,
      segments('Step axis', [[true, 'log'], [false, 'linear']], curve.isLog, setLog)),
    el('figure', {}, el('div.two', {}, sink.box, loss.box), about));
  describe();
}

page.training = training;
})();
