/* See results.h. Sizes: N 2 sequences, L 1 layer, H 2 heads, T 16 positions, V 5 tokens, G 1 loss group. */
#include "results.h"

#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "report/document.h"
#include "report/report.h"
#include "store/npz.h"
#include "tools.h"

enum { SNAPSHOT_0, SNAPSHOT_1, BASELINES, N_FILES, T = 16, N_TYPES = NPY_STRING + 1, MOST_ITEMS = 8192 };

static const char *const files[N_FILES] = {"step-00000000.npz", "step-00000008.npz", "baselines.npz"};

#define MANIFEST                                                                                                       \
    "{\"status\": \"finished\", \"reason\": \"\", \"id\": \"1\", \"version\": \"\", \"numerics_version\": 2, "         \
    "\"compiler\": \"\", \"cpu\": \"\", \"kernels\": \"\", \"kernels_note\": \"\", \"seed\": 1, \"threads\": 1, "      \
    "\"lanes\": 1, \"input_sha256\": \"\", \"step\": 8, \"steps\": 8, \"tokens\": 256, \"targets\": 256, "             \
    "\"n_parameters\": 9, \"newline_share\": null, \"oracle_loss\": 1, \"oracle_loss_measured\": 1, "                  \
    "\"final_loss\": 2, \"wall_seconds\": 1, \"measure_seconds\": 1, \"started\": \"\", \"ended\": \"\", "             \
    "\"n_resumes\": 0, \"files\": {}}"

typedef struct {
    const char *name;
    NpyType type;
    int n_dims;
    int64_t shape[NPY_MAX_DIMS];
    int in_baselines, is_absent; /* is_absent: only a change brings it */
} Member;

static const Member members[] = {
    {"importance", NPY_FLOAT32, 4, {2, 1, 2, T}, 0, 0},
    {"importance_half", NPY_FLOAT32, 4, {2, 1, 2, T / 2}, 0, 0},
    {"importance_afar", NPY_FLOAT32, 5, {2, 1, 2, 4, T}, 0, 0},
    {"importance_afar_half", NPY_FLOAT32, 5, {2, 1, 2, 4, T / 2}, 0, 0},
    {"held_out_loss", NPY_FLOAT64, 1, {2}, 0, 0},
    {"tokens", NPY_INT32, 2, {2, T}, 0, 0},
    {"tokens_half", NPY_INT32, 2, {2, T / 2}, 0, 0},
    {"tokens_seen", NPY_INT64, 1, {1}, 0, 0},
    {"targets_seen", NPY_INT64, 1, {1}, 0, 0},
    {"loss_groups", NPY_STRING, 1, {1}, 0, 0},
    {"token_strings", NPY_STRING, 1, {5}, 0, 0},
    {"visible", NPY_INT32, 3, {T, 2, 2}, 0, 0},
    {"visible_half", NPY_INT32, 3, {T / 2, 2, 2}, 0, 0},
    {"rows_sum_to_one", NPY_INT32, 1, {1}, 0, 0},
    {"map_mean", NPY_FLOAT32, 4, {1, 2, T, T}, 0, 0},
    {"map", NPY_FLOAT32, 5, {1, 1, 2, T, T}, 0, 0},
    {"sink_mass", NPY_FLOAT64, 3, {3, 1, 2}, 0, 0},
    {"sd/sink_mass", NPY_FLOAT64, 3, {3, 1, 2}, 0, 0},
    {"n/sink_mass", NPY_INT32, 3, {3, 1, 2}, 0, 0},
    {"rank", NPY_FLOAT64, 2, {3, 1}, 0, 0},
    {"gap", NPY_FLOAT64, 1, {3}, 0, 0},
    {"step", NPY_INT64, 1, {1}, 0, 1},
    {"loss_is_squared_error", NPY_INT32, 1, {1}, 0, 1},
    {"lengths", NPY_INT32, 1, {2}, 0, 1},
    {"visible_each", NPY_INT32, 4, {2, T, 2, 2}, 0, 1},
    {"corrupted/sink_mass", NPY_FLOAT64, 3, {3, 1, 2}, 0, 1},
    {"uniform/importance", NPY_FLOAT32, 3, {1, 2, T}, 1, 0},
    {"uniform/importance_half", NPY_FLOAT32, 3, {1, 2, T / 2}, 1, 0},
    {"uniform/importance_afar", NPY_FLOAT32, 4, {1, 2, 4, T}, 1, 0},
    {"uniform/importance_afar_half", NPY_FLOAT32, 4, {1, 2, 4, T / 2}, 1, 0},
    {"position/importance", NPY_FLOAT32, 3, {1, 2, T}, 1, 0},
    {"uniform/sink_mass", NPY_FLOAT64, 2, {1, 2}, 1, 0},
    {"position/sink_mass", NPY_FLOAT64, 2, {1, 2}, 1, 0},
    {"uniform/rank", NPY_FLOAT64, 1, {1}, 1, 0},
    {"uniform/gap", NPY_FLOAT64, 0, {0}, 1, 0},
};
enum { N_MEMBERS = sizeof members / sizeof *members };

