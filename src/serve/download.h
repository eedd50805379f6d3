/* Files of a results folder that may be taken: those that a report writes there, by their names, and no other. */
#ifndef REFFRAME_SERVE_DOWNLOAD_H
#define REFFRAME_SERVE_DOWNLOAD_H

#include "base/json.h"
#include "serve/answer.h"

/* The file as an answer, or why not. No link is followed. */
Answer download(const char *folder, const char *name);

/* The names of those that the last report left there and that can be taken, as an array. */
void download_names(const char *folder, JsonWriter *json);

#endif
