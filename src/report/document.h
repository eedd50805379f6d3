/* Everything a viewer needs, as one JSON document: what report.html carries and its scripts draw.
 *
 * Numbers but steps are rounded to five digits, never is "inf", not available is null. Series are bands over an arm's
 * seeds (least, median, largest at every snapshot). The document stays below about 10 MB whatever the experiment's
 * size.
 *
 * Of an arm `finished` counts runs; `measured` are those that its numbers are of: the finished ones or, where there are
 * none and a page is made while runs train, those that go on.
 */
#ifndef REFFRAME_REPORT_DOCUMENT_H
#define REFFRAME_REPORT_DOCUMENT_H

#include "base/json.h"
#include "report/results.h"

int document_json(const Report *report, JsonWriter *json, Error *err);

/* The contract between document.c and the scripts, as rows of {where an object stands, its keys}; [] is each element.
 * What is a column of a CSV, too, is called as it is there. A test holds both sides to the list. */
#define DOCUMENT_INTERVAL "n coverage values" /* values: [median, low, high] */
#define DOCUMENT_CHANGED                                                                                               \
    "pairs n n_changed coverage values floor floor_dealt p unlabelled" /* values as in an interval */
#define DOCUMENT_SCOPE "place place_checked place_share tokens" /* tokens: [[id, text, share, anchors, top_share]] */
#define DOCUMENT_MAPS                                                                                                  \
    "seed n_layers n_heads n_sequences length rows_sum_to_one pool side visible steps tokens headline mean first"
// clang-format off
#define DOCUMENT_OBJECTS                                                                                               \
    {"", "version name override settings_of settings title claim source headline headline_note loss_unit axes notes frames rules metrics measured verdicts " \
     "families changes absent figures arms seed_maps"},                                                                                                   \
    {"rules", "version rules"},                                                                                        \
    {"rules.rules[]", "name value low high reason"},                                                                   \
    {"metrics[]", "name family unit summary source weakness direction threshold ratio min max level"},                 \
    {"verdicts[]", "text that source verdict needs_n n p corrected deciding tests"},                                   \
    {"verdicts[].corrected", "verdict needs_n p family claims comparisons"},                                           \
    {"verdicts[].tests[]", "verdict arm against n n_hold n_fail p median low high last_step coverage " \
     "needs_n note search changed"},                                                                                                  \
    {"verdicts[].tests[].search", "arms arms_seen runs runs_seen unlabelled p deals exact by_arm"},                     \
    {"verdicts[].tests[].search.by_arm[]", "arm planned finished seen"},                                                \
    {"verdicts[].tests[].changed[]", "pairs unlabelled median floor floor_dealt p deals exact"},                        \
    {"changes[]", "axis from to setup changed changed_by_token framed framed_by_token"},                               \
    {"changes[].changed", DOCUMENT_CHANGED},                                                                           \
    {"changes[].changed_by_token", DOCUMENT_CHANGED},                                                                  \
    {"changes[].framed", DOCUMENT_CHANGED},                                                                            \
    {"changes[].framed_by_token", DOCUMENT_CHANGED},                                                                   \
    {"absent[]", "run reason"},                                                                                        \
    {"arms[]", "name values told runs finished measured onset formed at_start final floor value_drain loss oracle_loss frame_onset " \
     "frame_runs frame_by_token_runs representative n_parameters n_layers n_heads n_sequences "                        \
     "steps tokens targets held_out_loss series seeds anchors maps"},                                                  \
    {"arms[].onset", DOCUMENT_INTERVAL},                                                                               \
    {"arms[].final", DOCUMENT_INTERVAL},                                                                               \
    {"arms[].value_drain", DOCUMENT_INTERVAL},                                                                         \
    {"arms[].loss", DOCUMENT_INTERVAL},                                                                                \
    {"arms[].frame_onset", DOCUMENT_INTERVAL},                                                                         \
    {"arms[].series[]", "at strongest model"},                                                                         \
    {"arms[].series[].strongest", "n band baselines"},                                                                 \
    {"arms[].series[].model", "n band baselines"},                                                                     \
    {"arms[].seeds[]", "seed onset strongest heads frame frame_by_token margin agreement n_anchors place_share token_share"},           \
    {"arms[].anchors", "model layers heads"},                                                                          \
    {"arms[].anchors.model", DOCUMENT_SCOPE},                                                                          \
    {"arms[].anchors.layers[]", DOCUMENT_SCOPE},                                                                       \
    {"arms[].anchors.heads[]", DOCUMENT_SCOPE},                                                                        \
    {"arms[].maps", DOCUMENT_MAPS},                                                                                    \
    {"figures[]", "name svg"},                                                                                         \
    {"seed_maps[]", "arm maps"},                                                                                       \
    {"seed_maps[].maps", DOCUMENT_MAPS}
// clang-format on

#endif
