/* The trainer as a WebAssembly module: what play.js calls. One run at a time; numbers go out through arrays whose
 * addresses the module gives, words as strings that end in a zero.
 *
 * Built by make_play.py for one thread, 128-bit vectors and products that are rounded before they are added, as
 * WebAssembly has no fused multiply-add of one meaning everywhere; hence bits of its own, the same in every browser.
 */
#include <string.h>

#include "app/app.h"
#include "base/resolve.h"
#include "train/live.h"
#include "web/web.h"

#ifndef WEB_KERNELS
#define WEB_KERNELS kernels_plain
#endif
extern const Kernels WEB_KERNELS;

enum { MOST_SETTINGS = 256 };

static struct {
    Arena *arena; /* of the settings */
    Settings settings;
    Live *live;
    Figures figures;
    Sizes sizes;
    const real *map; /* (L,H,T,T) */
    Error error;
} web;

static char text[1 << 14]; /* "key=value" lines, as the page writes them here */

char *EXPORT(web_text)(void)
{
    return text;
}

const char *EXPORT(web_error)(void)
{
    return web.error.text;
}

/* Cuts `text` into assignments, in place. */
static int read_lines(Assignment *assignments)
{
    int n = 0;
    for (char *line = strtok(text, "\n"); line && n < MOST_SETTINGS; line = strtok(NULL, "\n")) {
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value = '\0';
        assignments[n++] = (Assignment){
            .key = arena_strdup(web.arena, line), .text = arena_strdup(web.arena, value + 1), .file = "switches"};
    }
    return n;
}

static int check_sizes(const LiveShape *shape)
{
    const int fits = shape->n_layers * shape->n_heads <= MOST_HEADS && shape->length <= MOST_LENGTH;
    return fits ? STATUS_OK : error_set(&web.error, STATUS_INPUT, "at most 64 heads and 128 positions can be shown");
}

/* Opens a run with the settings in web_text(). Returns 0, or a status that web_error tells of. */
int EXPORT(web_open)(void)
{
    Assignment assignments[MOST_SETTINGS];
    web.live = live_close(web.live);
    arena_free(web.arena);
    web.arena = arena_new();
    web.error = (Error){{0}};
    const Schema schema = program_schema(web.arena);
    const int n = read_lines(assignments);
    int status = settings_resolve(web.arena, &schema, assignments, n, &web.settings, NULL, &web.error);
    if (status == STATUS_OK)
        status = live_open(&web.settings, &WEB_KERNELS, &web.live, &web.error);
    if (status != STATUS_OK)
        return status;
    const LiveShape shape = live_shape(web.live);
    if ((status = check_sizes(&shape)) != STATUS_OK) {
        web.live = live_close(web.live);
        return status;
    }
    web.sizes = (Sizes){shape.n_layers, shape.n_heads, shape.length, shape.n_groups, (int32_t)shape.n_parameters, {0}};
    memcpy(web.sizes.idle, shape.idle, (size_t)shape.length);
    web.figures = (Figures){.loss = 0};
    return STATUS_OK;
}

/* Up to n steps. Returns 0, or a status where the loss is not finite. */
int EXPORT(web_step)(int n)
{
    int status = STATUS_OK;
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        StepResult result;
        status = live_step(web.live, &result, &web.error);
        if (status == STATUS_OK)
            web.figures.loss = result.loss;
    }
    web.figures.step = (double)live_steps_done(web.live);
    return status;
}

void EXPORT(web_measure)(void)
{
    LiveFigures seen;
    const size_t heads = (size_t)(web.sizes.n_layers * web.sizes.n_heads);
    live_measure(web.live, &seen);
    Figures *figures = &web.figures;
    figures->step = (double)live_steps_done(web.live);
    figures->held_out_loss = seen.loss;
    figures->sink_floor = seen.sink_floor, figures->end_floor = seen.end_floor;
    memcpy(figures->group_losses, seen.group_losses, sizeof figures->group_losses);
    memcpy(figures->sinks, seen.sinks, heads * sizeof(double));
    memcpy(figures->ends, seen.ends, heads * sizeof(double));
    memcpy(figures->drains, seen.drains, heads * sizeof(double));
    memcpy(figures->norms, seen.norms, heads * (size_t)web.sizes.length * sizeof(double));
    web.map = seen.map;
}

const Figures *EXPORT(web_figures)(void)
{
    return &web.figures;
}

const Sizes *EXPORT(web_sizes)(void)
{
    return &web.sizes;
}

const real *EXPORT(web_map)(void)
{
    return web.map;
}

/* The token at a position of the sequence that is shown; the name of a loss group. */
const char *EXPORT(web_token)(int position)
{
    return live_token(web.live, live_shape(web.live).tokens[position]);
}

const char *EXPORT(web_group)(int group)
{
    return live_group(web.live, group);
}
