/* A results folder for the targets of the report: a plan of two arms, one seed, and two runs of two snapshots, which an
 * input changes; and everything that is made of it. */
#ifndef REFFRAME_TESTS_FUZZ_RESULTS_H
#define REFFRAME_TESTS_FUZZ_RESULTS_H

#include "fuzz.h"

#define RESULTS_PLAN                                                                                                   \
    "{\"name\": \"x\", \"axes\": [{\"name\": \"a\", \"values\": [\"p\", \"q\"]}], \"arms\": [{\"name\": \"p\", "       \
    "\"values\": {\"a\": \"p\"}}, {\"name\": \"q\", \"values\": {\"a\": \"q\"}}], \"seeds\": [1], \"runs\": "          \
    "[{\"folder\": \"r\", \"id\": \"1\", \"arm\": 0, \"seed\": 1}, {\"folder\": \"s\", \"id\": \"2\", \"arm\": 1, "    \
    "\"seed\": 1}], \"claims\": [{\"text\": \"t\", \"that\": \"median(sink_mass, a=p) > 0.1 and frame(a=q) != "        \
    "other\"}]}"
#define RESULTS_METRICS                                                                                                \
    "{\"metrics\": [{\"name\": \"sink_mass\", \"level\": \"head\", \"direction\": \"rises\", \"threshold\": 0.3, "     \
    "\"range\": [0, 1]}, {\"name\": \"rank\", \"level\": \"layer\", \"direction\": \"falls\"}, {\"name\": "            \
    "\"gap\", \"level\": \"model\"}]}"

/* Writes a run's two snapshots and its baselines below results/NAME, changed as `changes` say (NULL: as they should
 * be): records of bytes, each of which drops a member or gives it another type, shape and content. */
void results_write_run(const char *name, FuzzParts *changes);

/* Writes plan.json and metrics.json; returns the path of results/. */
const char *results_write_plan(const char *plan, const char *metrics);

/* Collects the folder and, if it is a plan's, makes everything of it: the page's document is JSON, all tables and
 * documents that are written can be read, a terminal can show what it is shown. The run `whole` (NULL: none) is there,
 * whatever the others are. */
void results_report(const char *folder, const char *whole);

#endif
