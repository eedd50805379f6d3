/* Anchors for a reader: which tokens and which places they are, as text and for the page. */
#ifndef REFFRAME_REPORT_ANCHORS_H
#define REFFRAME_REPORT_ANCHORS_H

#include "base/json.h"
#include "report/results.h"

/* A token between quotes with what is not seen escaped (", \\, line ends, control characters); <bos> and the
 * like bare. */
const char *token_shown(Arena *arena, const char *text);

/* "first", "last", "last-2", "5"; "5?" where nothing tells whether it counts from the start or from the end. */
const char *place_shown(Arena *arena, const Frame *frame);

/* Per layer and head, per layer and for the model: place, and the most frequent tokens with their shares. */
void anchors_json(const ReportRun *run, JsonWriter *json);

#endif
