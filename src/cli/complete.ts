/**
 * Shell completions, made from the table of commands. Pure.
 *
 * Ids of runs are asked of `cellos ps -q` when they are needed; after `--` the words are the command's own, and the shell completes them.
 */
import type { CommandInfo, OptionInfo } from './command.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const isFile = (option: OptionInfo): boolean => /FILE|PATH|DIR|PACK/.test(option.value ?? '');
const isFolder = (option: OptionInfo): boolean => option.value === 'DIR';
const flags = (option: OptionInfo): string[] => [`--${option.name}`, ...(option.short === undefined ? [] : [`-${option.short}`])];
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
/** Commands that take a bundle at a path where they take a run. */
const takesPath = (command: CommandInfo): boolean => command.usage.includes('PATH|RUN') || command.usage.includes('RUN|PATH');
const IDS = 'cellos ps -aq 2>/dev/null';
const RUNNING_IDS = 'cellos ps -aq --state running 2>/dev/null';

function bashValues(command: CommandInfo): string[] {
  return command.options
    .filter((option) => option.value !== undefined)
    .map((option) => {
      const reply = option.values !== undefined ? `COMPREPLY=($(compgen -W ${quoted(option.values.join(' '))} -- "$cur"))` : isFolder(option) ? 'COMPREPLY=($(compgen -d -- "$cur"))' : isFile(option) ? 'COMPREPLY=($(compgen -f -- "$cur"))' : 'COMPREPLY=()';
      return `      ${flags(option).join('|')}) ${reply}; return ;;`;
    });
}

function bashOperand(command: CommandInfo): string {
  const { operand } = command;
  if (operand === 'none') return ':';
  if (operand === 'file') return 'COMPREPLY=($(compgen -f -- "$cur"))';
  if (operand === 'run') return `COMPREPLY=($(compgen -W "$(${IDS})" -- "$cur"))${takesPath(command) ? ' COMPREPLY+=($(compgen -f -- "$cur"))' : ''}`;
  if (operand === 'running-run') return `COMPREPLY=($(compgen -W "$(${RUNNING_IDS})" -- "$cur"))`;
  const runs = command.runAction === undefined ? '' : `; if [ "\${COMP_WORDS[2]}" = ${command.runAction} ] && [ "$COMP_CWORD" -eq 3 ]; then COMPREPLY=($(compgen -W "$(${IDS})" -- "$cur") $(compgen -f -- "$cur")); fi`;
  return `COMPREPLY=($(compgen -W ${quoted(operand.join(' '))} -- "$cur")); [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$cur"))${runs}`;
}

function bash(commands: readonly CommandInfo[]): string {
  const cases = commands.map((command) => {
    const values = bashValues(command);
    const options = [...command.options.flatMap((option) => `--${option.name}`), '--help'].join(' ');
    return [
      `    ${command.name})`,
      ...(values.length === 0 ? [] : ['      case "$prev" in', ...values, '      esac']),
      `      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W ${quoted(options)} -- "$cur")); else ${bashOperand(command)}; fi ;;`,
    ].join('\n');
  });
  return `# Completion of cellos for bash: eval "$(cellos completion bash)"
_cellos() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev= i
  COMPREPLY=()
  [ "$COMP_CWORD" -gt 0 ] && prev=\${COMP_WORDS[COMP_CWORD-1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(`${commands.map((command) => command.name).join(' ')} help --help --version`)} -- "$cur"))
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    if [ "\${COMP_WORDS[i]}" = -- ]; then
      if [ $((COMP_CWORD - i)) -eq 1 ]; then COMPREPLY=($(compgen -c -- "$cur")); else COMPREPLY=($(compgen -f -- "$cur")); fi
      return
    fi
  done
  case "\${COMP_WORDS[1]}" in
    help) COMPREPLY=($(compgen -W ${quoted(commands.map((command) => command.name).join(' '))} -- "$cur")) ;;
${cases.join('\n')}
  esac
}
complete -o filenames -o bashdefault -F _cellos cellos
`;
}

