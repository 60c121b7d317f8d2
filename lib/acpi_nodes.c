/*
 * SRAT and SLIT: which processors and memory are near each other; see acpi.h.
 *
 * Proximity domains are any 32-bit numbers; a first pass collects those in use, sorted, and a
 * second pass turns them into node numbers, so that node 0 is the lowest domain whatever the order
 * of entries.
 */
#include "lib/acpi_internal.h"

#include "lib/checked_math.h"

#define SRAT_BYTES 48u
#define SLIT_BYTES 44u

#define SRAT_CPU     0u
#define SRAT_MEMORY  1u
#define SRAT_X2APIC  2u
#define SRAT_ENABLED 1u

#define SLIT_LOCAL 10u

/* One entry that is in use. */
struct affinity_entry {
    u8 type;
    u32 domain;
    u32 apic_id;
    u64 start;
    u64 end;
};

static u32 srat_entry_bytes(u8 type)
{
    switch (type) {
    case SRAT_CPU:
        return 16;
    case SRAT_MEMORY:
        return 40;
    case SRAT_X2APIC:
        return 24;
    default:
        return 2;
    }
}

/* *used is false for entries that are disabled, empty or of other types. */
static enum acpi_error decode_entry(const u8 *entry, u8 revision, struct affinity_entry *decoded,
                                    bool *used)
{
    u32 domain_mask = revision < 2 ? 0xff : UINT32_MAX; /* the rest was reserved before ACPI 3.0 */
    decoded->type = entry[0];
    switch (entry[0]) {
    case SRAT_CPU:
        *used = acpi_u32(entry + 4) & SRAT_ENABLED;
        decoded->domain =
            entry[2] | (u32)entry[9] << 8 | (u32)entry[10] << 16 | (u32)entry[11] << 24;
        decoded->domain &= domain_mask;
        decoded->apic_id = entry[3];
        return ACPI_OK;
    case SRAT_X2APIC:
        *used = acpi_u32(entry + 12) & SRAT_ENABLED;
        decoded->domain = acpi_u32(entry + 4);
        decoded->apic_id = acpi_u32(entry + 8);
        return ACPI_OK;
    case SRAT_MEMORY:
        *used = (acpi_u32(entry + 28) & SRAT_ENABLED) && acpi_u64(entry + 16) != 0;
        decoded->domain = acpi_u32(entry + 2) & domain_mask;
        decoded->start = acpi_u64(entry + 8);
        if (*used && !checked_add(decoded->start, acpi_u64(entry + 16), &decoded->end))
            return ACPI_BAD_VALUE;
        return ACPI_OK;
    default:
        *used = false;
        return ACPI_OK;
    }
}

/* The next entry in use, from *at on. ACPI_NO_TABLE: there is none. */
static enum acpi_error next_used(const struct acpi_table *table, u32 *at,
                                 struct affinity_entry *decoded)
{
    while (*at < table->size_bytes) {
        const u8 *entry = table->bytes + *at;
        u32 left = table->size_bytes - *at;
        bool used;
        if (left < 2 || entry[1] < srat_entry_bytes(entry[0]) || entry[1] > left)
            return ACPI_BAD_ENTRY;
        *at += entry[1];
        enum acpi_error error = decode_entry(entry, table->bytes[8], decoded, &used);
        if (error != ACPI_OK || used)
            return error;
    }
    return ACPI_NO_TABLE;
}

static enum acpi_error add_domain(struct acpi_domains *domains, u32 domain)
{
    u32 at = 0;
    while (at < domains->count && domains->domain[at] < domain)
        at++;
    if (at < domains->count && domains->domain[at] == domain)
        return ACPI_OK;
    if (domains->count == BOOT_MAX_NODES)
        return ACPI_TOO_MANY;
    for (u32 i = domains->count; i > at; i--)
        domains->domain[i] = domains->domain[i - 1];
    domains->domain[at] = domain;
    domains->count++;
    return ACPI_OK;
}

/* The domain has been added. */
static u32 node_of(const struct acpi_domains *domains, u32 domain)
{
    u32 node = 0;
    while (node + 1 < domains->count && domains->domain[node] != domain)
        node++;
    return node;
}

static enum acpi_error add_affinity(struct acpi_result *result, u64 start, u64 end, u32 node)
{
    u32 at = result->affinity_count;
    if (at == ACPI_MAX_AFFINITIES)
        return ACPI_TOO_MANY;
    for (; at > 0 && result->affinities[at - 1].start > start; at--)
        result->affinities[at] = result->affinities[at - 1];
    result->affinities[at] = (struct acpi_affinity){.start = start, .end = end, .node = node};
    result->affinity_count++;

    if (at > 0 && result->affinities[at - 1].end > start)
        return ACPI_BAD_VALUE;
    if (at + 1 < result->affinity_count && end > result->affinities[at + 1].start)
        return ACPI_BAD_VALUE;
    return ACPI_OK;
}

static void set_cpu_node(struct boot_info *info, u32 apic_id, u32 node)
{
    for (u32 i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].apic_id == apic_id)
            info->cpus[i].node = node;
    }
}

enum acpi_error acpi_read_srat(const struct acpi_table *table, struct boot_info *info,
                               struct acpi_result *result, struct acpi_domains *domains)
{
    struct affinity_entry entry;
    enum acpi_error error;
    domains->count = 0;
    if (table->size_bytes < SRAT_BYTES)
        return ACPI_BAD_LENGTH;

    for (u32 at = SRAT_BYTES; (error = next_used(table, &at, &entry)) == ACPI_OK;) {
        error = add_domain(domains, entry.domain);
        if (error != ACPI_OK)
            return error;
    }
    if (error != ACPI_NO_TABLE)
        return error;

    for (u32 at = SRAT_BYTES; next_used(table, &at, &entry) == ACPI_OK;) {
        u32 node = node_of(domains, entry.domain);
        if (entry.type != SRAT_MEMORY) {
            set_cpu_node(info, entry.apic_id, node);
            continue;
        }
        error = add_affinity(result, entry.start, entry.end, node);
        if (error != ACPI_OK)
            return error;
    }
    if (domains->count > 0)
        info->node_count = domains->count;
    return ACPI_OK;
}

enum acpi_error acpi_read_slit(const struct acpi_table *table, const struct acpi_domains *domains,
                               struct boot_info *info)
{
    if (table->size_bytes < SLIT_BYTES)
        return ACPI_BAD_LENGTH;
    u64 localities = acpi_u64(table->bytes + 36);
    if (localities > ACPI_MAX_TABLE || localities * localities != table->size_bytes - SLIT_BYTES)
        return ACPI_BAD_LENGTH;
    for (u32 i = 0; i < domains->count; i++) {
        for (u32 j = 0; j < domains->count; j++) {
            if (domains->domain[i] >= localities || domains->domain[j] >= localities)
                continue;
            u64 at = SLIT_BYTES + domains->domain[i] * localities + domains->domain[j];
            u8 distance = table->bytes[at];
            if (distance < SLIT_LOCAL || (i == j && distance != SLIT_LOCAL))
                return ACPI_BAD_VALUE;
            info->node_distance[i][j] = distance;
        }
    }
    return ACPI_OK;
}
