/* What a reader sees first: the strongest head of up to four arms, side by side, playing over training in step. Left and right
 * on the slider, and the space bar on the button, as everywhere.
 */
'use strict';
(() => {

const {film, save, saving, view} = page;
const MOST = 4;

/* Few enough to stand side by side: all, or as many evenly spaced ones. */
function chosen() {
  const able = finished.filter((a) => a.maps), n = Math.min(MOST, able.length);
  return Array.from({length: n}, (_, i) => able[Math.round((i * (able.length - 1)) / Math.max(1, n - 1))]);
}

/* The step by which the shown run's sink had formed; Infinity for never, null where nobody asked. */
const formedAt = (a) => (film.seedOf(a)?.onset ? number(film.seedOf(a).onset[1]) : null);

/* What is said under a picture at the end. */
function endOf(formed, last) {
  if (formed === null) return '';
  return Number.isFinite(formed) ? `sink formed by step ${integer(formed)}` : `no sink by step ${integer(last)}`;
}

/* One arm's picture, in the seed that is chosen, and what is said under it. */
function Panel(a) {
  const canvas = el('canvas', {role: 'img'}), told = small(), seed = small();
  const node = el('figure', {}, caption(el('b', {}, armName(a)), ' ', seed), canvas, told);
  const paint = (step) => {
    const maps = film.mapsOf(a), head = film.strongestOf(a), formed = formedAt(a), last = maps.steps.at(-1);
    const at = maps.nearest(step), hasFormed = formed !== null && maps.steps[at] >= formed;
    if (canvas.width !== maps.side) canvas.width = canvas.height = maps.side;
    canvas.getContext('2d').putImageData(maps.image('mean', at, head), 0, 0);
    canvas.setAttribute('aria-label', `Attention of ${armName(a)}, seed ${maps.packed.seed}, at step ${integer(maps.steps[at])}`);
    node.classList.toggle('formed', hasFormed);
    seed.textContent = `seed ${maps.packed.seed}`;
    told.textContent = hasFormed || step >= last ? endOf(formed, last) : `layer ${Math.floor(head / maps.n_heads)}, head ${head % maps.n_heads}`;
  };
  return {node, paint, steps: () => film.mapsOf(a).steps};
}

function frame(name, cells, words) {
  const squares = Array.from({length: 25}, (_, i) => {
    const [row, column] = [Math.floor(i / 5), i % 5];
    return el('rect', {x: 6 * column + 1, y: 6 * row + 1, width: 5, height: 5, class: cells(row, column) ? 'on' : 'off'});
  });
  return el('div', {}, el('svg', {viewBox: '0 0 32 32', width: 46, height: 46, 'aria-hidden': 'true'}, squares),
    el('p', {}, el('b', {}, name), ` ${words}`));
}

/* Where attention rests when there is nothing to fetch: the three kinds that the field tells apart. */
function frames() {
  return el('div.kinds', {},
    frame('Centralized:', (row, column) => column === 0, 'one place draws the attention of tokens that have nothing to fetch.'),
    frame('Distributed:', (row, column) => column === 1 || column === 3, 'several places share it, and none of them leads.'),
    frame('Bidirectional:', (row, column) => column === 0 || column === 4, 'it goes to the first place and to the last.'));
}

function told(n) {
  if (n < data.arms.length) return `${n} of the ${data.arms.length} arms`;
  return n === 1 ? 'the arm' : 'each arm';
}

/* All pictures at one step of their training, and what moves them. */
function Playing(panels) {
  const range = el('input', {type: 'range', min: 0, step: 1, value: 0, 'aria-label': 'Training step, all arms'});
  const output = el('output'), button = el('button', {type: 'button'}, '▶ Play');
  const playing = {range, output, button, timer: 0, steps: [0], isCalm: matchMedia('(prefers-reduced-motion: reduce)').matches};
  const isAtEnd = () => +range.value === playing.steps.length - 1;
  playing.step = () => playing.steps[+range.value];
  const show = () => {
    range.setAttribute('aria-valuetext', `step ${integer(playing.step())}`);
    output.replaceChildren(integer(playing.step()), small('step'));
    panels.forEach((panel) => panel.paint(playing.step()));
  };
  const turn = () => {
    if (isAtEnd()) return playing.set(false);
    range.value = +range.value + 1;
    show();
  };
  playing.seek = (wanted) => {
    range.value = playing.steps.reduce((best, s, i) => (Math.abs(s - wanted) < Math.abs(playing.steps[best] - wanted) ? i : best), 0);
    show();
  };
  playing.set = (on) => {
    clearInterval(playing.timer);
    if (on && isAtEnd()) range.value = 0;
    playing.timer = on ? setInterval(turn, playing.isCalm ? 900 : 180) : 0;
    button.textContent = on ? '❚❚ Pause' : '▶ Play';
    button.toggleAttribute('data-plays', on);
    show();
  };
  button.addEventListener('click', () => playing.set(!playing.timer));
  range.addEventListener('input', () => playing.set(false));
  return playing;
}

function keepView(playing) {
  view.keep('stage', (params) => {
    params.set('stage', playing.step());
    if (playing.timer) params.set('play', 'stage');
  }, (params) => {
    const wanted = view.whole(params, 'stage', 0, playing.steps.at(-1));
    playing.set(false);
    if (wanted !== null) playing.seek(wanted);
    if (params.get('play') === 'stage' && !playing.isCalm) playing.set(true);
  });
}

function stage() {
  const panels = chosen().map(Panel);
  if (!panels.length) return;
  const playing = Playing(panels), {range, output, button} = playing;
  /* Seeds may have other snapshots in the page: the slider has those of the shown ones. */
  const refill = () => {
    const before = playing.step();
    playing.steps = [...new Set(panels.flatMap((panel) => panel.steps()))].sort((x, y) => x - y);
    range.max = playing.steps.length - 1;
    playing.seek(before);
  };
  const pictures = el('div.panels', {}, panels.map((panel) => panel.node));
  document.getElementById('top').append(el('div.stage', {id: 'stage'},
    el('p', {}, 'Each picture is one head’s attention. A row is a token that looks, a column a token that is looked at; strong colour is much attention. ',
      'A strong column is a sink: tokens that have nothing to fetch all look there. ',
      `Shown is the strongest head of ${told(panels.length)}, a mean over ${finished[0].n_sequences} held-out sequences: `,
      'where these differ in which tokens must fetch, a row shows that, too.'),
    el('div.transport', {}, button, el('div.track', {}, range), film.seedChoice('stage', refill), output),
    pictures, save(() => `attention-step-${playing.step()}`, {png: () => saving.drawn(pictures)}), frames()));
  keepView(playing);
  redraws.push(refill); /* once all is there, for the first time */
}

page.stage = stage;
})();
