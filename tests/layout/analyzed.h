/* Read before each source by long_analyzers.py: what a function of another file returns, for analyzers that see one
 * file at a time. Without it each `return error_set(...)` is a path on which a function has failed and says that it has
 * not. */
#include "base/settings.h"
#include "base/status.h"
#include "plan/tools.h"

#define error_set(err, status, ...)    ((error_set)(err, status, __VA_ARGS__), (status))
#define plan_refuse(...)               ((plan_refuse)(__VA_ARGS__), STATUS_INPUT)
#define settings_error(...)            ((settings_error)(__VA_ARGS__), STATUS_INPUT)
#define error_prefix(err, status, ...) ((error_prefix)(err, status, __VA_ARGS__), (status))
