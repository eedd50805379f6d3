/* The two figures that tell the study. They are files of their own, too; the page shows the same drawing.
 *
 * Their styles would reach the whole page, so each stands in a shadow tree. There they follow the page's light or dark
 * instead of the system's.
 */
'use strict';
(() => {

const {save, saving} = page;

const TOLD = {
  labels: ['Each square is one run, in the colour of the frame that its model ended with.',
    'Squares of one colour side by side mean that seeds agree; frames.csv has the same labels, with their margins.'],
  early: ['Each dot is one seed: how much of the fall of its loss had been made when the sink came.',
    'Left of the dashed line the sink came before half of it; runs without a sink stand at the right or are named below, and onset.csv has the numbers.'],
};

/* The drawing has been escaped where it was made (svg.c), and is read as XML: what is no drawing is not shown. */
function parsed(text) {
  const root = new DOMParser().parseFromString(text, 'image/svg+xml').documentElement;
  return root.localName === 'svg' ? document.importNode(root, true) : el('svg');
}

/* "@media(prefers-color-scheme:dark)" asks the system; the page has asked it already, or its reader. */
const asShown = (text) => text.replace('@media(prefers-color-scheme:dark)', isDark() ? '@media all' : '@media not all');

function drawing({name, svg}) {
  const holder = el('div'), shadow = holder.attachShadow({mode: 'open'}), image = parsed(svg);
  const style = image.querySelector('style'), asWritten = style?.textContent ?? '';
  image.setAttribute('style', 'max-width:var(--drawing, none);height:auto;display:block');
  shadow.append(image);
  redraws.push(() => style && (style.textContent = asShown(asWritten)));
  return el('figure.drawing', {}, scrolling(el('div.scroll', {}, holder)),
    caption(TOLD[name].join(' ')),
    save(name, {svg: () => svg, png: () => saving.drawnSvg(asShown(svg))}));
}

function figures() {
  const shown = data.figures.filter((figure) => TOLD[figure.name]);
  if (finished.length && shown.length) section('figures', 'The study in two figures', null, shown.map(drawing));
}

page.figures = figures;
})();
