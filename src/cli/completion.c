// SPDX-License-Identifier: Apache-2.0
#include "cli/frame.h"

// The options of one command, each as `before--name` + `after`.
static void options(pl_cli *cli, const pl_command *command, const char *before, const char *after)
{
    for (const pl_option *o = command->options; o && o->name; o++)
        pl_cli_print(cli, "%s--%s%s", before, o->name, after);
    if (command->json) pl_cli_print(cli, "%s--json%s", before, after);
    pl_cli_print(cli, "%s--help%s", before, after);
}

static void bash(pl_cli *cli)
{
    pl_cli_print(cli, "# plumb completion for bash: source <(plumb completion bash)\n"
                      "_plumb() {\n"
                      "  local word=${COMP_WORDS[COMP_CWORD]} command= i\n"
                      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
                      "    case ${COMP_WORDS[i]} in\n"
                      "      -C) ((i++)) ;;\n"
                      "      -*) ;;\n"
                      "      *) command=${COMP_WORDS[i]}; break ;;\n"
                      "    esac\n"
                      "  done\n"
                      "  local words=\n"
                      "  case $command in\n"
                      "    '') words='");
    for (int i = 0; pl_commands[i]; i++) pl_cli_print(cli, "%s ", pl_commands[i]->name);
    pl_cli_print(cli, "-C --help --version' ;;\n");
    for (int i = 0; pl_commands[i]; i++) {
        pl_cli_print(cli, "    %s) words='", pl_commands[i]->name);
        options(cli, pl_commands[i], "", " ");
        pl_cli_print(cli, "' ;;\n");
    }
    pl_cli_print(cli, "  esac\n"
                      "  if [[ -z $command || $word == -* ]]; then\n"
                      "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
                      "  else\n"
                      "    COMPREPLY=($(compgen -f -- \"$word\"))\n"
                      "  fi\n"
                      "}\n"
                      "complete -o filenames -F _plumb plumb\n");
}

static void zsh(pl_cli *cli)
{
    pl_cli_print(cli, "#compdef plumb\n"
                      "# plumb completion for zsh: source <(plumb completion zsh)\n"
                      "_plumb() {\n"
                      "  local -a commands options\n"
                      "  local i name=\n"
                      "  for ((i = 2; i < CURRENT; i++)); do\n"
                      "    case $words[i] in\n"
                      "      -C) ((i++)) ;;\n"
                      "      -*) ;;\n"
                      "      *) name=$words[i]; break ;;\n"
                      "    esac\n"
                      "  done\n"
                      "  commands=(\n");
    for (int i = 0; pl_commands[i]; i++)
        pl_cli_print(cli, "    '%s:%s'\n", pl_commands[i]->name, pl_commands[i]->summary);
    pl_cli_print(cli, "  )\n"
                      "  case $name in\n");
    for (int i = 0; pl_commands[i]; i++) {
        pl_cli_print(cli, "    %s) options=(", pl_commands[i]->name);
        options(cli, pl_commands[i], "", " ");
        pl_cli_print(cli, ") ;;\n");
    }
    pl_cli_print(cli, "    *) _describe command commands; return ;;\n"
                      "  esac\n"
                      "  if [[ $PREFIX == -* ]]; then compadd -- $options; else _files; fi\n"
                      "}\n"
                      "if [[ $funcstack[1] == _plumb ]]; then _plumb; else compdef _plumb plumb; "
                      "fi\n");
}

static void fish(pl_cli *cli)
{
    pl_cli_print(cli, "# plumb completion for fish: plumb completion fish | source\n");
    for (int i = 0; pl_commands[i]; i++)
        pl_cli_print(cli, "complete -c plumb -n __fish_use_subcommand -f -a %s -d '%s'\n",
                     pl_commands[i]->name, pl_commands[i]->summary);
    for (int i = 0; pl_commands[i]; i++)
        for (const pl_option *o = pl_commands[i]->options; o && o->name; o++)
            pl_cli_print(cli,
                         "complete -c plumb -n '__fish_seen_subcommand_from %s' -l %s%s -d '%s'\n",
                         pl_commands[i]->name, o->name, o->value ? " -r" : "", o->help);
    pl_cli_print(cli, "complete -c plumb -s h -l help -d 'what it does, with an example'\n"
                      "complete -c plumb -s C -r -d 'the folder of the project'\n"
                      "complete -c plumb -l json -d 'one JSON document'\n");
}

static int run(pl_cli *cli)
{
    static const struct {
        const char *shell;
        void (*print)(pl_cli *cli);
    } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
    for (size_t i = 0; i < PL_COUNT(shells); i++) {
        if (strcmp(cli->args[0], shells[i].shell) != 0) continue;
        shells[i].print(cli);
        return pl_cli_finish(cli);
    }
    return pl_cli_usage(cli, "no completion for shell '%s': bash, zsh and fish have one",
                        cli->args[0]);
}

const pl_command pl_command_completion = {
    .name = "completion",
    .group = PL_GROUP_CARE,
    .usage = "bash|zsh|fish",
    .summary = "print a script that completes commands and options in a shell",
    .help = "Example, in ~/.bashrc:\n  source <(plumb completion bash)\n",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
