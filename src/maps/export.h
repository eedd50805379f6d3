/* A set's results as text for other programs; README.md describes both formats. */
#ifndef REFFRAME_MAPS_EXPORT_H
#define REFFRAME_MAPS_EXPORT_H

#include "maps/measure.h"

/* sequence,layer,head,metric,value,baseline,n,label: the set's rows first (no sequence), then each sequence's. */
void maps_to_csv(const MapsResult *result, Text *ret_text);

/* One object: what was read, every metric of the set, every label. */
void maps_to_json(const MapsResult *result, Text *ret_text);

#endif
