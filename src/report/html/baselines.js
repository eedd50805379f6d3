/* What the headline metric is where nothing was learnt. */
'use strict';
(() => {

function baselines() {
  if (!arms.length || !data.headline) return;
  const m = data.metrics.findIndex((metric) => metric.name === data.headline);
  const rows = arms.flatMap((a) => ['strongest', 'model'].map((level) => {
    const own = a.series[m][level], tail = own.band[1].slice(-3).filter((v) => v !== null).sort((x, y) => x - y);
    const isStrongest = level === 'strongest';
    return [
      armName(a), isStrongest ? 'strongest head' : 'model mean',
      ...own.baselines.map((b) => show(b)), show(isStrongest ? a.final.values[0] : tail[tail.length >> 1]),
      String(own.n)
    ];
  }));
  section('baselines', 'What nothing would look like',
    `${inWords(data.headline)} of three models that have learnt nothing. One attends evenly. One knows ` +
      'positions only: what the score function makes of mask and position bias. One is this model before its first step.',
    el('figure', {},
      table([['Arm'], ['Level'], ['Uniform', 1], ['Position only', 1], ['At step 0', 1], ['Final', 1], ['n', 1]], rows),
      caption(
        'The strongest head was chosen as the most extreme one, so its baselines are those of the most extreme head. ' +
        'Medians over seeds.')));
}

page.baselines = baselines;
})();
