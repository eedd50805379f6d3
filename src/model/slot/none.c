/* No slots: a head attends to positions alone. */
#include "model/slot/slot.h"

const Slot slot_none = {
    .variant = {.name = "none", .summary = "heads attend to positions alone", .source = "-"},
};
