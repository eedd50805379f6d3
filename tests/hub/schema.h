/* The program's schema as far as a model that is read back goes. */
#ifndef REFFRAME_TESTS_HUB_SCHEMA_H
#define REFFRAME_TESTS_HUB_SCHEMA_H

#include "base/schema.h"

Schema hub_schema(Arena *arena);

#endif
