/* Series against training step: any metric, and the held-out loss, one beside the other. */
'use strict';
(() => {

const {Chart, levels, chartAxis, view} = page;
const curve = {
  metric: Math.max(0, data.metrics.findIndex((m) => m.name === data.headline)),
  level: 'strongest',
};

/* The steps at which an arm measured a metric; a costly one is not in every snapshot. */
const stepsOf = (a, own) => (own.at ? own.at.map((i) => a.steps[i]) : a.steps);

/* A model metric has one level. */
const levelOf = (metric) => (metric.level === 'model' ? 'model' : curve.level);
const seriesOf = (a) => a.series[curve.metric][levelOf(data.metrics[curve.metric])];

/* The computed baseline of the chosen metric and level. */
function floorOf(a) {
  const computed = seriesOf(a).baselines.slice(0, 2).map(number).filter((v) => !Number.isNaN(v));
  if (!computed.length) return NaN;
  return data.metrics[curve.metric].direction < 0 ? Math.min(...computed) : Math.max(...computed);
}

/* Where a metric stands in the list: by family; what is measured as published, on corrupted sequences, over target
 * queries, comes last. */
function groupOf(metric) {
  const isPublished = metric.family.startsWith('pub_'), isCorrupted = metric.name.startsWith('corrupted/'),
    isOfTargets = metric.name.includes('targets/');
  const heading = [isPublished ? metric.family.slice(4) : metric.family, isPublished && 'as published',
    isCorrupted && 'corrupted sequences', isOfTargets && 'target queries'];
  return {rank: isPublished + 2 * (isCorrupted || isOfTargets), heading: heading.filter(Boolean).join(', ')};
}

function metricGroups() {
  const groups = new Map();
  for (const rank of [0, 1, 2, 3])
    data.metrics.forEach((metric, m) => {
      const group = groupOf(metric);
      if (group.rank !== rank) return;
      if (!groups.has(group.heading)) groups.set(group.heading, el('optgroup', {label: group.heading}));
      groups.get(group.heading).append(el('option', {value: m}, inWords(metric.name)));
    });
  return [...groups.values()];
}

const metric = () => data.metrics[curve.metric];
const levelName = () => (metric().level === 'model' ? 'of the model' :
  curve.level === 'model' ? 'mean over the model' : `strongest ${metric().level}`);

const metricChart = () => Chart({
  name: () => metric().name,
  title: () => `${inWords(metric().name)}, ${levelName()}`,
  about: () => metric().summary,
  unit: () => metric().unit || (metric().min === 0 && metric().max === 1 ? 'share' : 'no unit'),
  steps: (a) => stepsOf(a, a.series[curve.metric]),
  band: (a) => seriesOf(a).band,
  lines: () => levels('floor', floorOf),
  n: (a) => seriesOf(a).n,
  max: () => number(metric().max) || Infinity,
});

const lossChart = () => Chart({
  name: () => 'held_out_loss',
  title: () => 'Held-out loss',
  about: () => '',
  unit: () => `${data.loss_unit} per target`,
  steps: (a) => a.steps,
  band: (a) => a.held_out_loss,
  lines: () => levels('ideal', (a) => a.oracle_loss),
  n: (a) => a.seeds.length,
  max: () => Infinity,
});

/* What stands below both charts, of the chosen metric. */
function describe(about) {
  about.replaceChildren(el('b', {}, metric().name), `: ${metric().summary}. `,
    ...(metric().source && metric().source !== '-' ? linked(`${metric().source}. `) : []),
    metric().weakness ? `Weakness: ${metric().weakness}. ` : '',
    arms.some((a) => a.series[curve.metric].at) ? 'Points are the snapshots that measured it; it is not in every one. ' : '',
    'Lines are medians over seeds, bands run from the least to the largest seed. Dashed: the floor, which needs no ' +
      'learning, and the loss of the ideal predictor. Drag to zoom, double-click to go back.');
}

/* The choices over the charts: their elements, and show(), which takes a metric by its number. */
function choices(sink, loss, about) {
  const show = (chosen) => {
    curve.metric = chosen;
    sink.draw();
    tellMetric();
  };
  const metrics = select('Metric', [], show);
  metrics.replaceChildren(...metricGroups());
  metrics.value = curve.metric;
  const level = segments('Level', [['strongest', 'strongest head'], ['model', 'model mean']], curve.level, (chosen) => {
    curve.level = chosen;
    sink.draw();
  });
  const steps = segments('Step axis', [['log', 'log'], ['linear', 'linear']], chartAxis.isLog ? 'log' : 'linear', (kind) => {
    chartAxis.isLog = kind === 'log';
    sink.draw();
    loss.draw();
  });
  const tellMetric = () => {
    for (const button of level.children) button.disabled = metric().level === 'model';
    describe(about);
  };
  return {show, metrics, level, steps, tellMetric};
}

function keepView(choice) {
  view.keep('training', (params) => {
    params.set('metric', metric().name);
    params.set('level', curve.level);
    params.set('axis', chartAxis.isLog ? 'log' : 'linear');
  }, (params) => {
    const name = view.oneOf(params, 'metric', data.metrics.map((m) => m.name));
    if (name !== null) choice.show(choice.metrics.value = data.metrics.findIndex((m) => m.name === name));
    for (const [buttons, key, offered] of [[choice.level, 'level', ['strongest', 'model']], [choice.steps, 'axis', ['log', 'linear']]]) {
      const value = view.oneOf(params, key, offered);
      if (value !== null) buttons.press(value);
    }
  });
}

function training() {
  if (!arms.length || !data.metrics.length) return;
  const sink = metricChart(), loss = lossChart(), about = caption(), choice = choices(sink, loss, about);
  keepView(choice);
  section('training', 'Sink strength and loss while training', null,
    el('div.controls', {}, el('label', {}, 'Metric', choice.metrics),
      leftOut > 0 && small(`${data.metrics.length} of ${data.measured}; the others are in geometry.csv, which refframe report --table geometry writes`),
      choice.level, choice.steps),
    el('figure', {}, el('div.two', {}, sink.box, loss.box), about));
  choice.tellMetric();
}

page.training = training;
})();
