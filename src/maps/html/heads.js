/* Every head in numbers: a table that sorts, its floors at the foot, and the same as CSV. */
'use strict';
(() => {

const {labelled} = page, {nameOf} = page.shown;
const {n_layers, n_heads} = data.maps, n = n_layers * n_heads;
const FEW = 60; /* rows before a reader asks for all */

const decimal = (metric, v) => (Number.isFinite(number(v)) ? number(v).toFixed(metric.decimals).replace('-', '−') : '–');

/* Of a column: at(head) sorts, text(head) is shown; those of metrics are numbers and have a floor. */
const labels = [['by position', data.labels], ...(data.labels_by_token ? [['by token', data.labels_by_token]] : [])];
const columns = [
  {heading: 'head', at: (h) => h, text: (h) => el('button.link', {type: 'button', onclick: () => goTo(h)}, nameOf(h))},
  ...labels.map(([heading, digits]) => ({heading, at: (h) => +digits[h], text: (h) => labelled(data.frames[+digits[h]])})),
  ...data.metrics.map((metric) => ({
    metric, heading: metric.heading, at: (h) => number(metric.values[h]), text: (h) => decimal(metric, metric.values[h]),
  })),
];
const bySink = columns.findIndex((column) => column.metric?.name === 'sink_mass');
const order = {column: Math.max(0, bySink), falls: bySink >= 0, isAll: n <= FEW};

function goTo(head) {
  page.choose(head);
  document.getElementById('player').scrollIntoView({block: 'start'});
}

/* Heads in the order asked for; what is not available comes last, either way. */
function sorted() {
  const {at} = columns[order.column], sign = order.falls ? -1 : 1;
  return Array.from({length: n}, (_, h) => h).sort((a, b) => {
    const [x, y] = [at(a), at(b)], unknown = Number.isNaN(x) - Number.isNaN(y);
    return unknown || (Number.isNaN(x) ? 0 : sign * (x - y)) || a - b;
  });
}

/* ---- the table ---- */

const cell = (column, ...children) => el(column.metric ? 'td.num' : 'td', {}, children);

function heading(column, c, draw) {
  const isIt = c === order.column, arrow = isIt ? (order.falls ? ' ↓' : ' ↑') : '';
  const press = () => {
    Object.assign(order, {falls: isIt ? !order.falls : Boolean(column.metric), column: c});
    draw(c);
  };
  return el(column.metric ? 'th.num' : 'th',
    {scope: 'col', title: column.metric?.summary, 'aria-sort': isIt ? (order.falls ? 'descending' : 'ascending') : null},
    el('button.link', {type: 'button', onclick: press}, column.heading + arrow));
}

function row(h) {
  const [first, ...rest] = columns, star = h === data.answer.strongest ? ' ★' : '';
  return el('tr', {}, el('th', {scope: 'row'}, first.text(h), star), rest.map((column) => cell(column, column.text(h))));
}

function floors() {
  const floor = ({metric}) => (metric ? decimal(metric, metric.floor) : '');
  return el('tr', {}, el('th', {scope: 'row'}, 'uniform'), columns.slice(1).map((column) => cell(column, floor(column))));
}

function tableOf(draw) {
  const heads = sorted().slice(0, order.isAll ? n : FEW);
  return scrolling(el('div.scroll', {}, el('table.heads', {},
    el('thead', {}, el('tr', {}, columns.map((column, c) => heading(column, c, draw)))),
    el('tbody', {}, heads.map(row)), el('tfoot', {}, floors()))));
}

/* ---- the same as CSV ---- */

/* layer,head,frame,METRIC,METRIC_uniform,...: numbers and our own words alone, so nothing is to be quoted. */
function csv() {
  const names = ['layer', 'head', ...['frame', 'frame_by_token'].slice(0, labels.length),
    ...data.metrics.flatMap(({name}) => [name, `${name}_uniform`])];
  const line = (h) => [Math.floor(h / n_heads), h % n_heads, ...labels.map(([, digits]) => data.frames[+digits[h]]),
    ...data.metrics.flatMap(({values, floor}) => [values[h] ?? '', floor ?? ''])];
  return [names, ...Array.from({length: n}, (_, h) => line(h))].map((cells) => `${cells.join(',')}\n`).join('');
}

/* ---- the section ---- */

function definitions() {
  const text = ({summary, source}) => [summary, source !== '-' && [' (', linked(source), ')']];
  return el('details', {}, el('summary', {}, 'What each column is'), el('dl.notes', {}, data.metrics.map((metric) =>
    el('div', {}, el('dt', {}, `${metric.heading} (${metric.name})`), el('dd', {}, text(metric))))));
}

function heads() {
  const holder = el('div'), save = () => page.save(new Blob([csv()], {type: 'text/csv'}), 'heads.csv');
  const all = el('button', {type: 'button', onclick: () => {
    order.isAll = true;
    draw();
  }}, `Show all ${n} heads`);
  const draw = (focus) => {
    holder.replaceChildren(tableOf(draw));
    all.hidden = order.isAll;
    if (focus !== undefined) holder.querySelectorAll('thead button')[focus].focus();
  };
  draw();
  section('heads', 'Every head in numbers',
    'Press a heading to sort by it, a head to see its map. The last row is uniform attention: spread evenly over what the mask shows.',
    el('figure', {}, holder, el('div.controls', {}, all, el('button', {type: 'button', onclick: save}, 'Save as CSV'))), definitions());
}

Object.assign(page, {heads, csv});
})();
