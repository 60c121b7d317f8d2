/* Reads the options, then runs the attacks. */
#include "attack.h"

#include "ferrous/console.h"

struct test_ground attack;
struct attack_options options = {.seed = 1, .forged = 20000, .calls = 20000, .rounds = 100};

static const struct {
    const char *prefix;
    u64 *value;
} option_names[] = {
    {"seed=", &options.seed},
    {"forged=", &options.forged},
    {"calls=", &options.calls},
    {"rounds=", &options.rounds},
};

/* clang-format off */
static const struct test_role roles[] = {
    {"victim", role_victim},
    {"tell", role_tell},
    {"deputy", role_deputy},
    {"try", role_try},
    {"call", role_call},
    {"reply", role_reply},
    {"random", role_random},
    {"touch", role_touch},
    {"hog", role_hog},
    {"vector", role_vector},
    {"leave", role_leave},
    {"twin", role_twin},
    {"register", role_register},
    {"counter", role_counter},
    {"sleep", role_sleep},
};
/* clang-format on */

/* False: it is no option. */
static bool read_option(const char *word)
{
    for (size_t i = 0; i < sizeof(option_names) / sizeof(option_names[0]); i++) {
        size_t length = strlen(option_names[i].prefix);

        if (string_starts_with(word, option_names[i].prefix))
            return string_to_u64(word + length, option_names[i].value);
    }
    return false;
}

int role_sleep(const char *argument)
{
    (void)argument;
    for (;;)
        time_sleep_ns(NS_PER_S);
}

int main(int argc, char **argv)
{
    const char *filter = NULL;

    if (argc > 2 && string_equal(argv[1], "--role"))
        return test_play_role(roles, sizeof(roles) / sizeof(roles[0]), argc, argv);
    if (!test_ground_open(&attack, "attack"))
        return 2;
    for (int i = 1; i < argc; i++) {
        if (!read_option(argv[i]))
            filter = argv[i];
    }
    print("attack: seed %llu, %llu forged handles, %llu random calls, %llu rounds\n",
          (unsigned long long)options.seed, (unsigned long long)options.forged,
          (unsigned long long)options.calls, (unsigned long long)options.rounds);
    return test_ground_run(filter);
}
