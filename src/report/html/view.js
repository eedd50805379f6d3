/* A link to what is shown: arms, seed, layer, head, step, metric, playing or not, in the part of the address behind "#",
 * which no server ever sees. It is read at the start and when a reader goes back or forward, and written when one asks
 * for a link.
 *
 * Each part of the page that can be shown in several ways is kept here by its name, with two functions: `tell` puts
 * what it shows into URLSearchParams, `take` shows what these say. Anybody can write a link: a part takes a value only
 * through `oneOf` and `whole`, so only one that the page offers itself; all else is passed over.
 */
'use strict';
(() => {

const LONGEST = 4000; /* characters of a link that are read */
const parts = new Map();
let initial = null, own = '';

/* A part that is made again replaces itself, at its old place: what decides which arms are shown stays first. */
function keep(name, tell, take) {
  parts.set(name, {tell, take});
}

/* A value that is among the offered ones, else null; a whole number from low to high, else null. */
const oneOf = (params, key, offered) => (offered.includes(params.get(key)) ? params.get(key) : null);
function whole(params, key, low, high) {
  const text = params.get(key) ?? '', value = Number(text);
  return /^\d{1,15}$/.test(text) && low <= value && value <= high ? value : null;
}

function written() {
  const params = new URLSearchParams();
  for (const {tell} of parts.values()) tell(params);
  const here = document.querySelector('.bar nav [aria-current]');
  if (here) params.set('at', here.hash.slice(1));
  return params;
}

/* "#maps" leads to a section, as in any page; "#arm=..." is a view. */
function read() {
  const hash = location.hash.slice(1, LONGEST);
  if (hash === own && own) return;
  own = '';
  if (hash && !hash.includes('=')) {
    document.getElementById(hash)?.scrollIntoView();
    return;
  }
  const params = hash ? new URLSearchParams(hash) : initial;
  for (const {take} of parts.values()) take(params);
  const at = oneOf(params, 'at', sections.map(([id]) => id));
  if (at) document.getElementById(at).scrollIntoView();
}

/* Once all is there. */
function start() {
  initial = written();
  if (location.hash) read();
  addEventListener('hashchange', read);
}

/* The button: the address holds the view from now on, and the clipboard where the browser lets us. The button says so for a
 * while, and the line behind it says it to who listens. */
function copyLink(button) {
  const words = button.querySelector('span'), status = button.nextElementSibling;
  own = String(written());
  location.hash = own;
  const say = (text) => {
    words.textContent = status.textContent = text;
    setTimeout(() => (words.textContent = 'Copy link'), 3000);
  };
  const copied = navigator.clipboard?.writeText(location.href) ?? Promise.reject();
  copied.then(() => say('Link copied'), () => say('Link is in the address'));
}

page.view = {keep, oneOf, whole, start, copyLink};
})();
