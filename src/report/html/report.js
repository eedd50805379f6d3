/* The page: sections in reading order, which arms they show, navigation, theme.
 *
 * What is said of the whole sweep stands first. The sections behind it show one arm beside another, which many arms of
 * several axes would make unreadable: there each axis can be held at one of its values, and they are made again.
 */
'use strict';
(() => {

const MANY = 8; /* arms, as many as there are colours */

/* ---- which arms ---- */

const axes = data.axes.map((name, x) => ({name, values: [...new Set(finished.map((arm) => arm.values[x]))]}));
const widest = axes.reduce((best, axis, x) => (axis.values.length > axes[best].values.length ? x : best), 0);
const held = axes.map((axis, x) => (finished.length > MANY && x !== widest ? axis.values[0] : null));
const told = el('output'), choices = []; /* the latter show what is held */

keepArms();
for (const build of [page.hero, page.stage, page.facts, page.figures, page.verdicts, page.changes]) build();
const nOverall = sections.length, nRedraws = redraws.length;
const overall = [...document.getElementById('top').children];

function pick() {
  arms = finished.filter((arm) => held.every((value, x) => value === null || arm.values[x] === value));
  told.textContent = `${arms.length} of ${finished.length} arms`;
}

/* The values that axes are held at; the first part of a link, since other parts choose among the arms that are shown. */
function keepArms() {
  page.view.keep('arms', (params) => held.forEach((value, x) => params.append('hold', value === null ? '' : `${x}:${value}`)), (params) => {
    if (!params.has('hold')) return;
    const wanted = params.getAll('hold'), before = JSON.stringify(held);
    axes.forEach((axis, x) => (held[x] = axis.values.find((value) => wanted.includes(`${x}:${value}`)) ?? null));
    if (JSON.stringify(held) === before) return;
    choices.forEach((choose) => choose());
    showArms();
  });
}

function filterBar() {
  const swept = axes.map((axis, x) => [axis, x]).filter(([axis]) => axis.values.length > 1);
  if (swept.length < 2) return;
  const bar = swept.map(([axis, x]) => {
    const node = select(axisName(axis.name), ['all', ...axis.values], (i) => {
      held[x] = i > 0 ? axis.values[i - 1] : null;
      showArms();
    });
    choices.push(() => (node.value = held[x] === null ? 0 : 1 + axis.values.indexOf(held[x])));
    choices.at(-1)();
    return el('label', {}, axisName(axis.name), node);
  });
  document.getElementById('top').append(
    el('div.filter', {role: 'group', 'aria-label': 'Arms shown below'}, el('b', {}, 'Shown below'), bar, told));
  overall.push(document.getElementById('top').lastChild);
}

/* ---- navigation ---- */

let links = [];
const watch = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting))
    for (const link of links)
      if (link.hash === `#${entry.target.id}`)
        link.setAttribute('aria-current', 'true');
      else
        link.removeAttribute('aria-current');
  if (document.querySelector('section')?.getBoundingClientRect().top > 0.3 * innerHeight) /* back before the first */
    for (const link of links) link.removeAttribute('aria-current');
}, {rootMargin: '-20% 0px -70% 0px'});

function navigate() {
  links =
    sections.map(([id, heading]) => el('a', {href: `#${id}`, title: heading}, id[0].toUpperCase() + id.slice(1)));
  document.getElementById('nav').replaceChildren(...links);
  watch.disconnect();
  document.querySelectorAll('section').forEach((node) => watch.observe(node));
}

const redraw = () => redraws.forEach((draw) => draw());

function showArms() {
  const top = document.getElementById('top'), at = scrollY;
  cleanups.splice(0).forEach((clean) => clean());
  while (top.lastChild !== overall.at(-1)) top.lastChild.remove(); /* the filter keeps the focus */
  sections.length = nOverall;
  redraws.length = nRedraws;
  pick();
  if (finished.length && !arms.length)
    top.append(el('p.lede', {}, 'No finished arm has these values.'));
  const {onset, training, heads, maps, frames, baselines, notes} = page;
  for (const build of [onset, training, heads, maps, frames, baselines, notes]) build();
  navigate();
  redraw();
  scrollTo({top: at, behavior: 'instant'});
}

/* ---- theme, paper, link ---- */

function show(theme) {
  document.documentElement.dataset.theme = theme;
  redraw();
}

document.getElementById('theme').addEventListener('click', () => {
  show(isDark() ? 'light' : 'dark');
  try {
    localStorage.setItem('refframe-theme', document.documentElement.dataset.theme);
  } catch { /* a file may have no storage */
  }
});

/* Paper is light, and shows the verdicts that are folded on the screen for want of room. */
let folded = [], wasDark = false;
addEventListener('beforeprint', () => {
  folded = [...document.querySelectorAll('#verdicts > details:not([open])')];
  folded.forEach((node) => (node.open = true));
  wasDark = isDark();
  if (wasDark) show('light');
});
addEventListener('afterprint', () => {
  folded.forEach((node) => (node.open = false));
  if (wasDark) show('dark');
});

document.getElementById('link').addEventListener('click', (event) => page.view.copyLink(event.currentTarget));
document.getElementById('version').textContent = ` ${data.version}`;
filterBar();
showArms();
if (!data.verdicts.length) document.querySelector('.skip').replaceWith(el('a.skip', {href: `#${sections[0]?.[0] ?? 'top'}`}, 'Skip to the results'));
page.view.start();
})();
