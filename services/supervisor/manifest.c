/* The manifest's parser: a line is cut into words, the first word chooses the statement. See
 * manifest.h for the language. */
#include "manifest.h"

#include "abi/rights.h"
#include "lib/checked_math.h"
#include "lib/format.h"
#include "lib/string.h"

#define MAX_WORDS        12u
#define WORD_SIZE        96u
#define DEFAULT_BACKOFF  100000000ull
#define DEFAULT_RESTARTS 5u
#define MAX_QUEUE_DEPTH  256u
#define MAX_WEIGHT       10000u
#define MAX_PORT         0x10000u
#define MAX_INTERRUPT    1024u

struct parser {
    struct manifest *manifest;
    struct manifest_error *error;
    struct manifest_entry *entry; /* that the statements belong to; NULL before the first */
    u32 line;
    u32 word_count;
    char words[MAX_WORDS][WORD_SIZE];
};

struct right_name {
    const char *name;
    u32 right;
};

static const struct right_name common_rights[] = {{"derive", RIGHT_DERIVE},
                                                  {"transfer", RIGHT_TRANSFER},
                                                  {"revoke", RIGHT_REVOKE},
                                                  {"mint", RIGHT_MINT},
                                                  {NULL, 0}};
static const struct right_name endpoint_rights[] = {{"send", RIGHT_SEND},
                                                    {"receive", RIGHT_RECEIVE},
                                                    {"signal", RIGHT_SIGNAL},
                                                    {"all", RIGHTS_ENDPOINT | RIGHTS_COMMON},
                                                    {NULL, 0}};
static const struct right_name group_rights[] = {{"endpoint", RIGHT_CREATE_ENDPOINT},
                                                 {"memory", RIGHT_CREATE_MEMORY},
                                                 {"spawn", RIGHT_SPAWN},
                                                 {"group", RIGHT_CREATE_GROUP},
                                                 {"timer", RIGHT_CREATE_TIMER},
                                                 {"trace", RIGHT_CREATE_TRACE},
                                                 {"control", RIGHT_GROUP_CONTROL},
                                                 {"info", RIGHT_GROUP_INFO},
                                                 {"all", RIGHTS_GROUP | RIGHTS_COMMON},
                                                 {NULL, 0}};
static const struct right_name machine_rights[] = {{"power", RIGHT_POWER},
                                                   {"log", RIGHT_KERNEL_LOG},
                                                   {"facts", RIGHT_FACTS},
                                                   {"processes", RIGHT_PROCESS_LIST},
                                                   {"interrupts", RIGHT_INTERRUPTS},
                                                   {"all", RIGHTS_MACHINE | RIGHTS_COMMON},
                                                   {NULL, 0}};
static const struct right_name trace_rights[] = {{"read", RIGHT_TRACE_READ},
                                                 {"control", RIGHT_TRACE_CONTROL},
                                                 {"emit", RIGHT_TRACE_EMIT},
                                                 {"all", RIGHTS_TRACE | RIGHTS_COMMON},
                                                 {NULL, 0}};
static const struct right_name manager_rights[] = {{"run", MANAGER_RIGHT_RUN},
                                                   {"kill", MANAGER_RIGHT_KILL},
                                                   {"look", 0},
                                                   {"all", MANAGER_RIGHT_RUN | MANAGER_RIGHT_KILL},
                                                   {NULL, 0}};

static bool complain(struct parser *parser, const char *what, const char *word)
{
    parser->error->line = parser->line;
    format_to(parser->error->text, sizeof(parser->error->text), "%s '%s'", what, word);
    return false;
}

static bool parse_number(const char *word, u64 *value)
{
    return string_to_u64(word, value);
}

