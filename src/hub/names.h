/* What the files of an export are called, and the member of config.json that tells it from others'. */
#ifndef REFFRAME_HUB_NAMES_H
#define REFFRAME_HUB_NAMES_H

#define HUB_CONFIG           "config.json"
#define HUB_WEIGHTS          "model.safetensors"
#define HUB_INDEX            "model.safetensors.index.json"
#define HUB_TOKENIZER        "tokenizer.json"
#define HUB_TOKENIZER_CONFIG "tokenizer_config.json"
#define HUB_ORIGIN           "refframe"

static const char *const hub_names[] = {HUB_CONFIG, HUB_WEIGHTS, HUB_TOKENIZER, HUB_TOKENIZER_CONFIG};
enum { n_hub_names = sizeof hub_names / sizeof *hub_names };

#endif
