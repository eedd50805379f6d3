/* refframe report: tables, verdicts and report.html again from what stands in a results folder. */
#include "app/experiment.h"

static int run(const Arguments *arguments, Error *err)
{
    return experiment_report(arguments->words[0], err);
}

const Verb verb_report = {
    .name = "report",
    .usage = "report results/NAME",
    .summary = "write tables, verdicts and report.html again from the results",
    .details = "Classifier, onset and verdicts are computed anew from the stored snapshots; nothing is trained.",
    .min_words = 1,
    .max_words = 1,
    .run = run,
};
