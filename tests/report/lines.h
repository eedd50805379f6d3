/* Lines of fixtures/statistics.txt: a kind, then lists of numbers (and, in the first, words) with "/" between them. */
#ifndef REFFRAME_TESTS_LINES_H
#define REFFRAME_TESTS_LINES_H

enum { LINE_LISTS = 3, LINE_VALUES = 128 };

typedef struct {
    int n[LINE_LISTS]; /* numbers in each list */
    double values[LINE_LISTS][LINE_VALUES];
    char words[2][16];
    int n_words;
} Line;

/* Calls `hold` on every line of a kind; returns how many there were. */
int for_each_line(const char *kind, void (*hold)(const Line *line));

#endif
