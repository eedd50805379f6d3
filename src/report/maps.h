/* Attention maps for the page: one run's mean maps (and its first sequence's) over training, small enough to carry.
 *
 * Maps are packed as base/cells.h says; `visible` lists each row's runs of shown cells as [first, end), of positions
 * that some sequence has. To stay within a budget of bytes, snapshots are thinned evenly first, then the sequence's own
 * maps are left out, then positions are pooled by two. `headline` is the headline metric of every head, layer by layer,
 * at the snapshots that are shown: the curve of these maps and of no others.
 */
#ifndef REFFRAME_REPORT_MAPS_H
#define REFFRAME_REPORT_MAPS_H

#include "base/json.h"
#include "report/results.h"

/* Writes an object, or null when the run's snapshots carry no maps, or cannot be read again. `budget`: bytes of base64.
 */
int maps_json(const Report *report, const ReportRun *run, size_t budget, JsonWriter *json, Error *err);

/* Whether the run's snapshots carry maps: 0, or the least budget with which they still play and can be read, pooled to
 * 32 positions at most. */
int maps_least(const Report *report, const ReportRun *run, size_t *ret_budget, Error *err);

#endif
