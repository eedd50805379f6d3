/* Onset, final values and half-rise of a series (definitions in onset.h). */
#include "frame/onset.h"

#include <math.h>

static Onset onset_at(const double *steps, int index)
{
    if (index < 0)
        return (Onset){ONSET_NEVER, -1, INFINITY, INFINITY};
    if (index == 0)
        return (Onset){ONSET_AT_START, 0, -INFINITY, steps[0]};
    return (Onset){ONSET_FOUND, index, steps[index - 1], steps[index]};
}

/* `run` counts snapshots in a row up to s; the first of them is the onset once they are enough. */
static int has_stayed(int *run, int is_beyond)
{
    *run = is_beyond ? *run + 1 : 0;
    return *run == ONSET_STAY;
}

void onset_of_metric(int n, const double *steps, const double *values, double baseline, int direction, double threshold,
                     double ratio, Onset *ret_onset)
{
    /* fmax and fmin pass over a NaN, so that a missing baseline leaves the threshold alone. */
    const double limit = direction > 0 ? fmax(threshold, ratio * baseline) : fmin(threshold, baseline / ratio);
    int run = 0;
    *ret_onset = onset_at(steps, -1);
    for (int s = 0; s < n; s++)
        if (has_stayed(&run, direction > 0 ? values[s] > limit : values[s] < limit)) {
            *ret_onset = onset_at(steps, s - ONSET_STAY + 1);
            return;
        }
}

void onset_of_run(int n, const double *steps, const double *values, double floor, double start, int direction,
                  double threshold, double ratio, Onset *ret_onset)
{
    if (!isnan(floor)) {
        onset_of_metric(n, steps, values, floor, direction, threshold, ratio, ret_onset);
        if (ret_onset->kind == ONSET_AT_START)
            return;
    }
    const double baseline = direction > 0 ? fmax(floor, start) : fmin(floor, start);
    onset_of_metric(n, steps, values, baseline, direction, threshold, ratio, ret_onset);
}

void onset_of_label(int n, const double *steps, const unsigned char *is_type, Onset *ret_onset)
{
    int run = 0;
    *ret_onset = onset_at(steps, -1);
    for (int s = 0; s < n; s++)
        if (has_stayed(&run, is_type[s])) {
            *ret_onset = onset_at(steps, s - ONSET_STAY + 1);
            return;
        }
}

int onset_order(const Onset *a, const Onset *b)
{
    if (a->kind == ONSET_NEVER && b->kind == ONSET_NEVER)
        return 0;
    return a->by <= b->after ? -1 : a->after >= b->by ? 1 : 0;
}

double series_final(int n, const double *values)
{
    double last[ONSET_STAY]; /* ascending */
    int count = 0;
    for (int s = n > ONSET_STAY ? n - ONSET_STAY : 0; s < n; s++) {
        if (isnan(values[s]))
            continue;
        int at = count++;
        for (; at > 0 && last[at - 1] > values[s]; at--)
            last[at] = last[at - 1];
        last[at] = values[s];
    }
    if (count == 0)
        return NAN;
    return count % 2 ? last[count / 2] : (last[count / 2 - 1] + last[count / 2]) / 2;
}

int label_final(int n, const int *labels)
{
    const int first = n > ONSET_STAY ? n - ONSET_STAY : 0;
    int mode = -1, most = 0;
    for (int s = n - 1; s >= first; s--) {
        int same = 0;
        for (int t = first; t < n; t++)
            same += labels[t] == labels[s];
        if (same > most)
            most = same, mode = labels[s];
    }
    return mode;
}

double half_rise_step(int n, const double *steps, const double *values, double baseline, int direction)
{
    const double half = direction * (series_final(n, values) - baseline) / 2;
    double before = NAN, step_before = NAN; /* the last snapshot that had a value */
    if (!(half > 0))
        return NAN;
    for (int s = 0; s < n; s++) {
        const double excess = direction * (values[s] - baseline);
        if (isnan(excess))
            continue;
        if (excess >= half)
            return isnan(before) ? steps[s]
                                 : step_before + (steps[s] - step_before) * (half - before) / (excess - before);
        before = excess, step_before = steps[s];
    }
    return NAN;
}

double fall_share(int n, const double *steps, const double *losses, double floor, double step)
{
    if (n == 0 || !(losses[0] > floor) || !(step <= steps[n - 1]))
        return NAN;
    int s = 0;
    while (s < n - 1 && steps[s + 1] < step)
        s++;
    double loss = losses[s];
    if (s < n - 1 && step > steps[s])
        loss += (losses[s + 1] - losses[s]) * (step - steps[s]) / (steps[s + 1] - steps[s]);
    return (losses[0] - loss) / (losses[0] - floor);
}
