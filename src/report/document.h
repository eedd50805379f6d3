/* Everything a viewer needs, as one JSON document: what report.html carries and its script draws.
 *
 * Numbers are rounded to five digits, never is "inf", not available is null. Series are bands over an arm's seeds
 * (least, median, largest at every snapshot). The document stays below about 10 MB whatever the experiment's size.
 */
#ifndef REFFRAME_REPORT_DOCUMENT_H
#define REFFRAME_REPORT_DOCUMENT_H

#include "base/json.h"
#include "report/results.h"

int document_json(const Report *report, JsonWriter *json, Error *err);

#endif
