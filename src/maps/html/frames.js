/* The kinds of frames as pictograms: which columns of a map are strong. So labels differ without colour, too. */
'use strict';
(() => {

const COLUMNS = {centralized: [0], distributed: [1, 3], bidirectional: [0, 4], dual: [0, 2]};
const WORDS = {
  centralized: 'one place draws the attention of tokens that have nothing to fetch.',
  distributed: 'several places share that attention, and none of them leads.',
  bidirectional: 'that attention goes to the first place and to the last.',
  dual: 'two places share that attention.',
};

/* A square of 5 by 5, or nothing for what is no frame. */
function pictogram(name, size) {
  const strong = COLUMNS[name];
  if (!strong) return null;
  const squares = Array.from({length: 25}, (_, i) => el(strong.includes(i % 5) ? 'rect.on' : 'rect.off',
    {x: 6 * (i % 5) + 1, y: 6 * Math.floor(i / 5) + 1, width: 5, height: 5}));
  return el('svg.pictogram', {viewBox: '0 0 32 32', width: size, height: size, 'aria-hidden': 'true'}, squares);
}

/* The same on a canvas, as five bars on paper. */
function paintPictogram(context, name, x, y, size) {
  const strong = COLUMNS[name], bar = size / 5;
  if (!strong) return;
  context.fillStyle = css('--raised');
  context.fillRect(x - 1, y - 1, size + 2, size + 2);
  for (let c = 0; c < 5; c++) {
    context.fillStyle = strong.includes(c) ? css('--ink') : css('--line');
    context.fillRect(x + c * bar, y, Math.max(1, bar - 1), size);
  }
}

/* A label as text behind its pictogram. */
const labelled = (name) => el('span.label', {}, pictogram(name, 15), name);

/* What each kind is; those that no head has, and that are no published kind, are left out. */
function kinds(labels) {
  const there = new Set([...labels].map((digit) => data.frames[+digit]));
  const shown = Object.keys(WORDS).filter((name) => name !== 'dual' || there.has(name));
  return el('div.kinds', {}, shown.map((name) => el('div', {}, pictogram(name, 46),
    el('p', {}, el('b', {}, `${name[0].toUpperCase()}${name.slice(1)}:`), ` ${WORDS[name]}`))));
}

Object.assign(page, {paintPictogram, labelled, kinds});
})();
