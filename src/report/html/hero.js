/* The head of the page: what was claimed; and behind the pictures what was run, and what came of it in numbers. */
'use strict';
(() => {

function facts() {
  const count = (list, what) => list.reduce((n, item) => n + item[what], 0);
  const judged = (verdict) => data.verdicts.filter((v) => v.verdict === verdict).length;
  const stand = data.verdicts.filter((v) => v.corrected && ['supported', 'refuted'].includes(v.corrected.verdict)).length;
  const open = data.verdicts.length - judged('supported') - judged('refuted');
  const counted = (n, what) => `${n} ${what}${n === 1 ? '' : 's'}`;
  const fact = (term, value, note) =>
    el('div', {}, el('dt', {}, term), el('dd', {}, String(value), el('small', {}, note)));
  const first = finished[0], seeds = data.arms.length ? count(data.arms, 'runs') / data.arms.length : 0;
  const list = [
    fact('Arms', data.arms.length, data.axes.length ? `settings, over ${data.axes.map(axisName).join(', ')}` : 'one setting'),
    fact('Runs', count(data.arms, 'finished'),
      `finished of ${count(data.arms, 'runs')}, ${counted(+ seeds.toFixed(1), 'seed')} an arm`),
    first &&
      fact('Model', integer(number(first.n_parameters)),
        `parameters, ${counted(first.n_layers, 'layer')} of ${counted(first.n_heads, 'head')}`),
    first && fact('Measured', first.steps.length, `times, on ${first.n_sequences} held-out sequences`),
    data.verdicts.length > 0 &&
      fact('Expectations', judged('supported'), `supported, ${judged('refuted')} refuted, ${open} open` +
        (data.families.length ? `; decided when corrected: ${stand}` : '')),
  ];
  const settings = data.settings && el('details', {}, el('summary', {}, `Settings of ${data.settings_of}, the first of the runs`),
    el('pre.mono', {tabindex: 0, 'aria-label': 'Settings'}, data.settings));
  document.getElementById('top').append(el('dl.facts', {}, list), settings || '');
}

/* What came of the expectations, in one line below the claim. */
function found() {
  const n = data.verdicts.length, judged = (list) => ['supported', 'refuted'].map((word) => list.filter((v) => v.verdict === word).length);
  const [supported, refuted] = judged(data.verdicts), [kept, lost] = judged(data.verdicts.map((v) => v.corrected ?? v));
  const of = (k) => (n === 1 ? 'the expectation' : k === n ? `all ${n} expectations` : `${k} of ${n} expectations`);
  const parts = [supported && `support ${of(supported)}`, refuted && `refute ${of(refuted)}`].filter(Boolean);
  const line = `The seeds ${parts.join(' and ') || `decide ${n === 1 ? 'nothing' : `none of ${n} expectations`}`}.`;
  const stand = kept + lost, many = n > 1 ? 'being so many' : 'its comparisons';
  if (stand === supported + refuted) return line;
  const rest = n === 1 ? 'it is undecided' : stand ? `${stand} of these verdicts ${stand === 1 ? 'stands' : 'stand'}` : 'none of these verdicts stands';
  return `${line} Corrected for ${many}, ${rest}: more seeds might tell.`;
}

function hero() {
  document.getElementById('top').append(el('div.hero', {}, el('p.eyebrow', {}, data.override ? `${data.name}, with ${data.override}` : data.name),
    el('h1', {}, data.title || data.name), data.claim && el('p.claim', {}, el('b', {}, 'Claim: '), data.claim),
    data.verdicts.length > 0 && el('p.source', {}, el('b', {}, 'Found: '), found()), data.source && el('p.source', {}, 'Source: ', linked(data.source))));
}

Object.assign(page, {hero, facts});
})();