/* What a change makes of a member. */
typedef struct {
    int is_dropped, is_changed, n_pattern;
    Member member;
    unsigned char pattern[16]; /* its bytes, again and again; n_pattern 0: as they should be */
} Change;

static size_t item_bytes(NpyType type)
{
    static const size_t bytes[N_TYPES] = {[NPY_FLOAT16] = 2, [NPY_FLOAT32] = 4, [NPY_FLOAT64] = 8, [NPY_INT32] = 4,
                                          [NPY_INT64] = 8,   [NPY_UINT8] = 1,   [NPY_BOOL] = 1,    [NPY_STRING] = 4};
    return bytes[type];
}

/* No further than is of interest: beyond MOST_ITEMS it is not exact. */
static size_t n_items(const Member *member)
{
    size_t n = 1;
    for (int d = 0; d < member->n_dims; d++)
        n *= member->shape[d] == 0 || n <= MOST_ITEMS ? (size_t)member->shape[d] : 1;
    return n;
}

/* A size: most bytes mean themselves, the last ones what is at the end of a range. */
static int64_t take_size(FuzzParts *parts)
{
    static const int64_t ends[] = {256,
                                   257,
                                   1024,
                                   1025,
                                   16384,
                                   16385,
                                   65536,
                                   65537,
                                   INT32_MAX,
                                   INT64_C(1) << 31,
                                   INT64_C(1) << 32,
                                   INT64_C(1) << 40};
    enum { N_ENDS = sizeof ends / sizeof *ends };
    const int byte = fuzz_byte(parts);
    return byte < 256 - N_ENDS ? byte : ends[byte - (256 - N_ENDS)];
}

/* Each record: file, member, what is done; for another shape type, axes, sizes; the length of the pattern and itself.
 */
static void take_changes(FuzzParts *parts, Change changes[N_FILES][N_MEMBERS])
{
    while (parts && parts->at < parts->end) {
        const int file = fuzz_byte(parts) % N_FILES, m = fuzz_byte(parts) % N_MEMBERS, what = fuzz_byte(parts) % 3;
        Change *change = &changes[file][m];
        *change = (Change){.is_dropped = what == 0, .is_changed = 1, .member = members[m]};
        if (what == 0)
            continue;
        if (what == 1) {
            change->member.type = (NpyType)(fuzz_byte(parts) % N_TYPES);
            change->member.n_dims = fuzz_byte(parts) % (NPY_MAX_DIMS + 1);
            for (int d = 0; d < change->member.n_dims; d++)
                change->member.shape[d] = take_size(parts);
            if (n_items(&change->member) > MOST_ITEMS) /* the file would be as long */
                change->member.shape[0] = 0;
        }
        change->n_pattern = fuzz_byte(parts) % (int)(sizeof change->pattern + 1);
        for (int i = 0; i < change->n_pattern; i++)
            change->pattern[i] = (unsigned char)fuzz_byte(parts);
    }
}

/* ---- content ---- */

/* A causal mask's ranges, [0, i + 1) and none; lengths that differ; else ids. */
static int32_t whole_of(const Member *member, size_t i)
{
    if (strncmp(member->name, "visible", strlen("visible")) == 0)
        return i % 4 == 0 ? 0 : (int32_t)(i / 4 % T + 1);
    return strcmp(member->name, "lengths") == 0 ? T - (int32_t)i : (int32_t)(i % 5);
}

/* Something that may be there: shares, most of them on the first of each 16, whole numbers, letters. */
static void fill(const Member *member, size_t n, unsigned char *ret_data)
{
    for (size_t i = 0; i < n; i++) {
        const double share = (i % T == 0 ? 0.9 : 0.02) + 0.001 * (double)(i % 7);
        if (member->type == NPY_FLOAT32)
            memcpy(ret_data + 4 * i, &(float){(float)share}, 4);
        else if (member->type == NPY_FLOAT64)
            memcpy(ret_data + 8 * i, &share, 8);
        else if (member->type == NPY_INT32)
            memcpy(ret_data + 4 * i, &(int32_t){whole_of(member, i)}, 4);
        else if (member->type == NPY_STRING)
            ret_data[4 * i] = (unsigned char)('a' + i % 26);
        else
            ret_data[item_bytes(member->type) * i] = 1;
    }
}

