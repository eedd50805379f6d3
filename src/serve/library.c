/* See library.h. */
#include "serve/library.h"

#ifdef REFFRAME_MICROHTTPD

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

/* Of all versions from 0.9.50 to 1.0. */
static const char file[] = "libmicrohttpd.so.12";

int library_load(Library *ret_library, Error *err)
{
#define LIBRARY_ROW(name) {"MHD_" #name, offsetof(Library, name)},
    static const struct {
        const char *name;
        size_t offset;
    } functions[] = {LIBRARY_FUNCTIONS(LIBRARY_ROW)};
    Library library = {NULL};
    void *loaded = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!loaded)
        return library_missing(dlerror(), err);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(loaded, functions[i].name);
        if (!function) {
            const int status = library_missing(dlerror(), err);
            dlclose(loaded);
            return status;
        }
        memcpy((char *)&library + functions[i].offset, &function, sizeof function);
    }
    *ret_library = library;
    return STATUS_OK;
}

#endif

int library_missing(const char *reason, Error *err)
{
    if (reason)
        return error_set(err, STATUS_FAILED,
                         "refframe serve: libmicrohttpd cannot be loaded (Debian: libmicrohttpd12): %s", reason);
    return error_set(err, STATUS_FAILED,
                     "refframe serve: this program was built without libmicrohttpd; install it (Debian: "
                     "libmicrohttpd-dev), then meson setup --reconfigure build && make");
}
