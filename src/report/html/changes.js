/* What moves the label: how often each switch of the sweep does, and how often the seed alone. */
'use strict';
(() => {

const points = (x) => String(+ (100 * x).toPrecision(3));

/* A share with its interval over seeds, as a bar with a whisker and in digits. */
function shareBar(changed) {
  if (!changed.n) return '–';
  const W = 60, isOnePair = changed.pairs === 1 && changed.n > 1; /* then a seed says yes or no, and seeds are counted */
  const [median, low, high] = isOnePair ? [changed.n_changed / changed.n] : changed.values.map(number);
  const whisker = changed.n > 1 && !isOnePair && el('path.whisker', {d: `M${W * low} 3v8M${W * low} 7H${W * high}M${W * high} 3v8`});
  return [
    el('svg.share', {viewBox: `-1 0 ${W + 2} 14`, width: W + 2, height: 14, 'aria-hidden': 'true'},
      el('rect.whole', {x: 0, y: 2, width: W, height: 10}), el('rect.part', {x: 0, y: 2, width: W * median, height: 10}), whisker),
    el('span.num', {}, ` ${points(median)} `),
    small(isOnePair ? `(${changed.n_changed} of ${changed.n} seeds)` : changed.n > 1 ? `[${points(low)}, ${points(high)}]` : '')
  ];
}

/* Of one reading: pairs, seeds, the share, what seeds alone change in the same runs, and p. */
function cells(changed) {
  const floor = changed.floor === null ? '–' : [points(changed.floor), small(` of ${points(changed.floor_dealt)}`)];
  return [String(changed.pairs), String(changed.n), shareBar(changed), floor, show(changed.p, 2)];
}

function named(change) {
  if (change.axis === null) return el('i', {}, 'seed alone');
  if (change.setup !== null) return el('span.pair', {}, change.setup);
  if (change.from === null) return el('b', {}, axisName(change.axis));
  return el('span.pair', {}, `${change.from} ↔ ${change.to}`);
}

function changeTable(rows, all, framed) {
  const columns = [['Moved'], ['Pairs', 1], ['n', 1], ['Label differs, %'], ['Seeds alone', 1], ['p', 1],
                   ['Framed pairs', 1], ['n', 1], ['Frame differs, %'], ['Seeds alone', 1], ['p', 1]];
  return table(columns, rows.map((change) => [named(change), ...cells(change[all]), ...cells(change[framed])]));
}

/* Of what a row says: its key in the data, and what its columns have in front and behind in changes.csv. */
const READINGS = [['changed', '', ''], ['changed_by_token', '', '_by_token'], ['framed', 'framed_', ''], ['framed_by_token', 'framed_', '_by_token']];
const columnsOf = ([, front, back]) => ['pairs', 'seeds', 'coverage', 'changed', 'changed?_low', 'changed?_high', 'floor', 'floor_dealt', 'p', 'unlabelled']
  .map((name) => front + (name.includes('?') ? name.replace('?', back) : name + back));
const cellsOf = ({pairs, n, coverage, values, floor, floor_dealt, p, unlabelled}) =>
  [pairs, n, coverage, ...values.map(number), floor, floor_dealt, p, unlabelled];

/* As changes.csv has it; an empty cell is all of them. */
const rowsToSave = () => [['axis', 'from', 'to', 'setup', ...READINGS.flatMap(columnsOf)], ...data.changes.map((change) =>
  [change.axis ?? '(seed)', change.from, change.to, change.setup, ...READINGS.flatMap(([key]) => cellsOf(change[key]))])];

function changes() {
  if (!data.changes.length) return;
  const whole = data.changes.filter((change) => change.setup === null);
  const axes = [...new Set(data.changes.filter((change) => change.setup !== null).map((change) => change.axis))];
  const left = Math.max(...data.changes.map((change) => change.changed.unlabelled));
  const holder = el('div');
  const fill = (suffix) => holder.replaceChildren(
    changeTable(whole, `changed${suffix}`, `framed${suffix}`),
    ...axes.map((axis) => el('details', {}, el('summary', {}, `${axisName(axis)}, within each set-up of the others`),
      changeTable(data.changes.filter((change) => change.axis === axis && change.setup !== null), `changed${suffix}`, `framed${suffix}`))));
  fill('');
  const reading = segments('How labels are read', [['', 'By position'], ['_by_token', 'By token']], '', fill);
  section('changes', 'What moves the label',
    'Take two runs with the same seed that differ on one axis and agree on all others. How often do the models end with ' +
      'different labels? At 0 % the axis never matters, at 100 % it always does.',
    el('figure', {}, el('div.controls', {}, reading), holder,
      caption('Share of the pairs of a seed, median and interval over the seeds whose runs are all there. Where a seed has one pair, it counts the seeds in which the pair differs. On the left none and other are labels, ' +
        'too. On the right only pairs count in which both runs have a frame. Seeds alone: how often two seeds of one arm differ, of how ' +
        'often they would if each seed dealt its labels among the values at random. p: the share of such deals in which seeds differ as little or less. ' +
        'p is not corrected for the number of rows. The last row moves the seed in all arms. A pair of seeds counts for both seeds, so that row’s interval only describes. Of very many set-ups the first 200 stand here, all of them in changes.csv.' +
        (left ? ` Up to ${left} runs whose label is not available are left out.` : '')), page.save('changes', {csv: rowsToSave})));
}

page.changes = changes;
})();
