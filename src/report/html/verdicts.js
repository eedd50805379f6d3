/* What the seeds allow to say of each expectation, and every comparison behind it. */
'use strict';
(() => {

const FEW = 8; /* expectations that are shown unfolded */

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
    verdict.needs_n ? small(`needs n ≥ ${verdict.needs_n}`) : null,
    corrected(verdict)
  ];
}

/* What the correction for many claims leaves of it; for one claim of one comparison there is none. */
function corrected({verdict, corrected: after}) {
  if (!after || (after.claims < 2 && after.verdict === verdict)) return null;
  const of = after.claims > 1 ? `${after.claims} claims` : `${after.comparisons} comparisons`;
  return small(`corrected for ${of}${after.family ? ` of ${after.family}` : ''}: ${after.verdict}`,
    after.needs_n ? `, needs n ≥ ${after.needs_n}` : '', ` (p ${show(after.p, 2)})`);
}

function armsOf(test) {
  if (test.search && test.search.arms > 1) return `best of ${test.search.arms} arms, ${test.arm}`;
  return test.against && test.against !== test.arm ? `${test.arm} − ${test.against}` : test.arm;
}
function found(test) {
  if (test.low === undefined) return `${test.n_hold} of ${test.n} seeds`;
  const [median, low, high] = [test.median, test.low, test.high].map((v) =>
    test.last_step && number(v) === Infinity ? `> ${integer(test.last_step)}` : show(v)); /* never is later than the last step */
  return test.n > 1 ? `${median} [${low}, ${high}]` : median;
}

function comparisons(verdict) {
  const rows = verdict.tests.map((t) => [armsOf(t), [found(t), t.note && small(` ${t.note}`)], String(t.n),
                                   t.coverage ? percent(t.coverage) : '–', t.p === undefined ? '–' : show(t.p, 2), t.verdict]);
  return el('details', {},
    el('summary', {}, `All ${verdict.tests.length} comparisons must hold; shown is the deciding one`),
    table([['Arm'], ['Found'], ['n', 1], ['Coverage', 1], ['p', 1], ['Verdict']], rows));
}

/* Many stand behind one line that counts them. */
function folded(list) {
  if (data.verdicts.length <= FEW) return list;
  const judged = (word) => data.verdicts.filter((verdict) => verdict.verdict === word).length;
  const told = ['supported', 'refuted', 'undecided'].filter(judged).map((word) => `${judged(word)} ${word}`);
  return el('details', {}, el('summary', {}, `${data.verdicts.length} expectations: ${told.join(', ')}`), list);
}

function verdicts() {
  if (!data.verdicts.length) return;
  const items = data.verdicts.map((verdict) => {
    const test = verdict.tests[verdict.deciding];
    const about =
      test && [armsOf(test), `n = ${test.n}`, test.coverage && `${percent(test.coverage)} interval`,
        test.p !== undefined && `p ${show(test.p, 2)}`, test.note];
    return el('li', {}, el('div.judged', {}, chip(verdict)),
      el('div', {}, el('div.what', {}, verdict.text || verdict.that), el('code.that', {}, verdict.that),
        verdict.source && small(linked(verdict.source))),
      el('div.found', {},
        test ? [el('b', {}, found(test)), small(about.filter(Boolean).join('; '))] :
               small('no arm of this plan is selected')),
      verdict.tests.length > 1 && comparisons(verdict));
  });
  section('verdicts', 'What the seeds allow us to say',
    'An expectation about numbers is supported or refuted only if the interval of the median over seeds covers at least ' +
      '95 % and lies wholly on one side. One about labels is a statement about most seeds, not about every seed. As many ' +
      'must agree as for a median: 6 of 6, 8 of 9, 10 of 12. Otherwise the expectation stays undecided.',
    folded(el('ul.verdicts', {}, items)), el('figure', {}, data.families.map((line) => caption(`${line}.`)), caption('p is of the two-sided sign test over seeds. A claim about several arms takes the largest of their p to be supported. To be refuted it takes ' +
      'the least of them times their number.')));
}

page.verdicts = verdicts;
})();
