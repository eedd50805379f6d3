/* When a sink forms: per arm the interval, the median and the seeds. */
'use strict';
(() => {

/* What training is counted in: arms of different objectives may be matched by tokens or by targets of the loss. */
const COUNTED = [['steps', 'steps', 'training step'], ['tokens', 'tokens', 'tokens seen'], ['targets', 'targets', 'targets of the loss']];
const counted = {in: 'steps'};
const LETTER = 7.4; /* of an arm's name, wide on average */

/* A name, or as much of it as there is room for, with all of it to point at. */
const shortened = (name, most) => (name.length <= most ? [name] : [`${name.slice(0, most - 1)}…`, el('title', {}, name)]);

/* A step of an arm's grid in what is counted, linear between snapshots; what is infinite stays so. */
function inCounted(a, value) {
  const step = number(value);
  if (counted.in === 'steps' || !Number.isFinite(step)) return step;
  if (a.steps.length < 2) return a[counted.in][0]; /* served, and only just begun */
  const after = Math.max(1, a.steps.findIndex((s) => s >= step)), [s0, s1] = [a.steps[after - 1], a.steps[after]];
  const [v0, v1] = [a[counted.in][after - 1], a[counted.in][after]];
  return v0 + ((v1 - v0) * (step - s0)) / (s1 - s0);
}

/* A step; what never came is later than the arm's last one. */
const censored = (a, value) => (number(value) === Infinity ? `> ${integer(a.steps[a.steps.length - 1])}` : show(value));

/* As wide as the page is: on a phone names stand above their rows, and every other tick. */
function forest() {
  const isNarrow = narrow.matches, W = figureWidth(1040), longest = Math.max(...arms.map((a) => armName(a).length));
  const left = isNarrow ? 14 : Math.min(Math.max(190, longest * LETTER + 10), W / 2), most = isNarrow ? 30 : Math.floor((left - 10) / LETTER);
  const right = isNarrow ? 62 : 92, row = isNarrow ? 74 : 48;
  const top = 8, bottom = top + arms.length * row, never = W - (isNarrow ? 22 : 46), below = isNarrow ? 16 : 0;
  const last = Math.max(...arms.map((a) => a[counted.in][a.steps.length - 1]));
  const unit = counted.in === 'steps' ? 1 : Math.min(...arms.map((a) => a[counted.in].find((v) => v > 0) ?? 1)); /* one step's */
  const log = (v) => logStep(v / unit), at = (v) => left + ((W - right - left) * log(v)) / (log(last) || 1);
  const all = unit === 1 ? stepTicks(last) : [0, ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((e) => 10 ** e).filter((v) => v > unit && v <= last)];
  const ticks = isNarrow ? all.filter((t) => t === 0 || Number.isInteger(Math.log10(t))) : all;
  const told =
    arms.map((a) => `${armName(a)}: median ${show(a.onset.values[0])}, formed in ${a.formed} of ${a.measured}`);
  const svg = el('svg', {viewBox: `0 0 ${W} ${bottom + 44}`, role: 'img', 'aria-label': `Onset. ${told.join('; ')}`});
  const line = (spec, x1, x2, y1, y2, more) => el(spec, {x1, x2, y1, y2, ...more});
  const text = (at, y, anchor, string) => el('text', {x: at, y, 'text-anchor': anchor}, string);
  for (const t of ticks)
    svg.append(line('line.rule', at(t), at(t), top, bottom), text(at(t), bottom + 18, 'middle', integer(t)));
  svg.append(line('line.axis', isNarrow ? W - right + 14 : never - 23, isNarrow ? W - right + 14 : never - 23, top, bottom, {'stroke-dasharray': '2 4'}),
    text(never, bottom + 18, 'middle', 'never'),
    text((left + W - right) / 2, bottom + 38, 'middle', `${COUNTED.find(([key]) => key === counted.in)[2]} (logarithmic)`));
  arms.forEach((a, i) => {
    const x = (v) => (number(v) === Infinity ? never : at(inCounted(a, v)));
    const y = top + row * (i + 0.5) + below, stroke = armColour(i), [median, low, high] = a.onset.values, taken = {};
    svg.append(line('line.rule', 0, W, y - below + row / 2, y - below + row / 2),
      el('text.strong', {x: 0, y: isNarrow ? y - 30 : y - 1}, ...shortened(armName(a), most)),
      isNarrow ? text(W, y - 30, 'end', `formed in ${a.formed} of ${a.measured}`) : text(0, y + 15, 'start', `formed in ${a.formed} of n = ${a.measured}`),
      line(
        'line', x(low), x(high), y, y, {stroke, 'stroke-width': 8, 'stroke-opacity': 0.24, 'stroke-linecap': 'round'}));
    const seeds = a.seeds.filter((s) => s.onset), places = seeds.map((s) => Math.round(x(s.onset[1])));
    for (const [s, seed] of seeds.entries()) {
      const cx = x(seed.onset[1]), k = taken[places[s]] ?? 0; /* equal ones fan out up and down, within their row */
      const apart = Math.min(6.5, (row - below - 12) / places.filter((own) => own === places[s]).length);
      taken[places[s]] = k + 1;
      const when =
        number(seed.onset[1]) === Infinity ? 'never' : `after step ${show(seed.onset[0])}, by ${show(seed.onset[1])}`;
      svg.append(
        el('circle', {cx, cy: y + (k % 2 ? 1 : -1) * Math.ceil(k / 2) * apart, r: 3, fill: stroke, 'fill-opacity': 0.8},
          el('title', {}, `seed ${seed.seed}: ${when}`)));
    }
    svg.append(
      line('line', x(median), x(median), y - 13, y + 13, {stroke, 'stroke-width': 3, 'stroke-linecap': 'round'}));
  });
  return svg;
}

/* Each seed's onset, as the interval between two snapshots. */
const seedsToSave = () => page.saving.armTable(arms, ['seed', 'onset_after', 'onset_by'],
  (a) => a.seeds.filter((s) => s.onset).map((s) => [s.seed, ...s.onset.map(number)]));

function onset() {
  if (!arms.length || !data.headline) return;
  const metric = data.metrics.find((m) => m.name === data.headline);
  const rows = arms.map(
    (a) => [armName(a), [`${a.formed} of ${a.measured}`, a.at_start ? small(` (${a.at_start} at start)`) : null],
      censored(a, a.onset.values[0]),
      a.onset.n > 1 ? `[${censored(a, a.onset.values[1])}, ${censored(a, a.onset.values[2])}]` : '', a.onset.coverage ? percent(a.onset.coverage) : '–',
      [show(a.final.values[0]), small(` ${brackets(a.final)}`)], show(a.floor),
      [show(a.value_drain.values[0]), small(` ${brackets(a.value_drain, 2)}`)],
      [show(a.loss.values[0]), Number.isNaN(number(a.oracle_loss)) ? null : small(` ideal ${show(a.oracle_loss)}`)]]);
  const chart = themed(forest, 'div.forest');
  const count = segments('Counted in', COUNTED.map(([key, name]) => [key, name]), counted.in, (key) => {
    counted.in = key;
    redraws.forEach((draw) => draw());
  });
  page.view.keep('onset', (params) => params.set('counted', counted.in), (params) => {
    const key = page.view.oneOf(params, 'counted', COUNTED.map(([own]) => own));
    if (key !== null) count.press(key);
  });
  section('onset', 'When a sink forms',
    `A sink has formed at the first snapshot from which ${inWords(data.headline).toLowerCase()} of a head (${data.headline}: ${metric.summary}) ` +
      `stays above ${show(metric.threshold)} and above ${show(metric.ratio)} × its baseline, three snapshots in a row. The head is the one that comes first on even sequences; its onset is read on odd ones.`,
    el('div.controls', {}, count),
    el('figure', {}, chart,
      caption('Dots are seeds, the bar is the interval of their median, the ' +
        'upright mark the median. An onset lies between the snapshot before and the step shown.'),
      page.save('onset', {...page.saving.ofSvg(() => chart.firstElementChild), csv: seedsToSave})),
    el('figure', {},
      table(
        [
          ['Arm'], ['Formed'], ['Onset', 1], ['Interval', 1], ['Coverage', 1], [`Final ${inWords(data.headline).toLowerCase()}`, 1],
          ['Floor', 1], ['Value drain', 1], ['Final loss', 1]
        ],
        rows),
      caption(
        'Medians over the measured seeds, with the interval of the median. Final: median of the last three snapshots of ' +
          'the strongest head, chosen on even sequences and read on odd ones. Floor: the larger of uniform and ' +
          'position-only attention. Value drain: ‖v₀‖ over the mean ‖v‖ of that head; 1 is none. Loss per target in ' +
          `${data.loss_unit}.`,
        data.headline_note && ` Shown is ${data.headline_note}.`)));
}

page.onset = onset;
})();
