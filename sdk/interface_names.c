/* Looks labels up in the tables of names. */
#include "ferrous/interface_names.h"

#include "lib/format.h"

static u32 interface_number(u32 label)
{
    return label >> 16;
}

static u32 method_number(u32 label)
{
    return label & 0xffff;
}

const struct interface_names *interface_of_label(const struct interface_names *const *table,
                                                 u32 label)
{
    for (; *table != NULL; table++) {
        if ((*table)->number == interface_number(label))
            return *table;
    }
    return NULL;
}

const struct interface_method *method_of_label(const struct interface_names *const *table,
                                               u32 label)
{
    const struct interface_names *names = interface_of_label(table, label);

    for (size_t i = 0; names != NULL && i < names->method_count; i++) {
        if (names->methods[i].number == method_number(label))
            return &names->methods[i];
    }
    return NULL;
}

size_t label_format(char *text, size_t size, const struct interface_names *const *table, u32 label)
{
    const struct interface_names *names = interface_of_label(table, label);
    const struct interface_method *method = method_of_label(table, label);

    if (method != NULL)
        return format_to(text, size, "%s.%s", names->name, method->name);
    if (names != NULL)
        return format_to(text, size, "%s.#%u", names->name, method_number(label));
    return format_to(text, size, "#%u.%u", interface_number(label), method_number(label));
}