const zshText = (text: string): string => text.replace(/[[\]:\\]/g, (char) => `\\${char}`);

function zsh(commands: readonly CommandInfo[]): string {
  const action = (option: OptionInfo): string => (option.value === undefined ? '' : `:${zshText(option.value)}:${option.values !== undefined ? `(${option.values.join(' ')})` : isFolder(option) ? '_files -/' : isFile(option) ? '_files' : ''}`);
  const operand = (command: CommandInfo): string => {
    if (command.operand === 'none') return '';
    if (command.operand === 'file') return "'*::command:_normal'";
    if (command.operand === 'run') return `'*:run:{_alternative "runs:run:($(${IDS}))"${takesPath(command) ? ' "files:bundle:_files"' : ''}}'`;
    if (command.operand === 'running-run') return `'*:run:{_alternative "runs:run:($(${RUNNING_IDS}))"}'`;
    const second = command.runAction === undefined ? '' : ` '2:operand:{[[ $words[2] = ${command.runAction} ]] && _alternative "runs:run:($(${IDS}))" "files:file:_files" || _files}'`;
    return `'1:action:(${command.operand.join(' ')})'${second} '*:file:_files'`;
  };
  const cases = commands.map((command) => {
    const specs = command.options.flatMap((option) => flags(option).map((flag) => quoted(`${option.multiple ? '*' : ''}${flag}[${zshText(option.about)}]${action(option)}`)));
    return `    ${command.name}) _arguments ${[...specs, "'--help[show help]'", operand(command)].filter((part) => part !== '').join(' ')} ;;`;
  });
  const names = commands.map((command) => quoted(`${command.name}:${zshText(command.about.split('\n')[0] ?? '')}`)).join(' ');
  return `#compdef cellos
# Completion of cellos for zsh: eval "$(cellos completion zsh)"
_cellos() {
  local -a commands=(${names} 'help:show help')
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words; (( CURRENT-- ))
  case $command in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
(( $+functions[compdef] )) && compdef _cellos cellos
`;
}

function fish(commands: readonly CommandInfo[]): string {
  const lines = ['# Completion of cellos for fish: cellos completion fish > ~/.config/fish/completions/cellos.fish', 'complete -c cellos -f'];
  for (const command of commands) {
    const here = quoted(`__fish_seen_subcommand_from ${command.name}`);
    lines.push(`complete -c cellos -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.about.split('\n')[0] ?? '')}`);
    for (const option of command.options) {
      const takes = option.value === undefined ? '' : option.values !== undefined ? ` -x -a ${quoted(option.values.join(' '))}` : isFile(option) ? ' -r -F' : ' -x';
      lines.push(`complete -c cellos -n ${here} -l ${option.name}${option.short === undefined ? '' : ` -s ${option.short}`}${takes} -d ${quoted(option.about)}`);
    }
    if (command.operand === 'run' || command.operand === 'running-run') lines.push(`complete -c cellos -n ${here} -a ${quoted(`(${command.operand === 'run' ? IDS : RUNNING_IDS})`)}`);
    if (command.operand === 'file' || takesPath(command) || command.name === 'keys' || command.name === 'policy') lines.push(`complete -c cellos -n ${here} -F`);
    if (command.runAction !== undefined) lines.push(`complete -c cellos -n ${quoted(`__fish_seen_subcommand_from ${command.name}; and __fish_seen_subcommand_from ${command.runAction}`)} -a ${quoted(`(${IDS})`)}`);
    if (Array.isArray(command.operand)) lines.push(`complete -c cellos -n ${here} -a ${quoted(command.operand.join(' '))}`);
  }
  return `${lines.join('\n')}\n`;
}

export const COMPLETIONS: Readonly<Record<Shell, (commands: readonly CommandInfo[]) => string>> = { bash, zsh, fish };
