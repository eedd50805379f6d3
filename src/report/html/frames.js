/* The model's frame label at every snapshot: a strip a seed, by position beside by token, and where they disagree; and
 * which tokens the anchors are in the end, layer by head. */
'use strict';
(() => {

/* Two strips a seed: side by side, and one below the other on a phone. */
function strip(a) {
  const isNarrow = narrow.matches, W = figureWidth(1000), left = 58, gap = isNarrow ? 0 : 34, w = isNarrow ? W - left : (W - left - gap) / 2;
  const h = 18, last = a.steps[a.steps.length - 1], block = 26 + a.seeds.length * h + 26, bottom = isNarrow ? 2 * block - 26 : block - 26;
  const svg = el('svg', {
    viewBox: `0 0 ${W} ${bottom + 20}`,
    role: 'img',
    'aria-label':
      `${armName(a)}: the model's frame label over training for each seed, ${a.seeds.length} in all. ${disagreement(a)}`
  });
  ['frame', 'frame_by_token'].forEach((kind, k) => {
    const x0 = left + (isNarrow ? 0 : k * (w + gap)), top = 26 + (isNarrow ? k * block : 0), x = (step) => x0 + (w * logStep(step)) / (logStep(last) || 1);
    const between = (s) => (x(a.steps[s - 1]) + x(a.steps[s])) / 2; /* a snapshot speaks for the half-way around it */
    svg.append(el('text.strong', {x: x0, y: top - 13}, k ? 'by token, as published' : 'by position'),
      el('text', {x: x0 + w, y: top - 13, 'text-anchor': 'end'}, 'training step →'));
    a.seeds.forEach((seed, r) => {
      const labels = seed[kind], y = top + r * h;
      if (k === 0 || isNarrow) svg.append(el('text', {x: 0, y: y + 12}, `seed ${seed.seed}`));
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
      svg.append(el('text', {x: x(t), y: top + a.seeds.length * h + 14, 'text-anchor': t ? 'middle' : 'start'}, integer(t)));
  });
  return svg;
}

/* Where the two ways to identify an anchor say different things, in words. */
function disagreement(a) {
  let differ = 0, all = 0;
  const pairs = new Map();
  for (const seed of a.seeds)
    for (let s = 0; s < seed.frame.length; s++, all++) {
      if (seed.frame[s] === seed.frame_by_token[s]) continue;
      differ++;
      const pair = `${data.frames[+seed.frame[s]]} by position but ${data.frames[+seed.frame_by_token[s]]} by token`;
      pairs.set(pair, (pairs.get(pair) ?? new Set()).add(seed.seed));
    }
  if (differ === 0) return 'By position and by token agree at every snapshot.';
  const where =
    [...pairs].map(([pair, seeds]) => `${pair} (${seeds.size === 1 ? 'seed' : 'seeds'} ${[...seeds].join(', ')})`);
  return `They disagree at ${percent(differ / all)} of snapshots: ${where.join('; ')}.`;
}

/* Both labels at every snapshot. */
const labelsToSave = (a) => page.saving.armTable([a], ['seed', 'step', 'frame', 'frame_by_token'], () => a.seeds.flatMap((seed) =>
  a.steps.map((step, s) => [seed.seed, step, data.frames[+seed.frame[s]], data.frames[+seed.frame_by_token[s]]])));

/* ---- which tokens, which places ---- */

const place = (p) => (p < 0 ? (p === -1 ? 'last' : `last − ${-1 - p}`) : p === 0 ? 'first' : String(p));
const placeOf = (scope) => `${place(scope.place)}${scope.place_checked ? '' : ' (from the start or the end)'}`;
const share = (v) => (Number.isNaN(number(v)) ? '–' : percent(v));
const UNSEEN = {' ': ['␣', 'space'], '\n': ['↵', 'line end'], '\t': ['⇥', 'tab']};

/* A token as text; what nobody sees as a sign, and in words for those who listen. */
function token([id, text]) {
  const [sign, name] = UNSEEN[text] ?? [text.replace(/\n/g, '↵').replace(/ /g, '␣')];
  return el('code.token', {title: `token ${id}`}, name ? [el('span', {'aria-hidden': 'true'}, sign), el('span.sr', {}, name)] : sign);
}

/* The tokens of one scope's anchors with their shares, and where they mostly are. */
function anchorsOf(scope) {
  if (!scope) return el('span.dim', {}, 'none');
  const items = scope.tokens.map((t) => el('li', {}, token(t),
    el('span.bar-box', {'aria-hidden': 'true'}, el('span.bar-fill', {style: `width:${100 * t[2]}%`})),
    el('span.dim', {title: `${t[3]} anchors; the top one in ${percent(t[4])} of sequences and heads`},
      percent(+t[2].toPrecision(2)))));
  return [el('ul.anchors', {role: 'list'}, items), small(`place: ${placeOf(scope)}, ${percent(+scope.place_share.toPrecision(2))}`)];
}

function anchorTable(a) {
  const heads = Array.from({length: a.n_heads}, (_, h) => h), {model, layers} = a.anchors;
  if (!model) return caption(`No head of seed ${a.representative} has an anchor in most of its sequences.`);
  const rows = layers.map((layer, l) =>
    [`layer ${l}`, ...heads.map((h) => anchorsOf(a.anchors.heads[l * a.n_heads + h])), anchorsOf(layer)]);
  const most = model.tokens.map((t) => [token(t), ` ${percent(+t[2].toPrecision(2))} `]);
  return el('details.which', arms.length <= 6 ? {open: ''} : {},
    el('summary', {}, `Anchors by token, seed ${a.representative}: `, most),
    table([['Layer', 0], ...heads.map((h) => [`Head ${h}`]), ['All its heads']], rows));
}

function frames() {
  if (!arms.length) return;
  const tag = (type, text) => el('span.label', {}, block(labelColour(type)), text);
  const counted = (counts, n) => counts.map((count, type) => [count, type])
    .filter(([count]) => count > 0)
    .sort((x, y) => y[0] - x[0])
    .map(([count, type]) => tag(type, `${data.frames[type]} ${count}/${n}`));
  const rows = () => arms.map((a) => {
    const own = a.seeds.find((s) => s.seed === a.representative) ?? a.seeds[0];
    return [
      armName(a), counted(a.frame_runs, a.measured), [show(a.frame_onset.values[0]), small(` ${brackets(a.frame_onset)}`)],
      counted(a.frame_by_token_runs, a.measured), show(own.margin), share(own.agreement), show(own.n_anchors),
      a.anchors.model ? placeOf(a.anchors.model) : '–', share(own.place_share), share(own.token_share)
    ];
  });
  const columns = [['Arm'], ['Final label by position'], ['Its onset', 1], ['Final label by token'], ['Margin', 1], ['Agree', 1], ['Anchors', 1],
    ['Usual place'], ['Same place', 1], ['Same token', 1]];
  const about = caption('Final label: the most frequent of the last three snapshots, in k of n seeds. Its onset: the first of three ' +
    'snapshots in a row with the most frequent label, median and interval over all n. The other columns are of the median seed. Margin: how far the label is from the ' +
    'nearest rule that would change it (a share). Agree: how many sequences, each alone, have it. Anchors: per head and sequence. Then the usual place of the top anchor, and how often it is the same place or the same token.');
  const timeline = (a) => el('figure.timeline', {'data-arm': arms.indexOf(a)}, el('h3', {}, armName(a)), small(`n = ${a.seeds.length}`),
    strip(a), caption(disagreement(a)),
    page.save(`frames-${a.name}`, {...page.saving.ofSvg(() => document.querySelector(`#frames figure[data-arm="${arms.indexOf(a)}"] > svg`)), csv: () => labelsToSave(a)}),
    anchorTable(a));
  const draw = () => [
    el('figure', {}, table(columns, rows()), about),
    el('figure', {}, key(data.frames.map((name, type) => [block(labelColour(type)), name]))),
    ...arms.map(timeline),
    caption('Anchors by token, of the median seed’s last snapshot: the tokens with the largest shares of the excess of ' +
      'all anchors. Then the most frequent place, and how often the top anchor of a sequence is there. A token that stands everywhere in a ' +
      'sequence can be an anchor everywhere.'),
  ];
  section('frames', 'Which kind of reference frame',
    'An anchor is a key that draws attention from a quarter of the sequence away or further. Its excess is what it draws beyond its baselines, and ' +
    'a frame is how the anchors share the excess. Below is the model’s label at every snapshot, on a logarithmic axis. By position an anchor is a place in the sequence; by ' +
    'token it is a token, as published. Where the two disagree, the place has no fixed token or the token no fixed place.',
    themed(draw));
}

page.frames = frames;
})();
