/* A chart of series against training step: dygraphs, a median line per arm with a band over its seeds, baselines dashed,
 * names at the lines' ends. Lines differ in colour and in dashes.
 *
 * The logarithmic axis shows log10(1 + step), so that step 0 has a place. Arrow keys read values where a mouse would
 * point.
 */
'use strict';
(() => {

const NAME_ROOM = 104, NAME_HEIGHT = 14; /* of a line's name, in pixels */
const LABELLED = 2; /* levels that are named in the chart */
const axis = {isLog: true}; /* what all charts share */
const toX = (step) => (axis.isLog ? logStep(step) : step);

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

/* A dashed line for each level of the arms; one that several have has no arm's colour. */
function levels(name, valueOf) {
  const byLevel = new Map();
  arms.forEach((a, k) => {
    const y = +number(valueOf(a)).toPrecision(3);
    if (!Number.isNaN(y)) byLevel.set(y, [...(byLevel.get(y) ?? []), k]);
  });
  return [...byLevel].map(([y, own]) => ({y, arm: own.length === 1 ? own[0] : undefined, label: `${name} ${show(y)}`}));
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
    const above = y - 5 > area.y + 9 ? y - 5 : y + 14; /* never cut by the chart's upper edge */
    if (i >= LABELLED) continue; /* more would cover the curves: "What nothing would look like" has them all */
    context.lineWidth = 4;
    context.setLineDash([]);
    context.strokeStyle = css('--raised');
    context.strokeText(line.label, area.x + 8 + 100 * i, above); /* readable over a curve */
    context.lineWidth = 1;
    context.setLineDash([5, 4]);
    context.fillText(line.label, area.x + 8 + 100 * i, above);
  }
  context.restore();
}

/* Each line's name at its end, moved apart where they would meet; none where there is no room for all, since the readout
 * has them, too. (The library lets nobody paint beside the plot: these are elements over it.) */
function namesOf(graph, rows, room) {
  const {x, y, w, h} = graph.getArea();
  const ends = arms.map((a, k) => {
    const row = rows.findLast((values) => values[k + 1][1] !== null);
    return row && {k, x: graph.toDomXCoord(row[0]), y: graph.toDomYCoord(row[k + 1][1])};
  }).filter((end) => end && end.y >= y && end.y <= y + h && Math.abs(end.x - x - w) < 12);
  if (ends.length > h / NAME_HEIGHT) return [];
  ends.sort((a, b) => a.y - b.y);
  ends.forEach((end, i) => (end.at = Math.max(end.y, i ? ends[i - 1].at + NAME_HEIGHT : y + NAME_HEIGHT / 2)));
  for (let i = ends.length - 1, most = y + h - NAME_HEIGHT / 2; i >= 0; i--, most -= NAME_HEIGHT) ends[i].at = Math.min(ends[i].at, most);
  return ends.map(({k, at}) => el('span.line-name', {
    'aria-hidden': 'true',
    style: `left:${x + w + 5}px;top:${at - NAME_HEIGHT / 2}px;width:${room}px;border-color:${armColour(k)}`,
  }, armName(arms[k])));
}

/* The bands as a table, a row for each arm and step that has values. */
function rowsToSave(what) {
  const name = what.name();
  return page.saving.armTable(arms, ['step', `${name}_low`, name, `${name}_high`, 'n'], (a) => what.steps(a).map((step, i) =>
    [step, ...what.band(a).map((line) => number(line[i])), what.n(a)]));
}

/* The library draws anew when the page takes the width of paper, too late for the printer: a picture stands in. Returns what
 * takes the listeners away. */
function stillForPrint(frame) {
  const freeze = () => {
    const still = page.saving.drawn(frame, '', 'transparent');
    still.className = 'still';
    frame.append(still);
    frame.classList.add('frozen');
  };
  const thaw = () => {
    frame.querySelector('.still')?.remove();
    frame.classList.remove('frozen');
  };
  addEventListener('beforeprint', freeze);
  addEventListener('afterprint', thaw);
  return () => {
    removeEventListener('beforeprint', freeze);
    removeEventListener('afterprint', thaw);
  };
}

/* ---- one chart: what it shows, its elements, the library's graph, and the row that is read ---- */

function elementsOf() {
  const plot = el('div.chart'), heading = el('h3'), unit = el('span.dim'), about = small(), names = el('div');
  const frame = el('div.plot', {}, plot, names), readout = el('div.readout', {'aria-live': 'polite'});
  const box = el('div.card.chart-box', {tabindex: 0, role: 'group'}, el('div.chart-title', {}, heading, unit), about, frame, readout);
  return {plot, heading, unit, about, names, frame, readout, box};
}

/* Says the values of a row, or of each arm's last one. */
function tell(chart, row) {
  const {what, now, parts} = chart, counts = new Set(arms.map(what.n));
  chart.selected = row;
  const lastOf = (k) => now.rows.findLast((values) => values[k + 1][0] !== null)?.[k + 1] ?? [null, null, null];
  const values = row < 0 ? arms.map((_, k) => lastOf(k)) : now.rows[row].slice(1);
  const items = arms.map((a, k) => {
    const [low, median, high] = values[k];
    const band = what.n(a) > 1 ? `[${show(low)}, ${show(high)}]` : '';
    return [swatch(k), `${armName(a)} ${show(median)}`, small(counts.size > 1 ? `${band} n = ${what.n(a)}` : band)];
  });
  const when = row < 0 ? 'At the end' : `At step ${integer(now.steps[row])}`;
  parts.readout.replaceChildren(el('p.at', {}, counts.size > 1 ? when : `${when}, n = ${[...counts][0]}`), key(items));
}

/* Least and largest value of the vertical axis: from 0 where that is near, and no further than a metric can go. */
function rangeOf({what, now}, lines) {
  const values = [...now.rows.flatMap((row) => row.slice(1).flat()).filter((v) => v !== null), ...lines.map((line) => line.y)];
  if (!values.length) values.push(0, 1);
  const low = Math.min(...values), high = Math.max(...values), pad = (high - low || 1) * 0.06;
  return [low >= 0 && low < 0.3 * high ? 0 : low - pad, high > what.max() ? high + pad : Math.min(high + pad, what.max() * 1.02)];
}

function axesOf(plot, last) {
  const linear = {pixelsPerLabel: 70, labelsKMB: false, axisLabelFormatter: integer};
  /* a label for each tick that has room for one */
  const isNear = (t, other) => (toX(t) - toX(other)) / toX(last) * plot.clientWidth < 34;
  const apart = (steps) => steps.reduce((kept, t) => (kept.length && isNear(t, kept.at(-1)) ? kept : [...kept, t]), []);
  const ticks = (a, b) => (axis.isLog ? apart(stepTicks(last)).map((t) => ({v: toX(t), label: integer(t)})) :
                                        window.Dygraph.numericTicks(a, b, plot.clientWidth, (option) => linear[option]));
  return {
    x: {drawGrid: false, ticker: ticks},
    y: {axisLabelWidth: 44, pixelsPerLabel: 44, axisLabelFormatter: (v) => show(+v.toPrecision(6))},
  };
}

/* How the library draws the arms' lines. */
function strokesOf(what) {
  return {
    colors: arms.map((_, k) => armColour(k)),
    series: Object.fromEntries(arms.map((a, k) => [`${k} ${armName(a)}`, {strokePattern: armDash(k).length ? armDash(k) : null}])),
    fillAlpha: 0.15,
    strokeWidth: 2.2,
    connectSeparatedPoints: true,
    drawPoints: arms.some((a) => what.steps(a) !== a.steps), /* where it was measured, if not everywhere */
    pointSize: 2.4,
    highlightCircleSize: 4,
  };
}

function optionsOf(chart) {
  const {what, now, parts: {plot, names}} = chart, lines = what.lines(), last = Math.max(...arms.map((a) => a.steps[a.steps.length - 1]));
  const gap = Math.min(NAME_ROOM, plot.clientWidth / 4); /* for the arms' names at their lines' ends */
  return {
    labels: ['step', ...arms.map((a, k) => `${k} ${armName(a)}`)],
    customBars: true,
    ...strokesOf(what),
    legend: 'never',
    xlabel: `training step (${axis.isLog ? 'logarithmic' : 'linear'})`,
    xLabelHeight: 20,
    valueRange: rangeOf(chart, lines),
    dateWindow: [0, toX(last) * 1.005],
    gridLineColor: css('--hair'),
    axisLineColor: css('--line'),
    gridLineWidth: 1,
    rightGap: gap + 8,
    axes: axesOf(plot, last),
    highlightCallback: (event, x, points, row) => tell(chart, row),
    unhighlightCallback: () => tell(chart, -1),
    underlayCallback: (context, area, graph) => drawLevels(context, area, graph, lines),
    drawCallback: (graph) => names.replaceChildren(...namesOf(graph, now.rows, gap)),
  };
}

function draw(chart) {
  const {what, parts} = chart;
  chart.now = rowsOf(what);
  parts.heading.textContent = what.title();
  parts.unit.textContent = what.unit();
  parts.about.textContent = what.about();
  parts.box.setAttribute('aria-label', `${what.title()} against training step for ${arms.length} arms; arrow keys read values`);
  if (chart.graph) chart.graph.destroy();
  chart.graph = new window.Dygraph(parts.plot, chart.now.rows, optionsOf(chart));
  tell(chart, -1);
}

function pressed(chart, event) {
  const {now, selected, graph} = chart, end = now.rows.length - 1, to = {
    ArrowRight: Math.min(selected + 1, end),
    ArrowLeft: selected < 0 ? end : Math.max(selected - 1, 0),
    Home: 0,
    End: end,
  }[event.key];
  if (event.key === 'Escape') {
    graph.clearSelection();
    tell(chart, -1);
  }
  if (to === undefined) return;
  event.preventDefault();
  graph.setSelection(to);
  tell(chart, to);
}

/* what: name() as in tables, about(), title(), unit(), steps(arm), band(arm), lines(), n(arm), max(). */
function Chart(what) {
  const chart = {what, parts: elementsOf(), graph: null, now: null, selected: -1}, {box, frame} = chart.parts;
  const drawIt = () => draw(chart);
  box.append(page.save(what.name, {png: () => page.saving.drawn(box), csv: () => rowsToSave(what)}));
  box.addEventListener('keydown', (event) => pressed(chart, event));
  redraws.push(drawIt);
  cleanups.push(() => chart.graph && chart.graph.destroy(), stillForPrint(frame));
  return {box, draw: drawIt};
}

Object.assign(page, {Chart, levels, chartAxis: axis});
})();
