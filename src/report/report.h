/* The report: from a results folder to intervals, verdicts, tables and one HTML file. A pure function of the folder.
 *
 * Reads plan.json and metrics.json (what was meant, what each metric is) and, per run of the current plan,
 * manifest.json and snapshots; classifier and onset are rerun from the stored importances, so that rules can change
 * without retraining. No date, no path, no machine enters the files it writes, so equal results are equal bytes.
 */
#ifndef REFFRAME_REPORT_REPORT_H
#define REFFRAME_REPORT_REPORT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"
#include "store/lock.h"

typedef struct Report Report;

/* Collects what stands in results/NAME. Runs that are missing, failed, unfinished or unreadable are counted and named,
 * never guessed. STATUS_INPUT: there is no such plan; STATUS_FAILED: the system could not read. */
int report_collect(Arena *arena, const char *folder, Report **ret_report, Error *err);

/* The same while runs train: an arm in which no run has finished yet has those that go on, or were interrupted, with
 * the snapshots that they have left so far. Whatever judges (verdicts, changes of labels) counts finished runs alone,
 * as in report_collect; once every arm has a finished run, there is no difference. */
int report_collect_so_far(Arena *arena, const char *folder, Report **ret_report, Error *err);

/* The plan alone: name, arms and runs, of which nothing is known but what was meant. */
int report_outline(Arena *arena, const char *folder, Report **ret_report, Error *err);

/* Whether plan.json and metrics.json had hashes that they could be checked against. */
int report_has_hashes(const Report *report);

/* STATUS_FAILED, and a line that names the first and what to do, where finished runs could not be read. */
int report_unreadable(const Report *report, Error *err);

/* Writes every export (export/README.md) into the folder, each atomically, and at last their hashes (store/sums.h). One
 * that is written on request alone is where it is named or lies there already, so that what was asked for before is
 * never older than the rest. `lock`: what keeps others from the folder, asked before each; NULL: nobody knows of it. */
int report_write(Report *report, const Lock *lock, const char *folder, const char *const *requested, int n_requested,
                 Error *err);

/* report.html as text. `live` (NULL: none) is HTML of whoever serves it, behind all else, which may then ask its own
 * server for more: the page's policy allows that, and nothing beyond. */
int report_page(const Report *report, const char *live, Text *ret_html, Error *err);

/* The table for the terminal: per arm onset (median, interval with coverage, n formed of n), final sink mass of the
 * strongest head with its floor, value drain, frame by position and by token; then the verdicts, and what
 * moves the label. */
void report_terminal(Report *report, int width, int use_colour, Text *ret_text);

/* A run's snapshot as text (`refframe show RUN [--step N]`): per layer and head the main metrics and labels. */
int report_show(Arena *arena, const char *run_folder, int64_t step, int width, int use_colour, Text *ret_text,
                Error *err);

#endif
