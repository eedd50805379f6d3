/* Words of the field, explained where they are met: dotted underlined, with their meaning at a touch, under the pointer, or by the
   keyboard. In a text "[idle]" is such a word, "[fetch|fetched]" one that is shown as another form. */
"use strict";

const TERMS = {
  query: "A token that looks is called a query, one that is looked at a key.",
  fetch: "To fetch is to take what other tokens hold. The ★ must: its answer is the mean of what it sees. In the language model a trigger " +
    "must: it repeats a letter.",
  idle: "An idle token has nothing to fetch: what other tokens hold is of no use for its answer.",
  value: "What a token hands to those that look at it: a list of numbers, learnt by the head. A short value adds next to nothing.",
  loss: "How wrong the answers are, as one number. Training makes it fall.",
  softmax: "Softmax turns how well tokens fit into shares of attention. They always sum to 100 %, so a row can't be empty.",
  score: "How attention is made from how well tokens fit. Softmax: a row sums to 100 %. ReLU: a row may be empty. Softmax + 1: a row may " +
    "sum to less. Sink logit: the same, and how much less is a number that the head learns.",
  mask: "What a token may look at. Causal: itself and what stands before it. Full: every token.",
  bos: "BOS, beginning of sequence, is a mark in front of every sequence. It holds nothing to fetch.",
  eos: "EOS, end of sequence, is a mark behind every sequence. It holds nothing to fetch.",
  position: "How a head learns where tokens stand. RoPE turns queries and keys by their place, absolute adds a learnt vector for each, " +
    "ALiBi favours what is near.",
  goals: "Which answers count while it trains: those of all tokens, or of the ★ alone (a trigger).",
};

/* A text in which words are marked, as nodes; no line ends between a number and its unit. */
function piecesOf(text) {
  return text.replace(/(\d) ([%×])/g, "$1\u00a0$2").split(/(\[[^\]]+\])/).filter(Boolean).map(piece => piece.startsWith("[") ? term(...piece.slice(1, -1).split("|")) : piece);
}

function term(name, words = name) {
  const button = Object.assign(made("button", words), {type: "button", className: "term"});
  button.dataset.term = name;
  return button;
}

/* Puts a text into an element, unless it is there: who has a word of it under the finger keeps it. */
function tell(element, text) {
  if (element.dataset.told === text)
    return;
  element.dataset.told = text;
  element.replaceChildren(...piecesOf(text));
}

/* ---- the meaning of one word at a time ---- */

let meant = null; // its button

/* Below the word, or above it where there is no room. */
function mean(button) {
  const box = button.getBoundingClientRect(), meaning = $("meaning");
  unmean();
  meant = button;
  meaning.textContent = TERMS[button.dataset.term];
  meaning.hidden = false;
  button.setAttribute("aria-describedby", "meaning");
  const {width, height} = meaning.getBoundingClientRect(), room = document.documentElement.clientWidth - 8;
  meaning.style.left = `${scrollX + Math.max(8, Math.min(box.left, room - width))}px`;
  meaning.style.top = `${scrollY + (box.bottom + height + 6 <= innerHeight || box.top < height ? box.bottom + 4 : box.top - height - 4)}px`;
}

function unmean() {
  meant?.removeAttribute("aria-describedby");
  meant = null;
  $("meaning").hidden = true;
}

const termOf = event => event.target.closest?.(".term") ?? null;

function listenToTerms() {
  document.addEventListener("pointerover", event => {
    if (event.pointerType === "mouse" && termOf(event))
      mean(termOf(event));
  });
  document.addEventListener("pointerout", event => {
    const isStillThere = event.relatedTarget?.closest?.(".term, #meaning"); // its meaning can be pointed at, too
    if (event.pointerType === "mouse" && meant && meant !== document.activeElement && !isStillThere)
      unmean();
  });
  document.addEventListener("focusin", event => termOf(event) ? mean(termOf(event)) : unmean());
  document.addEventListener("focusout", unmean);
  document.addEventListener("click", event => {
    if (termOf(event))
      mean(termOf(event));
    else
      unmean(); // also by a touch of the meaning itself, which may lie over another word
  });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape")
      unmean();
  });
}
