/* The tables with which traces show names: labels find their methods, and places are those in which
 * parameters really travel. */
#include "ferrous/interface_names.h"
#include "tests/idl/sample.h"
#include "unit.h"

extern const struct interface_names *const sample_interfaces[];

static const char *label_text(u32 label)
{
    static char text[64];

    (void)label_format(text, sizeof(text), sample_interfaces, label);
    return text;
}

TEST(labels_have_names)
{
    EXPECT_STR_EQ(label_text(SAMPLE_NOTE), "sample.note");
    EXPECT_STR_EQ(label_text(SAMPLE_VERSION), "sample.version");
    EXPECT_STR_EQ(label_text(MESSAGE_LABEL(0x5a5a, 99)), "sample.#99");
    EXPECT_STR_EQ(label_text(MESSAGE_LABEL(3, 4)), "#3.4");
    EXPECT(interface_of_label(sample_interfaces, MESSAGE_LABEL(3, 4)) == NULL);
}

TEST(names_of_the_tree_are_there)
{
    char text[64];

    (void)label_format(text, sizeof(text), ferrous_interfaces, MESSAGE_LABEL(1, 1));
    EXPECT_STR_EQ(text, "console.write");
    (void)label_format(text, sizeof(text), ferrous_interfaces, MESSAGE_LABEL(2, 2));
    EXPECT_STR_EQ(text, "manager.result");
}

TEST(parameters_have_names_and_places)
{
    const struct interface_method *items = method_of_label(sample_interfaces, SAMPLE_ITEMS);
    const struct interface_method *note = method_of_label(sample_interfaces, SAMPLE_NOTE);

    REQUIRE(items != NULL && note != NULL);
    EXPECT(note->one_way && !items->one_way);
    EXPECT_EQ(items->request_count, 7);
    EXPECT_STR_EQ(items->request[0].name, "before");
    EXPECT(items->request[0].place == INTERFACE_WORD && items->request[0].at == 0);
    EXPECT_STR_EQ(items->request[6].name, "last");
    EXPECT_EQ(items->request[6].place, INTERFACE_DATA);
    EXPECT_EQ(items->request[6].at, sizeof(struct sample_item));
    EXPECT_STR_EQ(items->request[3].type, "array<colour, 5>");
    EXPECT(items->request[3].place == INTERFACE_ARRAY && items->request[3].at == 1);
    EXPECT(note->request[2].place == INTERFACE_CAP && note->request[2].at == 0);
    EXPECT_STR_EQ(note->request[2].type, "optional endpoint<SIGNAL>");
    EXPECT_EQ(note->reply_count, 0);
}
