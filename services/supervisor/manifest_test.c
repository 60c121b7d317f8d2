/* The manifest's language. */
#include "manifest.h"

#include <stdio.h>

#include "abi/rights.h"
#include "lib/string.h"
#include "unit.h"

static struct manifest manifest;
static struct manifest_error error;

static bool parse(const char *text)
{
    memset(&error, 0, sizeof(error));
    return manifest_parse(text, strlen(text), &manifest, &error) == STATUS_OK;
}

/* It is refused, at that line, for a reason that contains `reason`. */
static void expect_error(const char *text, u32 line, const char *reason)
{
    bool found = false;

    EXPECT(!parse(text));
    EXPECT_EQ(error.line, line);
    for (const char *at = error.text; *at != '\0' && !found; at++)
        found = string_starts_with(at, reason);
    if (!EXPECT(found))
        printf("  got '%s' for: %s\n", error.text, text);
}

TEST(empty_text_and_comments_say_nothing)
{
    EXPECT(parse(""));
    EXPECT(parse("\n\n# only this\n   # and this"));
    EXPECT_EQ(manifest.entry_count, 0);
    EXPECT_EQ(manifest.endpoint_count, 0);
}

TEST(service_with_everything)
{
    const struct manifest_entry *entry = &manifest.entries[0];

    REQUIRE(parse("endpoint console depth=3 grace=5s\n"
                  "service driver program=uart   # the first\n"
                  "  use console receive,signal as=main\n"
                  "  group endpoint,memory\n"
                  "  machine facts,derive\n"
                  "  ports 0x3f8 8\n"
                  "  interrupt 4 as=irq\n"
                  "  archive\n"
                  "  trace read\n"
                  "  manager run\n"
                  "  limit memory=1M kernel=64K objects=10 processes=1 threads=2 weight=200\n"
                  "  restart failure max=7 backoff=20ms\n"
                  "  arguments --fast -v\n"));
    EXPECT_EQ(manifest.endpoints[0].depth, 3);
    EXPECT_EQ(manifest.endpoints[0].grace_ns, 5000000000ull);
    EXPECT(entry->is_service);
    EXPECT_STR_EQ(entry->name, "driver");
    EXPECT_STR_EQ(entry->file, "uart");
    REQUIRE(entry->cap_count == 8);
    EXPECT_STR_EQ(entry->caps[0].name, "main");
    EXPECT_EQ(entry->caps[0].rights, RIGHT_RECEIVE | RIGHT_SIGNAL);
    EXPECT_EQ(entry->caps[1].rights, RIGHT_CREATE_ENDPOINT | RIGHT_CREATE_MEMORY);
    EXPECT_EQ(entry->caps[2].rights, RIGHT_FACTS | RIGHT_DERIVE);
    EXPECT_EQ(entry->caps[3].first, 0x3f8);
    EXPECT_EQ(entry->caps[3].count, 8);
    EXPECT_STR_EQ(entry->caps[4].name, "irq");
    EXPECT_EQ(entry->caps[4].first, 4);
    EXPECT_EQ(entry->manager_rights, MANAGER_RIGHT_RUN);
    EXPECT_EQ(entry->limit[GROUP_MEMORY_FRAMES], 256);
    EXPECT_EQ(entry->limit[GROUP_KERNEL_BYTES], 65536);
    EXPECT_EQ(entry->limit[GROUP_OBJECTS], 10);
    EXPECT_EQ(entry->limit[GROUP_PROCESSES], 1);
    EXPECT_EQ(entry->limit[GROUP_THREADS], 2);
    EXPECT_EQ(entry->weight, 200);
    EXPECT_EQ(entry->restart, RESTART_ON_FAILURE);
    EXPECT_EQ(entry->restart_max, 7);
    EXPECT_EQ(entry->backoff_ns, 20000000ull);
    EXPECT_EQ(entry->argument_count, 2);
    EXPECT_STR_EQ(entry->arguments[1], "-v");
}

TEST(nothing_is_given_that_was_not_asked_for)
{
    REQUIRE(parse("service bare\n"));
    EXPECT_EQ(manifest.entries[0].cap_count, 0);
    EXPECT_EQ(manifest.entries[0].manager_rights, 0);
    EXPECT_EQ(manifest.entries[0].restart, RESTART_NEVER);
    EXPECT_EQ(manifest.entries[0].limit[GROUP_MEMORY_FRAMES], GROUP_NO_LIMIT);
}

