/* Which seed's attention maps play: one choice for all that plays. The page carries those of each arm's median seed, and of
 * as many others as there was room for.
 */
'use strict';
(() => {

const {Maps, view} = page;

/* An arm's maps by seed: the median one's, and those that data.seed_maps has beside. */
const filmsOf = new Map(finished.map((a) => [a, new Map(a.maps ? [[a.maps.seed, a.maps]] : [])]));
for (const {arm, maps} of data.seed_maps)
  if (maps) filmsOf.get(data.arms[arm]).set(maps.seed, maps);
const seeds = [...new Set(finished.flatMap((a) => a.seeds.map((s) => s.seed)))].sort((x, y) => x - y);
const isHere = (seed) => [...filmsOf.values()].some((films) => films.has(seed));

/* One choice for all that plays: null is each arm's median seed, which also stands in where an arm lacks the chosen one. */
const shown = {seed: null};
const followers = new Map(); /* by name: what to do when another seed is chosen */
const packedOf = (a) => filmsOf.get(a).get(shown.seed) ?? a.maps;
const seedOf = (a) => a.seeds.find((s) => s.seed === packedOf(a).seed);
const unpacked = new Map();
function mapsOf(a) {
  const packed = packedOf(a);
  if (!unpacked.has(packed)) unpacked.set(packed, Maps(packed));
  return unpacked.get(packed);
}

/* The strongest head of an arm's shown seed. */
function strongestOf(a) {
  const strongest = seedOf(a)?.strongest;
  return strongest ? strongest[0] * packedOf(a).n_heads + strongest[1] : 0;
}

function chooseSeed(seed) {
  shown.seed = seed;
  for (const follow of followers.values()) follow();
}

/* A choice among the seeds whose maps are in the page; the others are named as not there. */
function seedChoice(name, follow) {
  const absent = seeds.filter((seed) => !isHere(seed)), offered = [null, ...seeds.filter(isHere)];
  const texts = offered.map((seed) => (seed === null ? 'median seeds' : `seed ${seed}`));
  const node = select('Seed', texts, (i) => chooseSeed(offered[i]));
  if (absent.length) node.append(el('option', {disabled: ''}, `${absent.length} more ${absent.length === 1 ? 'seed is' : 'seeds are'} not in this page`));
  followers.set(name, () => {
    node.value = offered.indexOf(shown.seed);
    follow();
  });
  node.value = offered.indexOf(shown.seed);
  return node;
}

view.keep('seed', (params) => params.set('seed', shown.seed ?? 'median'), (params) => {
  const seed = view.oneOf(params, 'seed', ['median', ...seeds.filter(isHere).map(String)]);
  if (seed !== null) chooseSeed(seed === 'median' ? null : seeds.find((own) => String(own) === seed));
});

page.film = {mapsOf, seedOf, strongestOf, seedChoice};
})();
