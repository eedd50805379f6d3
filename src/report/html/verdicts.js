/* What the seeds allow to say of each expectation, and every comparison behind it. */
'use strict';
(() => {

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

function armsOf(test) {
  if (test.search && test.search.arms > 1) return `best of ${test.search.arms} arms, ${test.arm}`;
  return test.against && test.against !== test.arm ? `${test.arm} − ${test.against}` : test.arm;
}
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

page.verdicts = verdicts;
})();
