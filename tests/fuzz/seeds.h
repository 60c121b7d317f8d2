/*
 * Corpus: a fuzzer started with `--write-seeds FOLDER` writes its valid samples there and ends. The
 * corpus in tests/fuzz/corpus was made so.
 */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include "lib/string.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerInitialize(int *argument_count, char ***arguments);

static inline void seed_write(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

/* Defines LLVMFuzzerInitialize, which calls write_seeds(folder) when asked to. */
#define SEEDS_WRITTEN_BY(write_seeds)                                                              \
    int LLVMFuzzerInitialize(int *argument_count, char ***arguments)                               \
    {                                                                                              \
        if (*argument_count == 3 && string_equal((*arguments)[1], "--write-seeds")) {              \
            write_seeds((*arguments)[2]);                                                          \
            exit(0);                                                                               \
        }                                                                                          \
        return 0;                                                                                  \
    }

/* Ends the run as a finding. */
static inline void fuzz_require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

#endif
