/* What moves the label: how often each switch of the sweep does, and how often the seed alone. */
'use strict';
(() => {

/* A share with its interval over seeds, as a bar with a whisker and in digits. */
function shareBar(interval) {
  const [median, low, high] = interval.values.map(number), W = 120;
  const whisker = interval.n > 1 && el('path.whisker', {d: `M${W * low} 3v8M${W * low} 7H${W * high}M${W * high} 3v8`});
  return [
    el('svg.share', {viewBox: `-1 0 ${W + 2} 14`, width: W + 2, height: 14, 'aria-hidden': 'true'},
      el('rect.whole', {x: 0, y: 2, width: W, height: 10}), el('rect.part', {x: 0, y: 2, width: W * median, height: 10}), whisker),
    el('span.num', {}, ` ${percent(+median.toPrecision(3))} `), small(interval.n > 1 ? `[${percent(+low.toPrecision(3))}, ${percent(+high.toPrecision(3))}]` : '')
  ];
}

function changes() {
  if (!data.changes.length) return;
  const named = (change) => {
    if (change.axis === null) return el('i', {}, 'seed alone');
    if (change.from === null) return el('b', {}, axisName(change.axis));
    return el('span.pair', {}, `${change.from} ↔ ${change.to}`);
  };
  const rows = data.changes.map((change) => [
    named(change), String(change.pairs), String(change.changed.n), shareBar(change.changed), shareBar(change.changed_by_token)
  ]);
  const columns = [['Moved'], ['Pairs a seed', 1], ['n', 1], ['Final label by position differs'], ['Final label by token differs']];
  section('changes', 'What moves the label',
    'Of two runs with the same seed that differ on one axis and agree on all others, how often do the models end with ' +
      'different labels? At 0 % the axis never matters, at 100 % it always does.',
    el('figure', {}, table(columns, rows),
      caption('Share of pairs, median and interval over the seeds whose runs are all there; none and other are labels, too. The last ' +
        'row moves the seed alone: what does not stand out above it cannot be said to matter. A pair of seeds counts for both of them, so that row’s interval is a description.')));
}

page.changes = changes;
})();