TEST(programs_are_found_by_name_or_by_star)
{
    REQUIRE(parse("service a\nprogram *\nprogram special\n"));
    EXPECT_STR_EQ(manifest_find_program(&manifest, "special")->name, "special");
    EXPECT_STR_EQ(manifest_find_program(&manifest, "a")->name, "*");
    REQUIRE(parse("service a\nprogram special\n"));
    EXPECT(manifest_find_program(&manifest, "a") == NULL);
}

TEST(mistakes_are_told_with_their_line)
{
    expect_error("servise x\n", 1, "no service or program before 'servise'");
    expect_error("service x\n\n  fly high\n", 3, "unknown statement 'fly'");
    expect_error("group memory\n", 1, "no service or program before");
    expect_error("service\n", 1, "words are missing");
    expect_error("service x\n use nowhere send\n", 2, "no such endpoint 'nowhere'");
    expect_error("endpoint e\nservice x\n use e sned\n", 3, "unknown right 'sned'");
    expect_error("endpoint e\nservice x\n use e send,\n", 3, "unknown right ''");
    expect_error("service x\n machine send\n", 2, "unknown right 'send'");
    expect_error("service x\n manager derive\n", 2, "unknown right 'derive'");
    expect_error("service x\n group memory\n group endpoint\n", 3, "two capabilities");
    expect_error("service x\nservice x\n", 2, "declared twice");
    expect_error("endpoint e\nendpoint e\n", 2, "two endpoints");
    expect_error("service x\n ports 0xffff 2\n", 2, "bad range of ports");
    expect_error("service x\n ports 5 0\n", 2, "bad range of ports");
    expect_error("service x\n interrupt many\n", 2, "bad interrupt line");
    expect_error("service x\n limit memory=lots\n", 2, "bad limit");
    expect_error("service x\n limit memory=99999999999999G\n", 2, "bad limit");
    expect_error("service x\n limit weight=0\n", 2, "bad limit");
    expect_error("service x\n restart sometimes\n", 2, "bad restart policy");
    expect_error("program x\n restart always\n", 2, "bad restart policy");
    expect_error("service x\n restart always backoff=5\n", 2, "bad option");
    expect_error("service sp\xc3\xa4t\n", 1, "unprintable");
    expect_error("service a/b\n", 1, "bad letter");
    expect_error("service x\n group memory as= \n", 2, "name is empty");
    expect_error("service x\n group memory as=a b\n", 2, "unexpected word");
    expect_error("service x program=\n", 1, "name is empty");
    expect_error("endpoint e depth=257\n", 1, "bad option");
}

/* Text of `count` lines that begin with `word` and a number. */
static char many[65536];

static void repeat(const char *head, const char *word, u32 count)
{
    size_t used = string_copy(many, sizeof(many), head);

    for (u32 i = 0; i < count; i++)
        used += (size_t)snprintf(many + used, sizeof(many) - used, "%s%u\n", word, i);
}

TEST(tables_have_ends)
{
    repeat("", "endpoint e", MANIFEST_MAX_ENDPOINTS);
    EXPECT(parse(many));
    repeat("", "endpoint e", MANIFEST_MAX_ENDPOINTS + 1);
    expect_error(many, MANIFEST_MAX_ENDPOINTS + 1, "too many endpoints");
    repeat("", "program p", MANIFEST_MAX_ENTRIES);
    EXPECT(parse(many));
    repeat("", "program p", MANIFEST_MAX_ENTRIES + 1);
    expect_error(many, MANIFEST_MAX_ENTRIES + 1, "too many services");
    repeat("program p\n", "archive as=a", MANIFEST_MAX_CAPS);
    EXPECT(parse(many));
    repeat("program p\n", "archive as=a", MANIFEST_MAX_CAPS + 1);
    expect_error(many, MANIFEST_MAX_CAPS + 2, "too many capabilities");
    repeat("program p\n", "arguments a", MANIFEST_MAX_ARGUMENTS + 1);
    expect_error(many, MANIFEST_MAX_ARGUMENTS + 2, "too many or too long arguments");
}

/* The manifest that is shipped. */
TEST(the_real_manifest_is_right)
{
    static char text[16384];
    FILE *file = fopen("services/supervisor/manifest", "r");
    size_t size;

    REQUIRE(file != NULL);
    size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    if (!EXPECT(parse(text)))
        printf("  line %u: %s\n", error.line, error.text);
    EXPECT(manifest_find_program(&manifest, "systest") != NULL);
}
