/* Which seed's attention maps play: one choice for all that plays. The page carries those of each arm's median seed, and
 * those of all others where there was room for all.
 */
'use strict';
(() => {

const {Maps, view} = page;

/* An arm's maps by seed: the median one's, and those that data.seed_maps has beside. */
const filmsOf = new Map(finished.map((a) => [a, new Map(a.maps ? [[a.maps.seed, a.maps]] : [])]));
for (const {arm, maps} of data.seed_maps)
  if (maps) filmsOf.get(data.arms[arm]).set(maps.seed, maps);
const seeds = [...new Set(finished.flatMap((a) => a.seeds.map((s) => s.seed)))].sort((x, y) => x - y);
const isHere = (seed) => data.seed_maps.length > 0 && [...filmsOf.values()].some((films) => films.has(seed));
const offered = [null, ...seeds.filter(isHere)], absent = seeds.length - offered.length + 1;

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

/* A choice among the seeds whose maps are in the page; it says that others are not there. */
function seedChoice(name, follow) {
  const texts = offered.map((seed) => (seed === null ? 'median seeds' : `seed ${seed}`));
  const node = select('Seed', texts, (i) => chooseSeed(offered[i]));
  if (absent > 0 && seeds.length > 1) node.append(el('option', {disabled: ''}, offered.length > 1 ? `${absent} more not in this page` : 'other seeds are not in this page'));
  followers.set(name, () => {
    node.value = offered.indexOf(shown.seed);
    follow();
  });
  node.value = offered.indexOf(shown.seed);
  return node;
}

view.keep('seed', (params) => params.set('seed', shown.seed ?? 'median'), (params) => {
  const seed = view.oneOf(params, 'seed', offered.map((own) => String(own ?? 'median')));
  if (seed !== null) chooseSeed(offered.find((own) => String(own ?? 'median') === seed));
});

page.film = {mapsOf, seedOf, strongestOf, seedChoice};
})();
