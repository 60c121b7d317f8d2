/* Looks up offsets (hexadecimal, one a line on standard input) in a table of symbols, with the
 * kernel's own reader. Prints for each: NAME OFFSET FILE LINE, or "?" where there is nothing. For
 * tools/checks/symbols.py. */
#include "core/symbols.h"

#include <stdio.h>
#include <stdlib.h>

static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    size_t capacity = 16u << 20;
    void *data = malloc(capacity);
    if (data)
        *size = fread(data, 1, capacity, file);
    fclose(file);
    return data;
}

int main(int count, char **arguments)
{
    size_t size = 0;
    void *table = count == 2 ? read_file(arguments[1], &size) : NULL;
    if (!table) {
        fprintf(stderr, "usage: symbol_lookup TABLE < OFFSETS\n");
        return 2;
    }
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        struct symbol symbol;
        if (symbol_table_find(table, size, strtoull(line, NULL, 16), &symbol))
            printf("%s %llu %s %u\n", symbol.name, (unsigned long long)symbol.offset,
                   *symbol.file ? symbol.file : "?", symbol.line);
        else
            printf("?\n");
    }
    free(table);
    return 0;
}
