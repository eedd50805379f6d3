/* What the page shows now: whose maps, which head, which weight. All parts of the player read it; player.js alone changes it. */
'use strict';
(() => {

const {Maps} = page, {n_layers, n_heads, n_sequences, pool} = data.maps;
const isOne = n_sequences === 1;

/* which: 0 is the mean, the rest are sequences; cell: [query, key] of the large map, or null. */
const now = {which: isOne ? 1 : 0, head: data.answer.strongest ?? 0, cell: null};
const cache = [];

/* The maps chosen, as map.js reads them, of a single frame. Of one sequence its own maps are the mean. */
function maps() {
  const own = now.which > 0 ? data.sequences[now.which - 1] : data.maps;
  return cache[now.which] ??= Maps({n_layers, n_heads, pool, steps: [0], tokens: [], ...own, mean: own.maps ?? data.maps.mean});
}

page.shown = {
  now, maps, isOne,
  sink: data.metrics.find((metric) => metric.name === 'sink_mass'), /* undefined where no sequence is long enough */
  nameOf: (head) => `${Math.floor(head / n_heads)}.${head % n_heads}`,
  labelOf: (head) => data.frames[+data.labels[head]],
  which: (k) => (k === 0 ? `mean of ${n_sequences} sequences` : isOne ? 'the sequence' : `sequence ${k - 1}`),
};
})();
