/* Models that have a home in Hugging Face's architectures: at least one of each, and of what each can be told. */
#ifndef REFFRAME_TESTS_HUB_CASES_H
#define REFFRAME_TESTS_HUB_CASES_H

#include "../model/support.h"
#include "hub/hub.h"

typedef struct {
    const char *name, *architecture;
    const char *lines; /* behind those that all have: "key=value" */
} Case;

extern const Case cases[];
extern const int n_cases;

enum { CASE_VOCAB = 11, CASE_LENGTH = 12, CASE_SEED = 7 };
#define CASE_STD 0.2

/* The model of a case, every weight moved from where it begins; and ids for it, among them every one. */
Built build_case(const Case *c);
extern const int32_t case_ids[CASE_LENGTH];

/* Its logits, (CASE_LENGTH, CASE_VOCAB). */
void case_logits(const Built *built, real *ret_logits);

#endif
