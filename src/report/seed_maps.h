/* Attention maps of seeds that are not the median one of their arm, for the page: as many seeds as there is room for.
 *
 * A seed is carried for all arms or for none, so that arms can be played side by side in one seed; the first of the
 * plan come first. Each run gets the same share of the budget, and no share is smaller than what its maps need to play
 * and to be read (maps_least). So a sweep of few runs carries every seed, and one of very many none.
 */
#ifndef REFFRAME_REPORT_SEED_MAPS_H
#define REFFRAME_REPORT_SEED_MAPS_H

#include "base/json.h"
#include "report/results.h"

/* Writes an array of {arm, maps}. `representative`: (n_arms,) the run of each arm whose maps the page has already, -1
 * for none. `budget`: bytes, of which the array may need a few more for brackets and keys. */
int seed_maps_json(const Report *report, const int *representative, size_t budget, JsonWriter *json, Error *err);

#endif
