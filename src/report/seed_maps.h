/* Attention maps of the seeds that are not the median one of their arm, for the page: of all of them, or of none.
 *
 * Each run gets the same share of the budget. Where a share is smaller than what its maps need to play and to be read
 * (maps_least), none is written: a sweep of a thousand runs should not weigh several times as much for a few of its
 * seeds.
 */
#ifndef REFFRAME_REPORT_SEED_MAPS_H
#define REFFRAME_REPORT_SEED_MAPS_H

#include "base/json.h"
#include "report/results.h"

/* Writes an array of {arm, maps}. `representative`: (n_arms,) the run of each arm whose maps the page has already, -1
 * for none. `budget`: bytes, of which the array may need a few more for brackets and keys. */
int seed_maps_json(const Report *report, const int *representative, size_t budget, JsonWriter *json, Error *err);

#endif
