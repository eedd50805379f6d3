/* The worker: holds the module, trains, and sends a frame whenever it has measured. */
"use strict";

let module = null, exports = null, corpus = null, run = null;

/* What the module asks of a system: one that has nothing, but can say what went wrong. */
function system() {
  const imports = {};
  const view = () => new DataView(exports.memory.buffer);
  const calls = {
    fd_write(descriptor, vectors, n, written) {
      let text = "", bytes = 0;
      for (let i = 0; i < n; i++) {
        const at = view().getUint32(vectors + 8 * i, true), size = view().getUint32(vectors + 8 * i + 4, true);
        text += new TextDecoder().decode(new Uint8Array(exports.memory.buffer, at, size).slice());
        bytes += size;
      }
      view().setUint32(written, bytes, true);
      complaint += text;
      return 0;
    },
    environ_sizes_get(n, size) {
      view().setUint32(n, 0, true);
      view().setUint32(size, 0, true);
      return 0;
    },
    environ_get: () => 0,
    proc_exit() {
      throw new Error(complaint.trim() || "the module has ended");
    },
  };
  let complaint = "";
  for (const each of WebAssembly.Module.imports(module))
    (imports[each.module] ??= {})[each.name] = calls[each.name] ?? (() => 52 /* not supported */);
  return imports;
}

function text(at) {
  const bytes = new Uint8Array(exports.memory.buffer);
  let end = at;
  while (bytes[end] !== 0)
    end++;
  return new TextDecoder().decode(bytes.slice(at, end));
}

/* The arrays of web.c, in their order there. */
const MOST_GROUPS = 4, MOST_HEADS = 64, MOST_LENGTH = 128;

function figures() {
  const {nHeads, length} = run.shape;
  const all = new Float64Array(exports.memory.buffer, exports.web_figures(), 5 + MOST_GROUPS + 3 * MOST_HEADS + MOST_HEADS * MOST_LENGTH);
  let at = 5;
  const take = (used, room) => {
    const values = Array.from(all.subarray(at, at + used));
    at += room;
    return values;
  };
  const groups = take(MOST_GROUPS, MOST_GROUPS), sinks = take(nHeads, MOST_HEADS), ends = take(nHeads, MOST_HEADS);
  const drains = take(nHeads, MOST_HEADS), norms = take(nHeads * length, MOST_HEADS * MOST_LENGTH);
  return {step: all[0], trainingLoss: all[1], loss: all[2], sinkFloor: all[3], endFloor: all[4], groups, sinks, ends, drains, norms};
}

function open(settings) {
  exports = new WebAssembly.Instance(module, system()).exports;
  exports._initialize?.();
  new Uint8Array(exports.memory.buffer).set(corpus, exports.web_corpus(corpus.length));
  new Uint8Array(exports.memory.buffer).set(new TextEncoder().encode(settings + "\0"), exports.web_text());
  if (exports.web_open() !== 0)
    throw new Error(text(exports.web_error()));
  const at = exports.web_sizes(), sizes = new Int32Array(exports.memory.buffer, at, 5);
  const [nLayers, headsEach, length, nGroups, nParameters] = sizes;
  const idle = Array.from(new Uint8Array(exports.memory.buffer, at + 20, length));
  const tokens = Array.from({length}, (_, i) => text(exports.web_token(i)));
  const groups = Array.from({length: nGroups}, (_, g) => text(exports.web_group(g)));
  return {nLayers, headsEach, nHeads: nLayers * headsEach, length, nParameters, idle, tokens, groups};
}

/* A frame: figures, and the maps as bytes, of which the square is the weight: small weights keep their digits. */
function frame() {
  exports.web_measure();
  const {nHeads, length} = run.shape;
  const weights = new Float32Array(exports.memory.buffer, exports.web_map(), nHeads * length * length);
  const map = new Uint8Array(weights.length);
  for (let i = 0; i < map.length; i++)
    map[i] = Math.round(255 * Math.sqrt(Math.min(1, Math.max(0, weights[i]))));
  return {...figures(), map};
}

const SLICE = 100; // milliseconds of a whole run, about, between two looks at messages
let next = 0; // the timer of the next frame: there is one, however often a run is paused and goes on

/* One frame after another, with a pause between them in which messages are heard. */
function go() {
  clearTimeout(next);
  if (!run || run.isPaused || run.step >= run.until)
    return;
  try {
    if (exports.web_step(Math.min(run.every, run.until - run.step)) !== 0)
      throw new Error(text(exports.web_error()));
    const seen = frame();
    run.step = seen.step;
    postMessage({kind: "frame", id: run.id, frame: seen, isLast: run.step >= run.until});
    next = setTimeout(go, run.rest);
  } catch (error) {
    postMessage({kind: "failed", id: run.id, why: error.message});
    run.isPaused = true;
  }
}

/* A whole run, with a pause now and then in which messages are heard: where they opened another one, it ends. */
function goWhole(own) {
  if (run !== own)
    return;
  try {
    for (const end = performance.now() + SLICE; performance.now() < end && own.step < own.until;) {
      if (exports.web_step(Math.min(own.every, own.until - own.step)) !== 0)
        throw new Error(text(exports.web_error()));
      const {step, sinks, ends, sinkFloor} = frame();
      own.frames.push({step, sinks, ends, sinkFloor});
      own.step = step;
    }
    if (own.step < own.until)
      setTimeout(goWhole, 0, own);
    else
      postMessage({kind: "seed", id: own.id, seed: own.seed, frames: own.frames});
  } catch (error) {
    postMessage({kind: "failed", id: own.id, why: error.message});
  }
}

const messages = {
  async load({moduleBytes, corpusBytes}) {
    corpus = new Uint8Array(corpusBytes);
    module = await WebAssembly.compile(moduleBytes);
    postMessage({kind: "ready"});
  },
  open({id, settings, every, until, rest}) {
    try {
      run = {id, every, until, rest, step: 0, isPaused: true};
      run.shape = open(settings);
      postMessage({kind: "opened", id, shape: run.shape, frame: frame()});
    } catch (error) {
      run = null;
      postMessage({kind: "failed", id, why: error.message});
    }
  },
  go({id, until, every, rest}) {
    if (run?.id !== id)
      return;
    const wasPaused = run.isPaused || run.step >= run.until;
    Object.assign(run, {until, every, rest, isPaused: false});
    if (wasPaused)
      go();
  },
  pause({id}) {
    if (run?.id === id)
      run.isPaused = true;
  },
  /* One run from start to end; of its frames the page needs few figures. */
  whole({id, settings, until, every, seed}) {
    try {
      run = {id, every, until, rest: 0, step: 0, isPaused: true, seed, frames: []};
      run.shape = open(settings);
      goWhole(run);
    } catch (error) {
      postMessage({kind: "failed", id, why: error.message});
    }
  },
};

onmessage = event => messages[event.data.kind](event.data);
