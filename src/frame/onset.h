/* Onset: when a metric or a frame label has come to stay. Pure functions on series.
 *
 * A metric emerges at the first snapshot from which it is beyond max(threshold, ratio*baseline) (rising) or below
 * min(threshold, baseline/ratio) (falling) for three snapshots in a row; fewer than three left = not formed; beyond
 * already at step 0 (and staying three) = present at start. Steps come as an interval (previous snapshot, this one].
 */
#ifndef REFFRAME_FRAME_ONSET_H
#define REFFRAME_FRAME_ONSET_H

#define ONSET_STAY 3 /* snapshots in a row */

typedef enum { ONSET_NEVER, ONSET_AT_START, ONSET_FOUND } OnsetKind;

typedef struct {
    OnsetKind kind;
    int index;        /* of the emerging snapshot, -1 for never */
    double after, by; /* (previous snapshot's step, this one's]; infinite for never; -inf..0 at start */
} Onset;

/* n snapshots, ascending steps. direction: +1 rises, -1 falls. A NaN value is not beyond. */
void onset_of_metric(int n, const double *steps, const double *values, double baseline, int direction, double threshold,
                     double ratio, Onset *ret_onset);
/* The same of a run: present at start if it is so over the computed floor, else emerged over the floor or the value
 * that it started from, whichever is further. NaN: there is none. */
void onset_of_run(int n, const double *steps, const double *values, double floor, double start, int direction,
                  double threshold, double ratio, Onset *ret_onset);
void onset_of_label(int n, const double *steps, const unsigned char *is_type, Onset *ret_onset);

/* -1: a came before b (at the latest where b came at the earliest), 1: after, 0: not told, since neither came or their
 * intervals overlap. What never came is after all that did. */
int onset_order(const Onset *a, const Onset *b);

/* Median of the last three values (NaN left out; NaN if none). */
double series_final(int n, const double *values);

/* The most frequent of the last three labels; ties go to the later snapshot. */
int label_final(int n, const int *labels);

/* First step where half of the final excess over the baseline is reached (linear between snapshots); NaN when the final
 * excess is <= 0. */
double half_rise_step(int n, const double *steps, const double *values, double baseline, int direction);

/* Share of a loss's fall from losses[0] to floor (oracle, or the final loss) made at `step` (linear
 * between snapshots). */
double fall_share(int n, const double *steps, const double *losses, double floor, double step);

#endif
