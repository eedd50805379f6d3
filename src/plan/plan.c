/* The public face of plan/: an experiment file becomes a Plan, a Plan becomes plan.json. */
#include "plan/plan.h"

#include "plan/draft.h"

int plan_load(Arena *arena, const char *path, const char *const *sets, int n_sets, const Program *program,
              Plan *ret_plan, Error *err)
{
    Draft draft = {.arena = arena, .program = program, .err = err};
    Plan plan = {0};
    int status = draft_load(&draft, path);
    if (status == STATUS_OK)
        status = draft_set(&draft, sets, n_sets);
    if (status == STATUS_OK)
        status = sweep_check(&draft);
    if (status == STATUS_OK)
        status = expand(&draft, &plan);
    if (status != STATUS_OK)
        return status;
    plan.file = draft.file;
    plan.name = draft.name;
    plan.title = draft.title;
    plan.claim = draft.claim;
    plan.source = draft.source;
    *ret_plan = plan;
    return STATUS_OK;
}

Plan plan_part(Arena *arena, const Plan *plan, int part, int n_parts)
{
    Plan some = *plan;
    some.runs = ARENA_ARRAY(arena, PlannedRun, plan->n_runs / n_parts + 1);
    some.n_runs = 0;
    for (int64_t r = part - 1; r < plan->n_runs; r += n_parts)
        some.runs[some.n_runs++] = plan->runs[r];
    return some;
}

static void axes_json(const Plan *plan, JsonWriter *json)
{
    json_key(json, "axes");
    json_open_array(json);
    for (int a = 0; a < plan->n_axes; a++) {
        json_open_object(json);
        json_put_string(json, "name", plan->axes[a].name);
        json_put_bool(json, "is_bundle", plan->axes[a].is_bundle);
        json_key(json, "values");
        json_open_array(json);
        for (int v = 0; v < plan->axes[a].n_values; v++)
            json_string(json, plan->axes[a].values[v].label);
        json_close_array(json);
        json_close_object(json);
    }
    json_close_array(json);
}

static void arms_json(const Plan *plan, JsonWriter *json)
{
    json_key(json, "arms");
    json_open_array(json);
    for (int i = 0; i < plan->n_arms; i++) {
        json_open_object(json);
        json_put_string(json, "name", plan->arms[i].name);
        json_key(json, "values");
        json_open_object(json);
        for (int a = 0; a < plan->n_axes; a++)
            json_put_string(json, plan->axes[a].name, plan->axes[a].values[plan->arms[i].choice[a]].label);
        json_close_object(json);
        json_close_object(json);
    }
    json_close_array(json);
}

static void runs_json(const Plan *plan, JsonWriter *json)
{
    json_key(json, "runs");
    json_open_array(json);
    for (int i = 0; i < plan->n_runs; i++) {
        json_open_object(json);
        json_put_string(json, "folder", plan->runs[i].folder);
        json_put_string(json, "id", plan->runs[i].id);
        json_put_number(json, "arm", plan->runs[i].arm);
        json_put_number(json, "seed", (double)plan->runs[i].seed);
        json_close_object(json);
    }
    json_close_array(json);
}

static void claims_json(const Plan *plan, JsonWriter *json)
{
    json_key(json, "claims");
    json_open_array(json);
    for (int i = 0; i < plan->n_claims; i++) {
        json_open_object(json);
        json_put_string(json, "text", plan->claims[i].text);
        json_put_string(json, "that", plan->claims[i].that);
        json_put_string(json, "source", plan->claims[i].source);
        if (plan->claims[i].family[0])
            json_put_string(json, "family", plan->claims[i].family);
        json_put_number(json, "line", plan->claims[i].line);
        json_close_object(json);
    }
    json_close_array(json);
}

void plan_json(const Plan *plan, JsonWriter *json)
{
    json_open_object(json);
    json_put_string(json, "name", plan->name);
    json_put_string(json, "title", plan->title);
    json_put_string(json, "claim", plan->claim);
    json_put_string(json, "source", plan->source);
    axes_json(plan, json);
    arms_json(plan, json);
    json_key(json, "seeds");
    json_open_array(json);
    for (int i = 0; i < plan->n_seeds; i++)
        json_number(json, (double)plan->seeds[i]);
    json_close_array(json);
    runs_json(plan, json);
    claims_json(plan, json);
    if (plan->n_compared > 0) {
        json_key(json, "compared");
        json_open_array(json);
        for (int i = 0; i < plan->n_compared; i++)
            json_string(json, plan->compared[i]);
        json_close_array(json);
    }
    json_key(json, "notes");
    json_open_array(json);
    for (int i = 0; i < plan->n_notes; i++)
        json_string(json, plan->notes[i]);
    json_close_array(json);
    json_close_object(json);
}