/* A number with a unit from a list of pairs; the unit "" stands last. */
static bool parse_scaled(const char *word, const struct right_name *units, u64 *value)
{
    char digits[WORD_SIZE];
    size_t length = strlen(word);

    for (; units->name != NULL; units++) {
        size_t unit_length = strlen(units->name);

        if (length <= unit_length || !string_equal(word + length - unit_length, units->name))
            continue;
        string_copy(digits, sizeof(digits), word);
        digits[length - unit_length] = '\0';
        return string_to_u64(digits, value) && checked_mul(*value, units->right, value);
    }
    return false;
}

static bool parse_size(const char *word, u64 *bytes)
{
    static const struct right_name units[] = {
        {"K", 1u << 10}, {"M", 1u << 20}, {"G", 1u << 30}, {"", 1}, {NULL, 0}};

    return parse_scaled(word, units, bytes);
}

static bool parse_time(const char *word, u64 *time_ns)
{
    static const struct right_name units[] = {
        {"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {NULL, 0}};

    return parse_scaled(word, units, time_ns);
}

/* The value of an option `name=value`; NULL if `word` is another. */
static const char *option_value(const char *word, const char *name)
{
    size_t length = strlen(name);

    if (!string_starts_with(word, name) || word[length] != '=')
        return NULL;
    return word + length + 1;
}

static bool find_right(const struct right_name *names, const char *word, u32 *rights)
{
    for (; names->name != NULL; names++) {
        if (string_equal(names->name, word)) {
            *rights |= names->right;
            return true;
        }
    }
    return false;
}

static bool parse_rights(struct parser *parser, const char *word, const struct right_name *names,
                         bool with_common, u32 *rights)
{
    char name[WORD_SIZE];

    *rights = 0;
    for (;;) {
        const char *comma = string_find(word, ',');
        size_t length = comma == NULL ? strlen(word) : (size_t)(comma - word);

        memcpy(name, word, length);
        name[length] = '\0';
        if (!find_right(names, name, rights) &&
            !(with_common && find_right(common_rights, name, rights)))
            return complain(parser, "unknown right", name);
        if (comma == NULL)
            return true;
        word = comma + 1;
    }
}

/* A name: not empty, short enough, of letters that need no quoting anywhere. */
static bool copy_name(struct parser *parser, char *to, const char *word)
{
    size_t length = strlen(word);

    if (length == 0 || length >= MANIFEST_NAME_SIZE)
        return complain(parser, "name is empty or too long:", word);
    for (size_t i = 0; i < length; i++) {
        char c = word[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_' || c == '.'))
            return complain(parser, "bad letter in name", word);
    }
    string_copy(to, MANIFEST_NAME_SIZE, word);
    return true;
}

/* A new capability of the current entry, named by an option as= at word `next` or else `fallback`.
 */
static struct manifest_cap *add_cap(struct parser *parser, u32 next, const char *fallback)
{
    struct manifest_entry *entry = parser->entry;
    struct manifest_cap *cap;
    const char *name = fallback;

    if (next < parser->word_count) {
        name = option_value(parser->words[next], "as");
        if (name == NULL || next + 1 < parser->word_count) {
            complain(parser, "unexpected word", parser->words[next]);
            return NULL;
        }
    }
    if (entry->cap_count == MANIFEST_MAX_CAPS) {
        complain(parser, "too many capabilities for", entry->name);
        return NULL;
    }
    cap = &entry->caps[entry->cap_count];
    memset(cap, 0, sizeof(*cap));
    if (!copy_name(parser, cap->name, name))
        return NULL;
    for (u32 i = 0; i < entry->cap_count; i++) {
        if (string_equal(entry->caps[i].name, cap->name)) {
            complain(parser, "two capabilities are called", name);
            return NULL;
        }
    }
    entry->cap_count++;
    return cap;
}

static bool need_words(struct parser *parser, u32 count)
{
    if (parser->word_count < count)
        return complain(parser, "words are missing after", parser->words[0]);
    return true;
}

static bool parse_endpoint(struct parser *parser)
{
    struct manifest *manifest = parser->manifest;
    struct manifest_endpoint *endpoint = &manifest->endpoints[manifest->endpoint_count];

    if (!need_words(parser, 2))
        return false;
    if (manifest->endpoint_count == MANIFEST_MAX_ENDPOINTS)
        return complain(parser, "too many endpoints:", parser->words[1]);
    memset(endpoint, 0, sizeof(*endpoint));
    if (!copy_name(parser, endpoint->name, parser->words[1]))
        return false;
    for (u32 i = 0; i < manifest->endpoint_count; i++) {
        if (string_equal(manifest->endpoints[i].name, endpoint->name))
            return complain(parser, "two endpoints are called", endpoint->name);
    }
    for (u32 i = 2; i < parser->word_count; i++) {
        const char *depth = option_value(parser->words[i], "depth");
        const char *grace = option_value(parser->words[i], "grace");
        u64 value;

        if (depth != NULL && parse_number(depth, &value) && value <= MAX_QUEUE_DEPTH)
            endpoint->depth = (u32)value;
        else if (grace == NULL || !parse_time(grace, &endpoint->grace_ns))
            return complain(parser, "bad option", parser->words[i]);
    }
    manifest->endpoint_count++;
    return true;
}

static bool parse_entry(struct parser *parser, bool is_service)
{
    struct manifest *manifest = parser->manifest;
    struct manifest_entry *entry = &manifest->entries[manifest->entry_count];
    const char *name;

    if (!need_words(parser, 2))
        return false;
    name = parser->words[1];
    if (manifest->entry_count == MANIFEST_MAX_ENTRIES)
        return complain(parser, "too many services and programs:", name);
    memset(entry, 0, sizeof(*entry));
    entry->is_service = is_service;
    entry->restart_max = DEFAULT_RESTARTS;
    entry->backoff_ns = DEFAULT_BACKOFF;
    for (u32 i = 0; i < GROUP_RESOURCE_COUNT; i++)
        entry->limit[i] = GROUP_NO_LIMIT;
    if (!is_service && string_equal(name, "*"))
        string_copy(entry->name, sizeof(entry->name), name);
    else if (!copy_name(parser, entry->name, name))
        return false;
    string_copy(entry->file, sizeof(entry->file), entry->name);
    for (u32 i = 0; i < manifest->entry_count; i++) {
        if (manifest->entries[i].is_service == is_service &&
            string_equal(manifest->entries[i].name, entry->name))
            return complain(parser, "declared twice:", name);
    }
    for (u32 i = 2; i < parser->word_count; i++) {
        const char *file = option_value(parser->words[i], "program");

        if (!is_service || file == NULL)
            return complain(parser, "bad option", parser->words[i]);
        if (!copy_name(parser, entry->file, file))
            return false;
    }
    manifest->entry_count++;
    parser->entry = entry;
    return true;
}

static bool parse_use(struct parser *parser)
{
    const struct manifest *manifest = parser->manifest;
    struct manifest_cap *cap;
    u32 index = 0;

    if (!need_words(parser, 3))
        return false;
    while (index < manifest->endpoint_count &&
           !string_equal(manifest->endpoints[index].name, parser->words[1]))
        index++;
    if (index == manifest->endpoint_count)
        return complain(parser, "no such endpoint", parser->words[1]);
    cap = add_cap(parser, 3, parser->words[1]);
    if (cap == NULL)
        return false;
    cap->kind = MANIFEST_ENDPOINT;
    cap->first = index;
    return parse_rights(parser, parser->words[2], endpoint_rights, true, &cap->rights);
}

/* group, machine, trace and manager: one word of rights. */
static bool parse_rights_of(struct parser *parser, enum manifest_cap_kind kind,
                            const struct right_name *names)
{
    struct manifest_cap *cap;

    if (!need_words(parser, 2))
        return false;
    cap = add_cap(parser, 2, parser->words[0]);
    if (cap == NULL)
        return false;
    cap->kind = kind;
    if (!parse_rights(parser, parser->words[1], names, kind != MANIFEST_MANAGER, &cap->rights))
        return false;
    if (kind == MANIFEST_MANAGER)
        parser->entry->manager_rights |= cap->rights;
    return true;
}

static bool parse_ports(struct parser *parser)
{
    struct manifest_cap *cap;
    u64 first;
    u64 count;

    if (!need_words(parser, 3))
        return false;
    if (!parse_number(parser->words[1], &first) || !parse_number(parser->words[2], &count) ||
        count == 0 || !range_fits(first, count, MAX_PORT))
        return complain(parser, "bad range of ports from", parser->words[1]);
    cap = add_cap(parser, 3, "ports");
    if (cap == NULL)
        return false;
    cap->kind = MANIFEST_PORTS;
    cap->rights = RIGHTS_PORTS | RIGHT_DERIVE;
    cap->first = (u32)first;
    cap->count = (u32)count;
    return true;
}

static bool parse_interrupt(struct parser *parser)
{
    struct manifest_cap *cap;
    u64 line;

    if (!need_words(parser, 2))
        return false;
    if (!parse_number(parser->words[1], &line) || line >= MAX_INTERRUPT)
        return complain(parser, "bad interrupt line", parser->words[1]);
    cap = add_cap(parser, 2, "interrupt");
    if (cap == NULL)
        return false;
    cap->kind = MANIFEST_INTERRUPT;
    cap->rights = RIGHTS_INTERRUPT | RIGHT_DERIVE;
    cap->first = (u32)line;
    return true;
}

static bool parse_archive(struct parser *parser)
{
    struct manifest_cap *cap = add_cap(parser, 1, "archive");

    if (cap == NULL)
        return false;
    cap->kind = MANIFEST_ARCHIVE;
    cap->rights = RIGHT_READ | RIGHT_EXECUTE | RIGHT_INFO | RIGHT_DERIVE | RIGHT_TRANSFER;
    return true;
}

static bool parse_limit(struct parser *parser)
{
    static const char *const names[GROUP_RESOURCE_COUNT] = {"memory", "kernel", "objects",
                                                            "processes", "threads"};

    for (u32 i = 1; i < parser->word_count; i++) {
        const char *word = parser->words[i];
        const char *weight = option_value(word, "weight");
        u32 resource = 0;
        u64 value;

        while (resource < GROUP_RESOURCE_COUNT && option_value(word, names[resource]) == NULL)
            resource++;
        if (weight != NULL && parse_number(weight, &value) && value >= 1 && value <= MAX_WEIGHT) {
            parser->entry->weight = value;
            continue;
        }
        if (resource == GROUP_RESOURCE_COUNT ||
            !parse_size(option_value(word, names[resource]), &value))
            return complain(parser, "bad limit", word);
        if (resource == GROUP_MEMORY_FRAMES)
            value = value / PAGE_SIZE + (value % PAGE_SIZE != 0);
        parser->entry->limit[resource] = value;
    }
    return true;
}

static bool parse_restart(struct parser *parser)
{
    static const char *const policies[] = {"never", "failure", "always"};
    u32 policy = 0;

    if (!need_words(parser, 2))
        return false;
    while (policy <= RESTART_ALWAYS && !string_equal(policies[policy], parser->words[1]))
        policy++;
    if (policy > RESTART_ALWAYS || !parser->entry->is_service)
        return complain(parser, "bad restart policy", parser->words[1]);
    parser->entry->restart = policy;
    for (u32 i = 2; i < parser->word_count; i++) {
        const char *max = option_value(parser->words[i], "max");
        const char *backoff = option_value(parser->words[i], "backoff");
        u64 value;

        if (max != NULL && parse_number(max, &value) && value <= UINT32_MAX)
            parser->entry->restart_max = (u32)value;
        else if (backoff == NULL || !parse_time(backoff, &parser->entry->backoff_ns))
            return complain(parser, "bad option", parser->words[i]);
    }
    return true;
}

static bool parse_arguments(struct parser *parser)
{
    struct manifest_entry *entry = parser->entry;

    for (u32 i = 1; i < parser->word_count; i++) {
        if (entry->argument_count == MANIFEST_MAX_ARGUMENTS ||
            strlen(parser->words[i]) >= MANIFEST_ARGUMENT_SIZE)
            return complain(parser, "too many or too long arguments from", parser->words[i]);
        string_copy(entry->arguments[entry->argument_count++], MANIFEST_ARGUMENT_SIZE,
                    parser->words[i]);
    }
    return true;
}

static bool parse_statement(struct parser *parser)
{
    const char *word = parser->words[0];

    if (string_equal(word, "endpoint"))
        return parse_endpoint(parser);
    if (string_equal(word, "service") || string_equal(word, "program"))
        return parse_entry(parser, string_equal(word, "service"));
    if (parser->entry == NULL)
        return complain(parser, "no service or program before", word);
    if (string_equal(word, "use"))
        return parse_use(parser);
    if (string_equal(word, "group"))
        return parse_rights_of(parser, MANIFEST_GROUP, group_rights);
    if (string_equal(word, "machine"))
        return parse_rights_of(parser, MANIFEST_MACHINE, machine_rights);
    if (string_equal(word, "trace"))
        return parse_rights_of(parser, MANIFEST_TRACE, trace_rights);
    if (string_equal(word, "manager"))
        return parse_rights_of(parser, MANIFEST_MANAGER, manager_rights);
    if (string_equal(word, "ports"))
        return parse_ports(parser);
    if (string_equal(word, "interrupt"))
        return parse_interrupt(parser);
    if (string_equal(word, "archive"))
        return parse_archive(parser);
    if (string_equal(word, "limit"))
        return parse_limit(parser);
    if (string_equal(word, "restart"))
        return parse_restart(parser);
    if (string_equal(word, "arguments"))
        return parse_arguments(parser);
    return complain(parser, "unknown statement", word);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts a line of `length` characters into words. */
static bool split_line(struct parser *parser, const char *line, size_t length)
{
    size_t at = 0;

    parser->word_count = 0;
    while (at < length && line[at] != '#') {
        size_t start = at;

        while (at < length && !is_blank(line[at]) && line[at] != '#') {
            if (line[at] < ' ' || line[at] > '~')
                return complain(parser, "unprintable character in", "line");
            at++;
        }
        if (at - start >= WORD_SIZE || (at > start && parser->word_count == MAX_WORDS))
            return complain(parser, "too long or too many words in", "line");
        if (at > start) {
            memcpy(parser->words[parser->word_count], line + start, at - start);
            parser->words[parser->word_count++][at - start] = '\0';
        }
        while (at < length && is_blank(line[at]))
            at++;
    }
    return true;
}

enum status manifest_parse(const char *text, size_t size, struct manifest *manifest,
                           struct manifest_error *error)
{
    struct parser parser = {.manifest = manifest, .error = error};
    size_t at = 0;

    manifest->endpoint_count = 0;
    manifest->entry_count = 0;
    while (at < size) {
        size_t start = at;

        while (at < size && text[at] != '\n')
            at++;
        parser.line++;
        if (!split_line(&parser, text + start, at - start) ||
            (parser.word_count != 0 && !parse_statement(&parser)))
            return STATUS_BAD_ARGUMENT;
        at++;
    }
    return STATUS_OK;
}

const struct manifest_entry *manifest_find_program(const struct manifest *manifest,
                                                   const char *name)
{
    const struct manifest_entry *any = NULL;

    for (u32 i = 0; i < manifest->entry_count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];

        if (entry->is_service)
            continue;
        if (string_equal(entry->name, name))
            return entry;
        if (string_equal(entry->name, "*"))
            any = entry;
    }
    return any;
}
