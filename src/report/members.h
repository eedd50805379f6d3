/* What the members of a snapshot and of the baselines must be: a row for each, its shape in the letters of
 * results/README.md. Checked once, before anything is read by shape, so that whoever reads trusts it.
 *
 * The first file of a run says what the letters are; they are within the ranges of an experiment, and hold for all its
 * files. Members that no row names (weights, what is measured of corrupted sequences) are nobody's here.
 */
#ifndef REFFRAME_REPORT_MEMBERS_H
#define REFFRAME_REPORT_MEMBERS_H

#include "report/results.h"
#include "store/npz.h"

typedef enum {
    SIZE_N,      /* sequences */
    SIZE_L,      /* layers */
    SIZE_H,      /* heads */
    SIZE_T,      /* positions */
    SIZE_HALF,   /* T/2 */
    SIZE_LOSSES, /* 1+G */
    SIZE_GROUPS, /* G */
    SIZE_VOCAB,  /* V */
    SIZE_MAPS,   /* M */
    SIZE_COUNT
} SizeLetter;

/* Of one run; zero before its first file. */
typedef struct {
    int64_t of[SIZE_COUNT]; /* 0: not known yet */
    unsigned has;           /* which of the members that are in all snapshots or in none the first one has, */
    int n_snapshots;        /* once there was one */
    int has_lengths;        /* its sequences have lengths of their own */
} MemberSizes;

/* Every declared member and every metric of the report: there, if it must be, and of its type and shape. STATUS_INPUT
 * with one line that names file and member. Snapshots come before the baselines. */
int members_of_snapshot(const Report *report, const Npz *npz, const char *path, MemberSizes *sizes, Error *err);
int members_of_baselines(const Report *report, const Npz *npz, const char *path, MemberSizes *sizes, Error *err);

#endif
