/* The declared thresholds of the classifier, each with its reason, and the names of its labels.
 *
 * Whoever changes a value raises FRAME_RULES. [low, high] is not a belief: tests/frame moves each threshold over it,
 * the others fixed, and holds the classifier to its planted maps.
 */
#include "frame/frame.h"

#include <string.h>

const FrameRule frame_rules[RULE_COUNT] = {
    [RULE_AFAR] = {"afar", 0.25, 0.125, 0.375,
                   "an anchor is what a sequence turns to, not a word its neighbours look back at: only attention from "
                   "a quarter of the sequence away counts, further than a local head with a taste for some tokens "
                   "reaches"},
    [RULE_ANCHOR_LEAST] = {"anchor_least", 0.1, 0.07, 0.14,
                           "an anchor draws at least a tenth of the average query's attention, so that a handful of "
                           "anchors exhausts it"},
    [RULE_ANCHOR_RATIO] = {"anchor_ratio", 3, 2, 4.5,
                           "and three times what uniform or position-only attention would put there: ALiBi and short "
                           "prefixes favour keys without anyone having learnt it"},
    [RULE_ANCHOR_QUERIES] = {"anchor_queries", 8, 4, 12,
                             "a mean over fewer queries is noise: one of them that looks there alone gives 0.125"},
    [RULE_ANCHOR_LATER] = {"anchor_later", 0.25, 0.1, 0.4,
                           "and those from afar must be a fair share of the sequence, not its last words"},
    [RULE_PRESENT] = {"present", 0.5, 0.2, 0.8, "a head has a frame if most of its sequences have an anchor"},
    [RULE_PAIR] = {"pair", 0.6, 0.5, 0.8,
                   "start and end together hold most of the excess: as much as one place must hold alone"},
    [RULE_PAIR_SIDE] = {"pair_side", 0.2, 0.1, 0.3,
                        "each side holds a third of that, or one of them is a side show of the other"},
    [RULE_ONE] = {"one", 0.6, 0.58, 0.75,
                  "one anchor holds most of the excess: more than half, with a margin for two equal ones that noise "
                  "tips (a pair may be led by 0.55), and one and a half times all others together"},
    [RULE_TWO] =
        {"two", 0.8, 0.72, 0.9,
         "two anchors hold nearly all of the excess: two of three equal ones hold 0.67, two alone all of it; a "
         "third may have a quarter of what they have"},
    [RULE_TWO_SIDE] = {"two_side", 0.2, 0.1, 0.3, "and the lesser is no side show, as with a start and an end"},
    [RULE_MANY] = {"many", 2.5, 2.1, 2.9,
                   "three or more anchors share: equal shares give 3, two anchors at most 2; half-way between"},
};

static const char *const names[FRAME_COUNT] = {
    [FRAME_NONE] = "none",
    [FRAME_CENTRALIZED] = "centralized",
    [FRAME_DISTRIBUTED] = "distributed",
    [FRAME_BIDIRECTIONAL] = "bidirectional",
    [FRAME_DUAL] = "dual",
    [FRAME_OTHER] = "other",
};

const char *frame_name(FrameType type)
{
    return (unsigned)type < FRAME_COUNT ? names[type] : "not available";
}

int frame_by_name(const char *name)
{
    for (int type = 0; type < FRAME_COUNT; type++)
        if (strcmp(names[type], name) == 0)
            return type;
    return -1;
}

void frame_rules_json(JsonWriter *json)
{
    json_open_object(json);
    json_put_number(json, "version", FRAME_RULES);
    json_key(json, "rules");
    json_open_array(json);
    for (int r = 0; r < RULE_COUNT; r++) {
        json_open_object(json);
        json_put_string(json, "name", frame_rules[r].name);
        json_put_number(json, "value", frame_rules[r].value);
        json_put_number(json, "low", frame_rules[r].low);
        json_put_number(json, "high", frame_rules[r].high);
        json_put_string(json, "reason", frame_rules[r].reason);
        json_close_object(json);
    }
    json_close_array(json);
    json_close_object(json);
}
