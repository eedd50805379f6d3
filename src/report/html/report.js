/* The page: sections in reading order, navigation, theme. */
'use strict';

for (const build of [hero, verdicts, onset, curves, heads, player, frames, changes, baselines, notes]) build();

const links =
  sections.map(([id, heading]) => el('a', {href: `#${id}`, title: heading}, id[0].toUpperCase() + id.slice(1)));
document.getElementById('nav').append(...links);
const watch = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((e) => e.isIntersecting))
    for (const link of links)
      if (link.hash === `#${entry.target.id}`)
        link.setAttribute('aria-current', 'true');
      else
        link.removeAttribute('aria-current');
}, {rootMargin: '-20% 0px -70% 0px'});
document.querySelectorAll('section').forEach((node) => watch.observe(node));

const redraw = () => redraws.forEach((draw) => draw());
document.getElementById('theme').addEventListener('click', () => {
  document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
  try {
    localStorage.setItem('refframe-theme', document.documentElement.dataset.theme);
  } catch { /* a file may have no storage */
  }
  redraw();
});
redraw();
