/* See figures.h. */
#include "report/figures.h"

#include "base/file.h"

const Figure figures[FIGURE_COUNT] = {
    [FIGURE_LABELS] = {"labels", figure_labels},
    [FIGURE_EARLY] = {"early", figure_early},
};

int figure_write(const Report *report, int figure, const char *path, Error *err)
{
    Text svg = {0};
    figures[figure].draw(report, &svg);
    const int status = file_write(path, svg.data, svg.size, err);
    text_free(&svg);
    return status;
}
