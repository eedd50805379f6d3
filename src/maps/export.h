/* A set's results as text for other programs; README.md describes both formats. */
#ifndef REFFRAME_MAPS_EXPORT_H
#define REFFRAME_MAPS_EXPORT_H

#include "maps/measure.h"

/* sequence,layer,head,metric,value,baseline,n,label: the set's rows first (no sequence), then each sequence's. */
void maps_to_csv(const MapsResult *result, Text *ret_text);

/* What a csv says of a label: its words, and the margins and agreements beside them. */
enum { LABEL_ROWS = 6 };
typedef struct {
    const char *metric, *word; /* word: NULL of a number */
    double value;              /* NaN of a word */
} LabelRow;

/* Those that there are, in their order; returns how many. Without tokens there are none by token. */
int maps_label_rows(const Frame *frame, LabelRow ret_rows[LABEL_ROWS]);

/* The cells value, baseline, n and label of one, and the end of its line. */
void maps_add_label_row(const LabelRow *row, Text *text);

/* One object: what was read, every metric of the set, every label. */
void maps_to_json(const MapsResult *result, Text *ret_text);

#endif
