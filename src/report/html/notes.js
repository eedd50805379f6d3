/* What these numbers cannot say, and which runs have none. */
'use strict';
(() => {

const NOTES = [
  ['Labels describe layout',
    'A frame label or an anchor says where attention goes, not why. Value drain says whether the anchor is a sink or content.'],
  ['Intervals',
    'The interval of a median leaves out some extremes on each side, as many as keep 95 %: none of 6 seeds, 1 of 9, 2 of 12, 5 ' +
    'of 20. Its coverage is exact and assumes no distribution. A run in which nothing formed counts as later than its last ' +
    'step; it is not dropped.'],
  ['Many claims',
    'Among twenty claims at 5 % each, one wrong verdict is likely. Claims of one family are corrected by Holm, so that at most 5 % ' +
    'of such families hold a wrong verdict. The corrected verdict stands beside each verdict.'],
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
    weak.size > 0 && el('details', {}, el('summary', {}, `Weaknesses of the metrics: ${weak.size} of them`),
      list([...weak].map(([weakness, names]) => [[...names].join(', '), weakness]))),
    absent.length ? el('figure', {}, el('h3', {}, 'Runs without results'), table([['Run'], ['Why']], absent))
      : el('p.lede', {}, data.arms.every((arm) => arm.finished === arm.runs) ? 'Every planned run finished.'
        : 'Some runs go on: what is said of their arms holds so far.'),
    leftOut > 0 && el('p.lede', {}, `To keep this page small ${leftOut} of ${data.measured} metrics are in geometry.csv only ` +
      '(refframe report results/NAME --table geometry), their weaknesses in metrics.json.'));
}

page.notes = notes;
})();
