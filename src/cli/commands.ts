/** The commands of `cellos`, as a table. No command's code is loaded to read it. */
import type { CommandInfo, OptionInfo } from './command.ts';

const JSON_OPTION: OptionInfo = { name: 'json', about: 'machine-readable output' };
const TRUST: OptionInfo = { name: 'trust', value: 'FILE', multiple: true, about: 'root keys to trust, as cellos keys export writes them (default: the keys of this host)' };

const ASK_OPTIONS: readonly OptionInfo[] = [
  { name: 'workspace', value: 'DIR', about: 'show DIR at /work; what is written lands in an overlay, and DIR stays as it is (see cellos diff)' },
  { name: 'apply', about: 'bring what changed in the workspace into DIR when the command ends with 0' },
  { name: 'ro', value: 'PATH[:TARGET]', multiple: true, about: 'show a host path, read-only' },
  { name: 'rw', value: 'PATH[:TARGET]', multiple: true, about: 'show a host path, writable' },
  { name: 'secret', value: 'NAME[=BROKER:KEY]', multiple: true, about: 'give a secret: NAME of the environment, or env:VARIABLE, or file:/path' },
  { name: 'secret-delivery', value: 'MODE', about: 'env (default), or runtimeBroker or runtimeLeasedBroker: the command asks a socket, with `secret get NAME`' },
  { name: 'env', value: 'K=V', multiple: true, short: 'e', about: 'set a variable in the cell' },
  { name: 'ttl', value: 'DURATION', about: 'end the cell after this time (default 1h)' },
  { name: 'memory', value: 'SIZE', about: 'memory limit (default half of this host)' },
  { name: 'cpus', value: 'N', about: 'processor limit, e.g. 1.5' },
  { name: 'pids', value: 'N', about: 'process limit (default 512)' },
  { name: 'export', value: 'NAME=PATH', multiple: true, about: 'copy a file out of the cell into the evidence' },
  { name: 'compatible', about: 'read a document as the reference does: warn where it is refused otherwise (unknown keys …)' },
  { name: 'allow-downgrade', value: 'NAME', multiple: true, about: 'run although NAME cannot be enforced here; the evidence says so' },
];

export const COMMANDS: readonly CommandInfo[] = [
  {
    name: 'run',
    usage: '[options] -- ARGV… | [options] SPEC',
    about: "Runs a command, or an ExecutionCell document (YAML, JSON, - for stdin), in a fresh cell.\nstdout, stderr and the exit code are the command's own. CellOS's own exit codes: 120 refused, 121 cannot be\nenforced here, 122 residue, 123 evidence failed, 124 time limit, 125 other failure, 126 not executable, 127 not found.",
    options: [
      ...ASK_OPTIONS,
      { name: 'evidence', value: 'DIR', about: 'put the evidence bundle into DIR (new or empty)' },
      { name: 'result', value: 'FILE', about: 'write the result document to FILE' },
      { name: 'quiet', short: 'q', about: 'say nothing of our own' },
    ],
    examples: ["cellos run -- sh -c 'echo hello'", 'cellos run --workspace . --ttl 5m -- make test', 'cellos run --secret TOKEN -- deploy.sh'],
    load: async () => (await import('./commands/run.ts')).runCommandLine,
  },
  {
    name: 'verify',
    usage: '[options] PATH|RUN',
    about: 'Audits an evidence bundle offline: a folder, a .tar of one, or JSON Lines of signed events.\nExit codes: 0 complete, 10 incomplete-tail, 11 tampered, 12 untrusted-key, 13 stale-trust, 14 unsupported,\n15 authentic-unordered.',
    options: [
      TRUST,
      { name: 'at', value: 'TIME', about: 'judge the keys as of TIME (RFC 3339, or now): a keyset that has run out by then is stale-trust' },
      { name: 'min-epoch', value: 'N', about: 'keysets before epoch N are stale-trust' },
      JSON_OPTION,
    ],
    examples: ['cellos verify ./evidence', 'cellos verify --trust auditor-keys.json bundle.tar'],
    load: async () => (await import('./commands/verify.ts')).verifyCommandLine,
  },
  {
    name: 'diff',
    usage: 'RUN [options]',
    about: 'Lists what a run changed in its workspace: A added, M modified, D deleted, ! neither file, folder nor symlink.',
    options: [{ name: 'patch', short: 'p', about: 'show the changed lines of text files, while the overlay is kept (needs diff)' }, JSON_OPTION],
    examples: ['cellos diff RUN', 'cellos diff --patch RUN'],
    load: async () => (await import('./commands/workspace.ts')).diffCommandLine,
  },
  {
    name: 'apply',
    usage: 'RUN',
    about: 'Brings what a run changed in its workspace into the folder. All or nothing: a folder that has moved on is left alone.',
    options: [JSON_OPTION],
    examples: ['cellos apply RUN'],
    load: async () => (await import('./commands/workspace.ts')).applyCommandLine,
  },
];
