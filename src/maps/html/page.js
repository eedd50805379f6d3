/* The page: the answer, the maps, the numbers, what they cannot say, what was measured; navigation, theme, print. */
'use strict';
(() => {

const top = document.getElementById('top');

/* Hands a file to the reader. */
page.save = (blob, name) => {
  const link = el('a', {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};

function answer() {
  const {frame, token, sink} = data.answer;
  top.append(el('div.hero', {}, el('p.eyebrow', {}, data.name), el('h1', {}, frame), el('p.claim', {}, sink, sink && token && ' ', token)));
}

const terms = (items) => el('dl.notes', {}, items.map(([term, text]) => el('div', {}, el('dt', {}, term), el('dd', {}, text))));

const NOTES = [
  ['The excess',
    'An anchor is a key to which tokens turn from afar: from a quarter of the sequence or more. The excess is what anchors draw ' +
    'beyond what uniform attention would give them.'],
  ['Labels describe layout', 'A frame label or an anchor says where attention goes, not why.'],
  ['Position bias',
    'A position bias that the model may have (ALiBi) is not known from maps, and can pass for structure.'],
  ['Frame rules',
    'There is no published rule for frame types. The one used here is declared and versioned. A label near a threshold may be ' +
    'another under the next version.'],
];

function notes() {
  const weak = data.metrics.filter((metric) => metric.weakness)
    .map((metric) => [`${metric.heading} (${metric.name})`, metric.weakness]);
  section('notes', 'What these numbers cannot say', null, terms([...data.notes.map((note) => ['These maps', note]), ...NOTES]),
    weak.length > 0 && el('details', {}, el('summary', {}, `Weaknesses of the metrics: ${weak.length} of them`), terms(weak)),
    leftOut > 0 && el('p.lede', {}, `Here are ${data.metrics.length} of ${data.measured} metrics; ` +
      'refframe measure --format csv has all of them, by sequence.'));
}

function settings() {
  section('settings', 'What was measured', null, terms(data.settings));
}

const redraw = () => redraws.forEach((draw) => draw());

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  redraw();
}

/* On paper the page is light, whatever the reader has. */
let kept = null;
addEventListener('beforeprint', () => {
  kept = document.documentElement.dataset.theme;
  if (isDark()) setTheme('light');
});
addEventListener('afterprint', () => {
  if (kept === 'dark') setTheme(kept);
});

document.getElementById('theme').addEventListener('click', () => {
  setTheme(isDark() ? 'light' : 'dark');
  try {
    localStorage.setItem('refframe-theme', document.documentElement.dataset.theme);
  } catch { /* a file may have no storage */
  }
});

for (const build of [answer, page.player, page.heads, notes, settings]) build();
document.getElementById('nav').replaceChildren(...[['player', 'Maps'], ['heads', 'Heads'], ['notes', 'Notes'], ['settings', 'Settings']]
  .map(([id, text]) => el('a', {href: `#${id}`}, text)));
redraw();
})();
