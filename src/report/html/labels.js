/* The model's frame label at every snapshot: a strip a seed, by position beside by token, and where they disagree. */
'use strict';

function strip(a) {
  const W = 1000, left = 58, gap = 34, w = (W - left - gap) / 2, h = 18, top = 26, last = a.steps[a.steps.length - 1];
  const bottom = top + a.seeds.length * h;
  const svg = el('svg', {
    viewBox: `0 0 ${W} ${bottom + 20}`,
    role: 'img',
    'aria-label':
      `${armName(a)}: the model's frame label over training for each of ${a.seeds.length} seeds. ${disagreement(a)}`
  });
  ['byPosition', 'byToken'].forEach((kind, k) => {
    const x0 = left + k * (w + gap), x = (step) => x0 + (w * logStep(step)) / (logStep(last) || 1);
    const between = (s) => (x(a.steps[s - 1]) + x(a.steps[s])) / 2; /* a snapshot speaks for the half-way around it */
    svg.append(el('text.strong', {x: x0, y: 13}, k ? 'by token, as published' : 'by position'),
      el('text', {x: x0 + w, y: 13, 'text-anchor': 'end'}, 'training step →'));
    a.seeds.forEach((seed, r) => {
      const labels = seed[kind], y = top + r * h;
      if (k === 0) svg.append(el('text', {x: 0, y: y + 12}, `seed ${seed.seed}`));
      for (let s = 0, end = 0; s < labels.length; s = end) {
        while (end < labels.length && labels[end] === labels[s]) end++;
        const from = s > 0 ? between(s) : x0, to = end < labels.length ? between(end) : x0 + w;
        const says =
          `seed ${seed.seed}, steps ${integer(a.steps[s])} to ${integer(a.steps[end - 1])}: ${data.frames[+labels[s]]}`;
        svg.append(
          el('rect', {x: from, y, width: Math.max(0.5, to - from), height: h - 3, fill: labelColour(+labels[s])},
            el('title', {}, says)));
      }
    });
    for (const t of stepTicks(last).filter((v) => v === 0 || Number.isInteger(Math.log10(v))))
      svg.append(el('text', {x: x(t), y: bottom + 14, 'text-anchor': t ? 'middle' : 'start'}, integer(t)));
  });
  return svg;
}

/* Where the two ways to identify an anchor say different things, in words. */
function disagreement(a) {
  let differ = 0, all = 0;
  const pairs = new Map();
  for (const seed of a.seeds)
    for (let s = 0; s < seed.byPosition.length; s++, all++) {
      if (seed.byPosition[s] === seed.byToken[s]) continue;
      differ++;
      const pair = `${data.frames[+seed.byPosition[s]]} by position but ${data.frames[+seed.byToken[s]]} by token`;
      pairs.set(pair, (pairs.get(pair) ?? new Set()).add(seed.seed));
    }
  if (differ === 0) return 'By position and by token agree at every snapshot.';
  const where =
    [...pairs].map(([pair, seeds]) => `${pair} (${seeds.size === 1 ? 'seed' : 'seeds'} ${[...seeds].join(', ')})`);
  return `They disagree at ${percent(differ / all)} of snapshots: ${where.join('; ')}.`;
}

function frames() {
  if (!arms.length) return;
  const tag = (type, text) => el('span.label', {}, block(labelColour(type)), text);
  const counted = (counts, n) => counts.map((count, type) => [count, type])
    .filter(([count]) => count > 0)
    .sort((x, y) => y[0] - x[0])
    .map(([count, type]) => tag(type, `${data.frames[type]} ${count}/${n}`));
  const place = (p) => (p < 0 ? (p === -1 ? 'last' : `last − ${-1 - p}`) : p === 0 ? 'first' : String(p));
  const share = (v) => (Number.isNaN(number(v)) ? '–' : percent(v));
  const rows = () => arms.map((a) => {
    const [n, at, samePlace, sameToken] = (a.seeds.find((s) => s.seed === a.representative) ?? a.seeds[0]).anchors;
    return [
      armName(a), counted(a.byPosition, a.finished), [show(a.labelOnset.values[0]), small(` ${brackets(a.labelOnset)}`)],
      counted(a.byToken, a.finished), show(n),
      number(n) > 0 ? place(at) : '–', share(samePlace), share(sameToken)
    ];
  });
  const columns = [['Arm'], ['Final label by position'], ['Its onset', 1], ['Final label by token'], ['Anchors', 1],
    ['Usual place'], ['Same place', 1], ['Same token', 1]];
  const about = caption('Final label: the mode of the last three snapshots, in k of n seeds. Its onset: the first of three ' +
    'snapshots in a row with the most frequent one, median and interval over all n. Of the median seed: anchors per head ' +
    'and sequence, the usual place of the top anchor, and how often it is the same place or the same token.');
  const timeline = (a) => el('figure.timeline', {}, el('h3', {}, armName(a)), small(`n = ${a.seeds.length}`),
    el('div.scroll', {}, strip(a)), caption(disagreement(a)));
  const draw = () => [
    el('figure', {}, table(columns, rows()), about),
    el('figure', {}, key(data.frames.map((name, type) => [block(labelColour(type)), name]))),
    ...arms.map(timeline),
  ];
  section('frames', 'Which kind of reference frame',
    'The model’s label at every snapshot, on a logarithmic axis. By position an anchor is a place in the sequence; by ' +
    'token, as published, it is a token. Where the two disagree, the place has no fixed token or the token no fixed place.',
    themed(draw));
}
