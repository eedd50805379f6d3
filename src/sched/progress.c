/* Progress lines: `progress STEP STEPS LOSS TOKENS_PER_SECOND SINK`, numbers by text_number, so that NaN and infinity
 * travel too. Any other line of a child is not for the scheduler. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sched/sched.h"

void progress_format(const Progress *progress, char buffer[160])
{
    char loss[32], rate[32], sink[32];
    snprintf(buffer, 160, "progress %" PRId64 " %" PRId64 " %s %s %s", progress->step, progress->steps,
             text_number(progress->loss, loss), text_number(progress->tokens_per_second, rate),
             text_number(progress->sink, sink));
}

int progress_parse(const char *line, Progress *ret_progress)
{
    char word[16], step[32], steps[32], loss[32], rate[32], sink[32], rest;
    Progress read;
    if (sscanf(line, "%15s %31s %31s %31s %31s %31s %c", word, step, steps, loss, rate, sink, &rest) != 6 ||
        strcmp(word, "progress") != 0)
        return -1;
    if (text_parse_int(step, &read.step) != 0 || text_parse_int(steps, &read.steps) != 0 ||
        text_parse_double(loss, &read.loss) != 0 || text_parse_double(rate, &read.tokens_per_second) != 0 ||
        text_parse_double(sink, &read.sink) != 0 || read.step < 0 || read.steps < 0)
        return -1;
    *ret_progress = read;
    return 0;
}