static void add_member(Arena *arena, NpzWriter *npz, const Change *change, const Member *original)
{
    const Member *member = change->is_changed ? &change->member : original;
    const size_t n = n_items(member), n_bytes = n * item_bytes(member->type);
    unsigned char *data = arena_alloc(arena, n_bytes + 1);
    fill(member, n, data);
    for (size_t i = 0; i < n_bytes && change->n_pattern; i++)
        data[i] = change->pattern[i % (size_t)change->n_pattern];
    if (member->type != NPY_STRING) {
        npz_add(npz, member->name, member->type, member->n_dims, member->shape, data);
        return;
    }
    const char **strings = ARENA_ARRAY(arena, const char *, n); /* the writer's strings have one axis */
    for (size_t i = 0; i < n; i++)
        strings[i] = arena_strndup(arena, (const char *)data + 4 * i, 4);
    npz_add_strings(npz, member->name, (int64_t)n, strings);
}

void results_write_run(const char *name, FuzzParts *parts)
{
    static Change changes[N_FILES][N_MEMBERS];
    char path[128];
    memset(changes, 0, sizeof changes);
    take_changes(parts, changes);
    snprintf(path, sizeof path, "results/%s/manifest.json", name);
    fuzz_file(path, MANIFEST, strlen(MANIFEST));
    for (int f = 0; f < N_FILES; f++) {
        Arena *arena = arena_new();
        NpzWriter *npz = npz_new(arena);
        for (int m = 0; m < N_MEMBERS; m++) {
            const Change *change = &changes[f][m];
            if (members[m].in_baselines == (f == BASELINES) && !change->is_dropped &&
                (!members[m].is_absent || change->is_changed))
                add_member(arena, npz, change, &members[m]);
        }
        snprintf(path, sizeof path, "results/%s/snapshots/%s", name, files[f]);
        assert(npz_write(npz, fuzz_file(path, "", 0), NULL) == STATUS_OK);
        arena_free(arena);
    }
}

/* ---- what is made of it ---- */

const char *results_write_plan(const char *plan, const char *metrics)
{
    static char folder[4096];
    snprintf(folder, sizeof folder, "%s/results", fuzz_folder());
    fuzz_file("results/plan.json", plan, strlen(plan));
    fuzz_file("results/metrics.json", metrics, strlen(metrics));
    return folder;
}

static void check_document(Arena *arena, const Report *report)
{
    Text text = {0};
    JsonWriter json;
    Json *document;
    Error err;
    json_start(&json, &text, 0);
    assert(document_json(report, &json, &err) == STATUS_OK);
    assert(json_parse(arena, "document", text_string(&text), text.size, &document, &err) == STATUS_OK);
    text_free(&text);
}

static void check_terminal(Report *report)
{
    Text text = {0};
    report_terminal(report, 100, 0, &text);
    for (char *line = text.data, *end; line && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        assert(text_is_visible(line));
    }
    text_free(&text);
}

/* Every table and document that the exports wrote. */
static void check_files(Arena *arena, const char *folder)
{
    char **names, *bytes;
    size_t n_bytes;
    int n;
    Table *table;
    Json *json;
    Error err;
    assert(file_list(arena, folder, &names, &n, &err) == STATUS_OK);
    for (int i = 0; i < n; i++) {
        const char *path = file_join(arena, folder, names[i]), *end = strrchr(names[i], '.');
        const int is_csv = end && strcmp(end, ".csv") == 0, is_json = end && strcmp(end, ".json") == 0;
        assert(!strstr(names[i], ".tmp-"));
        if (is_csv || is_json)
            assert(file_read(arena, path, &bytes, &n_bytes, &err) == STATUS_OK);
        assert(!is_csv || table_from_csv(arena, path, bytes, &table, &err) == STATUS_OK);
        assert(!is_json || json_parse(arena, path, bytes, n_bytes, &json, &err) == STATUS_OK);
    }
}

/* Whether a run of that name was read. */
static int is_there(const Report *report, const char *name)
{
    for (int r = 0; r < report->n_runs; r++)
        if (strcmp(report->runs[r].folder, name) == 0)
            return report->runs[r].n_snapshots == 2;
    return 0;
}

void results_report(const char *folder, const char *whole)
{
    static const char *const on_request[] = {"geometry", "heads"};
    Arena *arena = arena_new();
    Report *report;
    Error err;
    FUZZ_MARK(report);
    if (fuzz_is_read(report_collect(arena, folder, &report, &err), &err)) {
        const int status = report_unreadable(report, &err);
        assert(status == STATUS_OK || (status == STATUS_FAILED && text_is_visible(err.text)));
        assert(!whole || is_there(report, whole));
        check_document(arena, report);
        check_terminal(report);
        assert(report_write(report, NULL, folder, on_request, 2, &err) == STATUS_OK);
        check_files(arena, folder);
    } else {
        FUZZ_UNTOUCHED(report);
    }
    arena_free(arena);
}
