/* No gate. */
#include "model/gate/gate.h"

const Gate gate_none = {
    .variant = {.name = "none", .summary = "heads write what they read", .source = "-"},
};
