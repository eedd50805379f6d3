/* What can be trained here: two tasks, six switches, and five settings of them by name. Each becomes "key=value" lines, the same that
   an experiment file has. */
"use strict";

const SWITCHES = {
  score: {title: "Score", values: {softmax: "softmax", relu: "ReLU", softmax_one: "softmax + 1", sink_logit: "sink logit"}},
  mask: {title: "Mask", values: {causal: "causal", full: "full"}},
  bos: {title: "First token", values: {always: "BOS", never: "none"}},
  eos: {title: "Last token", values: {always: "EOS", never: "none"}},
  position: {title: "Encoding", values: {none: "none", rope: "RoPE", absolute: "absolute", alibi: "ALiBi"}},
  goals: {title: "Loss", values: {all: "everywhere", trigger: "at triggers only"}},
};

const PRESETS = {
  sink: {
    title: "The sink", task: "fetch", steps: 600,
    state: {score: "softmax", mask: "causal", bos: "always", eos: "never", position: "none", goals: "all"},
    text: "One head must [fetch] at the ★ and has nothing to do at any other token. [softmax|Softmax] makes it look somewhere.",
  },
  cure: {
    title: "Its cure", task: "fetch", steps: 600,
    state: {score: "relu", mask: "causal", bos: "always", eos: "never", position: "none", goals: "all"},
    text: "The same task with ReLU in [softmax]'s place: a row may now be empty, or sum to more than 100 %.",
  },
  ends: {
    title: "Two ends", task: "fetch", steps: 700,
    state: {score: "softmax", mask: "full", bos: "always", eos: "always", position: "none", goals: "all"},
    text: "Every token sees every other, and a last token, [eos|EOS], is marked as the first is, [bos|BOS].",
  },
  nothing: {
    title: "Nothing asked, no sink", task: "fetch", steps: 600,
    state: {score: "softmax", mask: "causal", bos: "always", eos: "never", position: "none", goals: "trigger"},
    text: "The [loss] counts the ★ alone. What the head does at [idle] tokens costs nothing.",
  },
  language: {
    title: "A small language model", task: "language", steps: 500,
    state: {score: "softmax", mask: "causal", bos: "always", eos: "never", position: "rope", goals: "all"},
    text: "Two layers of two heads, 0.4 million weights. It learns letter pairs, and to repeat a letter after each trigger. This takes minutes.",
  },
};

/* What each switch does, said where a run is none of the presets. */
const CHANGES = {
  score: {softmax: "[softmax|Softmax] makes each row sum to 100 %.", relu: "[score|ReLU] lets a row be empty, or sum to more than 100 %.",
    softmax_one: "[score|Softmax + 1] lets a row sum to less than 100 %; training need not make use of that.",
    sink_logit: "A [score|sink logit] lets a row sum to less than 100 %, by a learnt amount; training need not make use of that."},
  mask: {causal: "A token sees what stands before it.", full: "Every token sees every other."},
  bos: {always: "[bos|BOS] stands first.", never: "No mark stands first."},
  eos: {always: "[eos|EOS] stands last.", never: "No mark stands last."},
  position: {none: "The head is told no places.", rope: "[position|RoPE] tells the head places.", absolute: "[position|Learned vectors] tell the head places.",
    alibi: "[position|ALiBi] favours what is near."},
  goals: {all: "The [loss] counts every token.", trigger: "The [loss] counts the ★ alone."},
};

/* The preset that a state is, whatever its seed and learning rate; undefined where it is none. */
const presetOf = state => Object.keys(PRESETS).find(name => PRESETS[name].task === state.task &&
  Object.entries(PRESETS[name].state).every(([key, value]) => state[key] === value));

/* What stands above the map: a preset's sentence, or what was changed in it. */
function toldOf(name, state) {
  const {title, text, state: usual} = PRESETS[name], changed = Object.keys(usual).filter(key => state[key] !== usual[key]);
  return changed.length === 0 ? text : `“${title}”, changed: ${changed.map(key => CHANGES[key][state[key]]).join(" ")}`;
}

/* Columns in which a sink can form: what the reader is asked to predict. */
const ANSWERS = {first: "the first token", last: "the last token", both: "both ends", none: "no column"};

const FETCH = {
  "model.n_layers": 1, "model.n_heads": 1, "model.context_length": 16, "model.d_model": 16, "model.input": "identity",
  "model.output": "identity", "model.norm": "none", "model.mlp": "false", "model.attention_residual": "false", "model.score.scale": "none",
  "model.init.weight": "constant", "model.init.weight_std": 0.02, "model.init.residual": "plain", "data.source.kind": "trigger_mean",
  "objective.kind": "regression", "train.batch_size": 128, "train.warmup_steps": 0, "train.clip": 0,
};

const LANGUAGE = {
  "model.n_layers": 2, "model.n_heads": 2, "model.context_length": 64, "model.d_model": 128, "model.norm": "layernorm",
  "model.activation": "relu", "model.init.embedding_std": 1, "model.init.position_std": 1, "model.init.weight": "fan_in",
  "model.init.residual": "scaled", "model.init.head_std": 0.02, "data.source.kind": "bigram_backcopy", "data.source.n_triggers": 3,
  "train.batch_size": 16, "train.warmup_steps": 100, "train.clip": 1,
};

const COMMON = {
  "train.steps": 1000000, "train.schedule.kind": "constant", "train.optimizer.kind": "adamw", "train.optimizer.beta1": 0.9,
  "train.optimizer.beta2": 0.95, "train.optimizer.epsilon": 1e-8, "train.optimizer.weight_decay": 0, "snapshot.maps": 1,
};

const RATES = {fetch: 1e-3, language: 2e-3};
const LEARNT = {fetch: 1 / 8}; // of its first loss a learnt task has less: 0 to 10 % where it is learnt, 16 to 53 % where a head fails
const MEASURED = {fetch: 16, language: 8}; // sequences that a figure is a mean over

/* Families that a page does not show. */
const UNSEEN = ["ablation", "templates", "spectrum", "graph", "topology", "rips", "pub_graph", "pub_betti", "pub_spectrum", "pub_kl",
  "pub_values", "pub_fisher", "pub_head", "rank", "habits", "norms", "peak", "residual", "logit", "output", "anchors", "entropy"];

/* The lines of a state: {task, score, mask, bos, eos, position, goals, rate, seed}. */
function settingsOf(state) {
  const isFetch = state.task === "fetch", isFull = state.mask === "full";
  const keys = {...(isFetch ? FETCH : LANGUAGE), ...COMMON,
    "model.score.kind": state.score, "model.mask.kind": state.mask, "model.position.kind": state.position,
    "data.bos": state.bos, "data.eos": state.eos, "train.lr": state.rate, "seed": state.seed, "measure.sequences": MEASURED[state.task]};
  if (state.score === "relu")
    keys["model.score.divide"] = "visible";
  if (isFetch) {
    keys["data.source.mean"] = isFull ? "all" : "past";
    keys["data.source.goals"] = state.goals;
    if (state.eos === "always") // one flag more: one channel of noise less
      keys["data.source.n_noise"] = 12;
  } else {
    keys["objective.kind"] = isFull ? "masked" : "next";
  }
  for (const family of UNSEEN)
    keys[`measure.${family}.every`] = 0;
  return Object.entries(keys).map(([key, value]) => `${key}=${value}`).join("\n");
}
