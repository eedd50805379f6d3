/* What a page calls: one run at a time, in memory. Numbers go out through arrays whose addresses these functions give;
 * worker.js reads them by their places, so their order is fixed.
 */
#ifndef REFFRAME_WEB_WEB_H
#define REFFRAME_WEB_WEB_H

#include "train/live.h"

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name), used)) name
#else /* a test's program, which holds the module to the same numbers */
#define EXPORT(name) name
#endif

enum { MOST_HEADS = 64, MOST_LENGTH = 128 };

/* What a page reads of a run, in this order; see play.js. */
typedef struct {
    double step, loss, held_out_loss, sink_floor, end_floor;
    double group_losses[MAX_LOSS_GROUPS];
    double sinks[MOST_HEADS], ends[MOST_HEADS], drains[MOST_HEADS];
    double norms[MOST_HEADS * MOST_LENGTH];
} Figures;

typedef struct {
    int32_t n_layers, n_heads, length, n_groups, n_parameters;
    uint8_t idle[MOST_LENGTH];
} Sizes;

/* Where the page writes "key=value" lines, a zero behind them: up to 16 KiB. */
char *web_text(void);
/* One line on the last failure. */
const char *web_error(void);

/* Opens a run with the settings in web_text(), in place of the one before. Returns 0, or a status. */
int web_open(void);
/* Trains n steps. Returns 0, or a status where the loss is not finite. */
int web_step(int n);
/* Measures the weights as they are, into figures and map. */
void web_measure(void);

/* Room for n bytes of the default text (platform.c), which the page writes before web_open. */
unsigned char *web_corpus(size_t n);

const Figures *web_figures(void);
const Sizes *web_sizes(void);
const real *web_map(void); /* (L,H,T,T) */

/* The token at a position of the sequence that is shown; the name of a loss group. */
const char *web_token(int position);
const char *web_group(int group);

#endif
