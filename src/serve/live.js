/* Keeps a page live: asks the server every few seconds how far the runs are, shows that, and loads the page again when a newer
 * report is there, at the place where the reader was. It loads nothing under the hands of somebody who plays, points or types:
 * then a button offers it. Text is inserted as text, never as markup.
 */
'use strict';
(() => {

const OFTEN = 2000, SELDOM = 6000; /* ms between two questions: while something trains, and else */
const CALM = 4000, LASTS = 8000; /* ms without a hand at the page; a report that is shown for so long at least */
const own = document.currentScript.dataset.page; /* the report that this page is; '' for none */
const top = document.getElementById('top'), place = `refframe-place ${location.pathname}`;
const began = performance.now();
let touched = -Infinity, isFirst = true;

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/* ---- what is kept over a loading: where the reader was, and what was chosen ---- */

history.scrollRestoration = 'manual'; /* a browser's own would go to what stood there before */
const stored = (key) => {
  try { return sessionStorage.getItem(key); } catch { return null; }
};
const store = (key, value) => {
  try { sessionStorage.setItem(key, value); } catch { /* then it is not kept */ }
};
const nameOf = (node) => node.getAttribute('aria-label') ?? node.querySelector('summary')?.textContent ?? '';
const pressed = (node) => [...node.children].find((button) => button.getAttribute('aria-pressed') === 'true');

/* What can be chosen, by its words without numbers, which grow, and its place among those with the same. */
function controls() {
  const counts = {};
  const nodes = [...top.querySelectorAll('select, .segments, input[type=range], details')].filter((node) => !node.closest('.live'));
  return new Map(nodes.map((node) => {
    const name = nameOf(node).replace(/\d+/g, '#');
    counts[name] = (counts[name] ?? 0) + 1;
    return [`${name} ${counts[name]}`, node];
  }));
}

function valueOf(node) {
  if (node.matches('details')) return node.open;
  if (node.matches('.segments')) return pressed(node)?.textContent;
  if (node.matches('select')) return node.selectedOptions[0]?.textContent;
  return node.value === node.max ? 'end' : node.value;
}

function choose(node, value) {
  if (node.matches('details')) {
    node.open = value;
  } else if (node.matches('.segments')) {
    [...node.children].find((button) => button.textContent === value && button !== pressed(node))?.click();
  } else if (node.matches('select')) {
    const option = [...node.options].find((one) => one.textContent === value);
    if (!option || option.selected) return;
    option.selected = true;
    node.dispatchEvent(new Event('change'));
  } else {
    const next = value === 'end' ? node.max : value;
    if (node.value === next) return;
    node.value = next;
    node.dispatchEvent(new Event('input'));
  }
}

/* The section that is read, and how far down: what stands above it may grow. */
function sectionAtTop() {
  const at = [...document.querySelectorAll('section[id]')].filter((node) => node.getBoundingClientRect().top < innerHeight / 3).pop();
  return at ? {id: at.id, y: at.getBoundingClientRect().top} : {y: scrollY};
}

/* Whoever loads it, this script or the reader. */
addEventListener('pagehide', () => {
  if (own !== '') store(place, JSON.stringify({at: sectionAtTop(), values: [...controls()].map(([name, node]) => [name, valueOf(node)])}));
});

/* Returns whether there was a place to go back to. */
function restore() {
  const kept = JSON.parse(stored(place) ?? 'null');
  if (!kept) return false;
  store(place, 'null');
  for (const [name, value] of kept.values) { /* found anew each time: a choice may make others again */
    const node = controls().get(name);
    if (node && value !== undefined) choose(node, value);
  }
  const section = kept.at.id && document.getElementById(kept.at.id);
  scrollTo({top: section ? scrollY + section.getBoundingClientRect().top - kept.at.y : kept.at.y, behavior: 'instant'});
  return true;
}

/* Who comes while runs train sees the newest pictures, not the first. */
function showNewest() {
  const range = document.querySelector('#stage input[type=range]');
  if (range) choose(range, 'end');
}

/* ---- the panel ---- */

const said = make('b'), bar = make('progress', {max: 1}), problem = make('p', {className: 'live-problem', hidden: true});
const offer = make('button', {type: 'button', hidden: true, onclick: () => location.reload()}, 'Show the new results');
const follow = make('input', {type: 'checkbox', checked: stored('refframe-follow') !== 'no',
  onchange: () => store('refframe-follow', follow.checked ? 'yes' : 'no')});
const rows = make('tbody'), head = make('tr'), files = make('p', {className: 'live-files', hidden: true});
const table = make('div', {className: 'live-runs', tabIndex: 0}, make('table', {}, make('thead', {}, head), rows));
const follows = make('label', {}, follow, 'follow');
const runs = make('details', {open: own === ''}, make('summary', {}, 'How far each run is'), table, files);
const panel = make('aside', {className: 'live'}, make('div', {className: 'live-line'}, said, bar, offer, follows), problem, runs);
panel.setAttribute('aria-label', 'Progress of the runs');
table.setAttribute('aria-label', 'Runs');
bar.setAttribute('aria-label', 'Share of the training that is done');

const digits = (x) => (x === null ? '–' : Math.abs(x) >= 1000 ? Math.round(x) : +x.toPrecision(4)).toString();

function fillTable(headings, cells) {
  head.replaceChildren(...headings.map((text) => make('th', {scope: 'col'}, text)));
  rows.replaceChildren(...cells.map(([first, ...others]) =>
    make('tr', {}, make('th', {scope: 'row'}, first), ...others.map((cell) => make('td', {}, cell)))));
}

function stepsOf(run) {
  if (!run.steps) return '–';
  const done = make('progress', {max: run.steps, value: run.step});
  done.setAttribute('aria-label', `steps of ${run.run}`);
  return make('span', {}, done, `${run.step} of ${run.steps}`);
}

function counts(state) {
  if (state.planned === 0) return 'Nothing was run here yet.';
  const others = [['running', 'training'], ['interrupted', 'interrupted'], ['failed', 'failed']]
    .filter(([status]) => state[status] > 0).map(([status, word]) => `, ${state[status]} ${word}`);
  return `${state.finished} of ${state.planned} run${state.planned === 1 ? '' : 's'} finished${others.join('')}`;
}

function showRuns(state) {
  const share = (run) => (run.status === 'finished' ? 1 : run.steps ? run.step / run.steps : 0);
  bar.value = state.planned ? state.runs.reduce((sum, run) => sum + share(run), 0) / state.planned : 0;
  said.textContent = counts(state);
  fillTable(['Run', 'State', 'Step', 'Training loss', 'Measured up to step'], state.runs.map((run) =>
    [`${run.arm || state.name}, seed ${run.seed}`, run.reason ? `${run.status}: ${run.reason}` : run.status, stepsOf(run),
      digits(run.loss), digits(run.snapshot)]));
  files.hidden = state.files.length === 0;
  files.replaceChildren('Files of the last report: ', ...state.files.map((name) => make('a', {href: `files/${name}`, download: name}, name)));
}

function showList(state) {
  const n = state.experiments.length;
  bar.hidden = follows.hidden = true;
  said.textContent = n === 0 ? 'No experiment lies here yet.' : `${n} experiment${n === 1 ? '' : 's'}`;
  runs.firstChild.textContent = 'How far each experiment is';
  fillTable(['Experiment', 'Title', 'Runs'], state.experiments.map((one) =>
    [make('a', {href: `${encodeURIComponent(one.folder)}/`}, one.folder), one.title, one.problem || counts(one)]));
}

function tell(text) {
  problem.hidden = text === '';
  problem.textContent = text;
}

/* ---- asking ---- */

const plays = () => document.querySelector('button[data-plays]') !== null;

/* A small page has nothing to lose, and a report's place is taken by what there is. */
function mayLoad() {
  const now = performance.now();
  return !document.hidden && follow.checked && (own === '' || (now - began > LASTS && now - touched > CALM && !plays()));
}

/* What the server says, or null; then the page tells why. */
async function asked() {
  let answer;
  try {
    answer = await fetch('state.json', {cache: 'no-store'});
  } catch {
    tell('The server does not answer. This page stays as it was, and goes on when the server is there again.');
    return null;
  }
  try {
    if (answer.ok) return await answer.json();
    tell(`The server refuses to answer this (${answer.status}). This page stays as it was, and asks again.`);
  } catch {
    tell('What the server answers can’t be read: it may have ended just now. This page stays as it was, and asks again.');
  }
  return null;
}

/* Shows it, and returns after how long to ask again; null where the page is being loaded anew. */
function showState(state) {
  if (isFirst && state.running > 0) showNewest();
  isFirst = false;
  tell(state.problem);
  if (state.experiments) {
    showList(state);
    return SELDOM;
  }
  showRuns(state);
  const isNew = state.page !== '' && state.page !== own; /* a server that has just begun has none yet */
  offer.hidden = !isNew || own === '';
  if (isNew && mayLoad()) {
    location.reload();
    return null;
  }
  return state.running > 0 || isNew || own === '' ? OFTEN : SELDOM;
}

async function ask() {
  let next = SELDOM;
  try {
    const state = await asked();
    if (state) next = showState(state);
  } catch (error) { /* a fault of this page, which is no silence of the server */
    tell(`This page could not show how far the runs are: ${error.message}`);
    console.error(error);
  }
  if (next !== null) setTimeout(ask, next);
}

for (const kind of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'])
  addEventListener(kind, () => { touched = performance.now(); }, {passive: true});
if (own === '')
  top.append(panel);
else
  top.prepend(panel);
isFirst = own === '' || !restore();
ask();
})();
