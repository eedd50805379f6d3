/* See lines.h. */
#include "lines.h"

#include "testing.h"

#include "base/text.h"

static void parse(char *text, Line *ret_line)
{
    Line line = {0};
    int list = 0;
    for (char *word = strtok(text, " \n"); word; word = strtok(NULL, " \n")) {
        double value;
        if (strcmp(word, "/") == 0) {
            list++;
            assert_true(list < LINE_LISTS);
        } else if (text_parse_double(word, &value) == 0) {
            assert_true(line.n[list] < LINE_VALUES);
            line.values[list][line.n[list]++] = value;
        } else {
            assert_true(line.n_words < 2);
            snprintf(line.words[line.n_words++], sizeof *line.words, "%s", word);
        }
    }
    *ret_line = line;
}

int for_each_line(const char *kind, void (*hold)(const Line *line))
{
    static char text[8192];
    static Line line;
    const size_t n = strlen(kind);
    int n_held = 0;
    FILE *file = fopen(FIXTURES "/statistics.txt", "r");
    assert_non_null(file);
    while (fgets(text, sizeof text, file)) {
        assert_non_null(strchr(text, '\n'));
        if (strncmp(text, kind, n) != 0 || text[n] != ' ')
            continue;
        parse(text + n + 1, &line);
        hold(&line);
        n_held++;
    }
    fclose(file);
    return n_held;
}
