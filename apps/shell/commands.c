/* Finding and running a command; help. */
#include "ferrous/start.h"
#include "lib/string.h"
#include "shell.h"

static const struct shell_command *const tables[] = {
    job_commands, system_commands, question_commands, observe_commands, trace_commands};

static const struct shell_command *find(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct shell_command *command = tables[i]; command->name != NULL; command++) {
            if (string_equal(command->name, name))
                return command;
        }
    }
    return NULL;
}

static void help(void)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct shell_command *command = tables[i]; command->name != NULL; command++) {
            char synopsis[40];

            format_to(synopsis, sizeof(synopsis), "%s %s", command->name, command->usage);
            print("  %-20s %s\n", synopsis, command->help);
        }
    }
    print("  %-20s %s\n", "help", "this list");
}

void shell_execute(struct shell *shell, char *line)
{
    char *words[SHELL_MAX_ARGUMENTS + 1];
    int count = shell_split(line, words, (int)SHELL_MAX_ARGUMENTS);
    const struct shell_command *command;

    if (count == 0)
        return;
    if (count < 0) {
        print("too many words, or a quote is not closed\n");
        return;
    }
    words[count] = NULL;
    if (string_equal(words[0], "help")) {
        help();
        return;
    }
    command = find(words[0]);
    if (command == NULL)
        print("no command is called '%s'; `help` lists them, `run NAME` starts a program\n",
              words[0]);
    else if ((u32)(count - 1) < command->min_arguments)
        print("usage: %s %s\n", command->name, command->usage);
    else
        command->run(shell, count, words);
}
