/* The lesson: seven steps, each a prediction, a run, and a reading of two sentences. Where the column will be is predicted on
   the map (`where`: one of ANSWERS, `right` else: one of the choices). Numbers in the readings are measured: see
   experiments/lesson/README.md. */
"use strict";

const LESSON = [
  {
    title: "Attention", preset: "sink", steps: 0,
    text: "Each row of the picture is one [query|token that looks] at the tokens up to itself. The weights of a row sum to 100 %. Nothing has been learnt yet.",
    asks: "How does the last row share its attention?", choices: ["evenly", "all on itself", "all on BOS, the first token"], right: 0,
    reading: "Evenly: the head has no reason yet to prefer one token. Touch cells, point at them or use the arrow keys, and read their weights.",
  },
  {
    title: "A head with nothing to do", preset: "sink",
    text: "At the ★ the head must [fetch] the mean of what it sees. At all other tokens, the [idle] ones, it must give nothing. [softmax|Softmax] does not let a row be empty.",
    asks: "Where will the idle tokens look?", where: "first",
    reading: "At BOS, with nearly all of their attention, in 20 of 20 seeds. This column is an attention sink.",
  },
  {
    title: "When it forms", preset: "sink",
    text: "Watch the first two lines together: the sink's strength, and the [loss] on data that the model has not seen.",
    asks: "When does the sink pass 30 %?", choices: ["before the loss falls", "while it falls", "after it has fallen"], right: 1,
    reading: "While it falls: the marker stands in the middle of the loss's fall. On this task sink and skill are learnt together.",
  },
  {
    title: "Its empty value", preset: "sink",
    text: "A token that looks at another takes its [value]. The third line is the length of BOS's value, measured in lengths of the others'.",
    asks: "What do idle tokens take from BOS in the end?", choices: ["much", "as much as from others", "almost nothing"], right: 2,
    reading: "Almost nothing: the value of BOS has shrunk to a few hundredths of the others' or less, in 20 of 20 seeds. So all attention on BOS is the head's way to do nothing.",
  },
  {
    title: "Take softmax away", preset: "cure",
    text: "ReLU in softmax's place lets a row be empty: its weights need not sum to 100 %.",
    asks: "Where will the strong column be?", where: "none",
    reading: "Nowhere, in 20 of 20 seeds: idle rows are empty or nearly so, and the task is solved all the same. Softmax asks for the sink, the task does not.",
  },
  {
    title: "The other end", preset: "ends",
    text: "Now every token sees every other, and a last token, EOS, is marked as BOS is.",
    asks: "Where will the idle tokens look?", where: "both",
    reading: "At both, about half and half, in 20 of 20 seeds. Such resting places make up a reference frame; with one at each end it is called bidirectional.",
  },
  {
    title: "What decides it", preset: "sink", changes: {position: "rope"},
    text: "Ruscio, Nanni and Silvestri (arXiv 2508.02546) say that the position encoding decides which kind of frame forms. Gu et al. (arXiv 2410.10781) " +
      "found a sink at the first token under every encoding. This is the first run again, with RoPE in place of no encoding.",
    asks: "What will RoPE change?", choices: ["the column moves", "the column vanishes", "nothing much"], right: 2,
    reading: "Nothing much: the sink is at BOS again, in 20 of 20 seeds, as with learned positions and ALiBi. On this task mask, end token and score decide. What larger studies say " +
      "stands in the atlas, experiments/README.md of refframe.",
  },
];
