/* The post_processor of tokenizer.json, as far as ids go: tokens in front of a text, and behind it. */
#ifndef REFFRAME_HUB_TOKENIZE_POST_H
#define REFFRAME_HUB_TOKENIZE_POST_H

#include "hub/tokenize/words.h"

enum { POST_MOST = 64 };

typedef struct {
    int32_t front[POST_MOST], back[POST_MOST];
    int n_front, n_back;
} Frames;

int post_read(Arena *arena, const char *path, const Json *json, Frames *ret_frames, Error *err);

#endif
