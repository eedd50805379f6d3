/* Ids and names of runs.
 *
 *   id = first 12 hex digits of SHA-256({"inputs":HASH,"numerics_version":N,"settings":{...}})
 *
 * as canonical JSON: keys sorted, no spaces, shortest numbers. Settings that decide no result stay out: checkpoints,
 * where input files lie (their contents count, as HASH), and whatever is outside the groups below. A key of a later
 * version is left out while it stands for what the program did before it existed, so old results keep their ids.
 */
#include <string.h>

#include "base/axis.h"
#include "base/sha256.h"
#include "plan/draft.h"

static const char *const counted[] = {"model.", "objective.", "data.", "train.", "snapshot.", "measure.", "numerics."};
static const char *const not_counted[] = {"data.source.files", "model.init.from", "train.threads"};

/* A key added after a release goes here with the value that means "as before". */
const LaterKey id_later_keys[] = {
    {"model.position.fraction", "1"},
    {"model.position.scaling", "none"},
    {"model.position.scaling_factor", "8"},
    {"model.position.original_length", "8192"},
    {"model.position.low_freq_factor", "1"},
    {"model.position.high_freq_factor", "4"},
    {"model.position.skip_every", "0"},
    {"model.norm_placement", "pre"},
    {"model.qk_norm", "false"},
    {"model.input", "embedding"},
    {"model.output", "linear"},
    {"model.score.scale", "head"},
    {"model.score.temperature", "1"},
    {"model.score.softcap", "0"},
    {"model.n_kv_heads", "0"},
    {"model.gate.kind", "none"},
    {"model.slot.kind", "none"},
    {"data.first", "bos"},
    {"data.first_at", "0"},
    {"data.separator", "never"},
    {"data.lengths.kind", "full"},
    {"data.lengths.least", "8"},
    {"data.unique_tokens", "0"},
    {"model.mlp", "true"},
    {"model.attention_residual", "true"},
    {"model.parallel_residual", "false"},
    {"model.embedding_norm", "false"},
    {"model.token_type", "false"},
    {"model.token_types", "0"},
    {"model.head_layers", "1"},
    {"model.bias_q", "auto"},
    {"model.bias_k", "auto"},
    {"model.bias_v", "auto"},
    {"model.bias_out", "auto"},
    {"model.bias_mlp", "auto"},
    {"model.bias_head", "auto"},
    {"model.init.q_std", "0"},
    {"model.init.k_std", "0"},
    {"model.init.v_std", "0"},
    {"model.init.out_std", "0"},
    {"model.init.up_std", "0"},
    {"model.init.down_std", "0"},
    {"model.init.bias", "zero"},
    {"train.data_seed", "0"},
    {"train.init_seed", "0"},
    {"train.decay.embedding", "auto"},
    {"train.decay.attention", "auto"},
    {"train.decay.mlp", "auto"},
    {"train.decay.head", "auto"},
    {"train.decay.norm", "auto"},
    {"train.decay.bias", "auto"},
    {"measure.targets", "false"},
    {"measure.habits.every", "1"},
    {"measure.habits.sequences", "0"},
    {"measure.norms.every", "1"},
    {"measure.norms.sequences", "0"},
    {"measure.peak.every", "8"},
    {"measure.peak.sequences", "8"},
    {"measure.slots.every", "1"},
    {"measure.slots.sequences", "0"},
    {"measure.interventions.every", "0"},
    {"measure.interventions.sequences", "8"},
    {"measure.interventions.place", "0"},
    {"measure.interventions.layer", "0"},
    {"numerics.engine", "exact"},
    {NULL, NULL},
};

int id_counts_key(const char *key)
{
    for (size_t i = 0; i < sizeof not_counted / sizeof *not_counted; i++)
        if (strcmp(key, not_counted[i]) == 0)
            return 0;
    for (size_t i = 0; i < sizeof counted / sizeof *counted; i++)
        if (strncmp(key, counted[i], strlen(counted[i])) == 0)
            return 1;
    return strcmp(key, "seed") == 0;
}

static int is_as_before(const Setting *setting, const LaterKey *later_keys)
{
    for (; later_keys->key; later_keys++)
        if (strcmp(later_keys->key, setting->key) == 0)
            return strcmp(later_keys->introductory, setting->text) == 0;
    return 0;
}

/* Whether weights or sequences are told to have the seed that they have anyway. */
static int is_own_seed(const Settings *settings, const Setting *setting)
{
    const Setting *seed = settings_find(settings, "seed");
    return (strcmp(setting->key, "train.data_seed") == 0 || strcmp(setting->key, "train.init_seed") == 0) && seed &&
           strcmp(setting->text, seed->text) == 0;
}

void id_json(const Settings *settings, const char *input_hash, int numerics_version, const LaterKey *later_keys,
             Text *ret_text)
{
    Arena *arena = arena_new();
    Settings kept = {ARENA_ARRAY(arena, Setting, settings->n_items + 1), 0};
    for (int i = 0; i < settings->n_items; i++)
        if (id_counts_key(settings->items[i].key) && !is_as_before(&settings->items[i], later_keys) &&
            !is_own_seed(settings, &settings->items[i]))
            kept.items[kept.n_items++] = settings->items[i];
    text_addf(ret_text, "{\"inputs\":\"%s\",\"numerics_version\":%d,\"settings\":", input_hash, numerics_version);
    settings_canonical_json(&kept, ret_text);
    text_add(ret_text, "}");
    arena_free(arena);
}

void plan_run_id(const Settings *settings, const char *input_hash, int numerics_version, char ret_id[13])
{
    Text text = {0};
    char hex[65];
    id_json(settings, input_hash, numerics_version, id_later_keys, &text);
    sha256_hex(text_string(&text), text.size, hex);
    memcpy(ret_id, hex, 12);
    ret_id[12] = '\0';
    text_free(&text);
}

/* What a folder can be called by, "_" for the rest. */
static void add_name(Text *text, const char *words)
{
    static const char kept[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    for (const char *c = words; *c; c++)
        text_add_bytes(text, strchr(kept, *c) ? c : "_", 1);
}

static const AxisWords *words_of(Arena *arena, const Axis *axes, int n_axes)
{
    AxisWords *words = ARENA_ARRAY(arena, AxisWords, n_axes + 1);
    for (int a = 0; a < n_axes; a++) {
        const int n = axes[a].n_values;
        words[a] = (AxisWords){axes[a].name, ARENA_ARRAY(arena, const char *, n + 1), n};
        for (int v = 0; v < n; v++)
            words[a].values[v] = axes[a].values[v].label;
    }
    return words;
}

const char *arm_name(Arena *arena, const Axis *axes, int n_axes, const int *choice)
{
    enum { NAME_BYTES_MAX = 80 };
    if (n_axes == 0)
        return "all";
    const AxisWords *words = words_of(arena, axes, n_axes);
    Text text = {0};
    for (int a = 0; a < n_axes; a++) {
        const char *label = words[a].values[choice[a]];
        if (a)
            text_add(&text, "-");
        if (axis_value_needs_name(words, n_axes, a, label)) {
            add_name(&text, axis_short_name(arena, words[a].name));
            text_add(&text, "_");
        }
        add_name(&text, label);
    }
    char *name = arena_strndup(arena, text_string(&text), text.size < NAME_BYTES_MAX ? text.size : NAME_BYTES_MAX);
    if (name[0] == '.' || name[0] == '-') /* a folder that is neither hidden nor an option */
        name[0] = '_';
    text_free(&text);
    return name;
}
