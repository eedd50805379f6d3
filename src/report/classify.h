/* What a snapshot's mask shows, and the labels that follow from its importances, tokens and baselines. */
#ifndef REFFRAME_REPORT_CLASSIFY_H
#define REFFRAME_REPORT_CLASSIFY_H

#include "report/results.h"
#include "store/npz.h"

/* What the mask shows of `length` positions: of the whole set (`suffix` "") or of the half one ("_half"). `baselines`
 * has `uniform/importance`, float32 (L,H,T). `path` is for messages. */
int classify_mask(Arena *arena, const Npz *npz, const Npz *baselines, const char *suffix, int length, const char *path,
                  Visible *ret_visible, Error *err);

/* Lengths of the run's sequences and what the mask shows of each, where the snapshot says that they differ. */
int classify_lengths(Arena *arena, const Npz *npz, const char *path, ReportRun *run, Error *err);

/* Labels of all heads, layers and the model of the run's snapshot s; of its last one also what the anchors are. */
int classify_snapshot(Arena *scratch, Report *report, ReportRun *run, int s, const Npz *npz, const Npz *baselines,
                      const char *path, Error *err);

#endif
