/* The page's module as a program: settings on standard input, "key=value" lines; on standard output a line of JSON for
 * step 0 and each of the N that follow, with every figure. Its kernels round as the page's do. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "web/web.h"

static void print_numbers(const char *name, const double *values, int n)
{
    printf("\"%s\": [", name);
    for (int i = 0; i < n; i++)
        isfinite(values[i]) ? printf("%s%.17g", i ? ", " : "", values[i]) : printf("%snull", i ? ", " : "");
    printf("], ");
}

int main(int argc, char **argv)
{
    const int n_steps = argc > 1 ? atoi(argv[1]) : 50;
    char *text = web_text();
    text[fread(text, 1, (1 << 14) - 1, stdin)] = '\0';
    if (web_open() != STATUS_OK) {
        fprintf(stderr, "%s\n", web_error());
        return 2;
    }
    const Sizes *sizes = web_sizes();
    const int heads = sizes->n_layers * sizes->n_heads;
    for (int step = 0; step <= n_steps; step++) {
        if (step > 0 && web_step(1) != STATUS_OK) {
            fprintf(stderr, "%s\n", web_error());
            return 1;
        }
        web_measure();
        const Figures *figures = web_figures();
        printf("{");
        print_numbers("losses", (double[]){figures->loss, figures->held_out_loss}, 2);
        print_numbers("sinks", figures->sinks, heads);
        print_numbers("ends", figures->ends, heads);
        print_numbers("drains", figures->drains, heads);
        print_numbers("norms", figures->norms, heads * sizes->length);
        printf("\"step\": %.0f}\n", figures->step);
    }
    return 0;
}
