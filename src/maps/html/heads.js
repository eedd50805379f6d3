/* Every head in numbers: a table that sorts, its floors at the foot, and the same as CSV. */
'use strict';
(() => {

const {labelled, nameOf} = page;
const {n_layers, n_heads} = data.maps, n = n_layers * n_heads;
const FEW = 60; /* rows before a reader asks for all */

const labels = [['by position', data.labels], ...(data.labels_by_token ? [['by token', data.labels_by_token]] : [])];
const columns = [
  {heading: 'head', at: (h) => h, text: (h) => el('button.link', {type: 'button', onclick: () => goTo(h)}, nameOf(h))},
  ...labels.map(([heading, digits]) => ({heading, at: (h) => digits[h], text: (h) => labelled(data.frames[+digits[h]])})),
  ...data.metrics.map((metric) => ({heading: metric.heading, summary: metric.summary, isNumber: true, floor: metric.floor,
    at: (h) => number(metric.values[h]), text: (h) => decimal(metric, metric.values[h]), metric})),
];
const bySink = columns.findIndex((column) => column.metric?.name === 'sink_mass');
const order = {column: Math.max(0, bySink), falls: bySink >= 0, isAll: n <= FEW};

const decimal = (metric, v) => (Number.isFinite(number(v)) ? number(v).toFixed(metric.decimals).replace('-', '−') : '–');

function goTo(head) {
  page.choose(head);
  document.getElementById('player').scrollIntoView({block: 'start'});
}

/* Heads in the order asked for; what is not available comes last, either way. */
function sorted() {
  const {at} = columns[order.column], sign = order.falls ? -1 : 1;
  const value = (h) => (typeof at(h) === 'string' ? +at(h) : at(h));
  return Array.from({length: n}, (_, h) => h).sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
    return sign * (x - y) || a - b;
  });
}

function heading(column, c, redraw) {
  const isIt = c === order.column, arrow = isIt ? (order.falls ? ' ↓' : ' ↑') : '';
  const press = () => {
    Object.assign(order, {falls: isIt ? !order.falls : Boolean(column.isNumber), column: c});
    redraw(c);
  };
  return el(column.isNumber ? 'th.num' : 'th', {scope: 'col', title: column.summary, 'aria-sort': isIt ? (order.falls ? 'descending' : 'ascending') : null},
    el('button.link', {type: 'button', onclick: press}, column.heading + arrow));
}

function rows() {
  const shown = order.isAll ? sorted() : sorted().slice(0, FEW);
  return shown.map((h) => el('tr', {}, columns.map((column, c) => (c === 0 ? el('th', {scope: 'row'}, column.text(h), h === data.answer.strongest ? ' ★' : '')
    : el(column.isNumber ? 'td.num' : 'td', {}, column.text(h))))));
}

function floors() {
  return el('tfoot', {}, el('tr', {}, el('th', {scope: 'row'}, 'uniform'), columns.slice(1).map((column) =>
    el(column.isNumber ? 'td.num' : 'td', {}, column.isNumber ? decimal(column.metric, column.floor) : ''))));
}

/* layer,head,labels,METRIC,METRIC_uniform,...: numbers and our own words alone, so nothing is to be quoted. */
function csv() {
  const names = ['layer', 'head', 'frame', ...(data.labels_by_token ? ['frame_by_token'] : []),
    ...data.metrics.flatMap((metric) => [metric.name, `${metric.name}_uniform`])];
  const cell = (v) => v ?? '';
  const lines = Array.from({length: n}, (_, h) => [Math.floor(h / n_heads), h % n_heads, ...labels.map(([, digits]) => data.frames[+digits[h]]),
    ...data.metrics.flatMap((metric) => [cell(metric.values[h]), cell(metric.floor)])].join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}

function heads() {
  const holder = el('div'), all = el('button', {type: 'button', onclick: () => {
    order.isAll = true;
    draw();
  }}, `Show all ${n} heads`);
  function draw(focus) {
    holder.replaceChildren(scrolling(el('div.scroll', {}, el('table.heads', {}, el('thead', {}, el('tr', {}, columns.map((column, c) => heading(column, c, draw)))),
      el('tbody', {}, rows()), floors()))));
    all.hidden = order.isAll;
    if (focus !== undefined) holder.querySelectorAll('thead button')[focus].focus();
  }
  draw();
  section('heads', 'Every head in numbers',
    'Press a heading to sort by it, a head to see its map. The last row is uniform attention: spread evenly over what the mask shows.',
    el('figure', {}, holder, el('div.controls', {}, all, el('button', {type: 'button',
      onclick: () => page.save(new Blob([csv()], {type: 'text/csv'}), 'heads.csv')}, 'Save as CSV'))),
    el('details', {}, el('summary', {}, 'What each column is'), el('dl.notes', {}, data.metrics.map((metric) => el('div', {},
      el('dt', {}, `${metric.heading} (${metric.name})`), el('dd', {}, metric.summary, metric.source !== '-' && [' ', linked(metric.source)]))))));
}

Object.assign(page, {heads, csv});
})();
