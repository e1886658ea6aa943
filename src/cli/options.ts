/** Options that several commands share. */
import type { OptionInfo } from './command.ts';

export const JSON_OPTION: OptionInfo = { name: 'json', about: 'one JSON document on stdout, for programs' };

export const TRUST: OptionInfo = { name: 'trust', value: 'FILE', multiple: true, about: 'trust the root keys in FILE, as cellos keys export writes it, and no others (default: the keys of this host, and those given with cellos keys trust)' };

export const ASK_OPTIONS: readonly OptionInfo[] = [
  { name: 'workspace', value: 'DIR', about: 'show DIR at /work; what is written lands in an overlay, and DIR stays as it is (see cellos diff)' },
  { name: 'ro', value: 'PATH[:TARGET]', multiple: true, about: 'show a host path, read-only' },
  { name: 'rw', value: 'PATH[:TARGET]', multiple: true, about: 'show a host path, writable' },
  { name: 'secret', value: 'NAME[=BROKER:KEY]', multiple: true, about: 'give a secret: NAME of the environment, or env:VARIABLE, or file:/path' },
  { name: 'secret-delivery', value: 'MODE', values: ['env', 'runtimeBroker', 'runtimeLeasedBroker'], about: 'env (default); or by a socket, which the command asks with `secret get NAME`: values taken at the start, or read from the lease each time' },
  { name: 'env', value: 'K=V', multiple: true, short: 'e', about: 'set a variable in the cell' },
  { name: 'ttl', value: 'DURATION', about: 'end the cell after this time (default 1h)' },
  { name: 'memory', value: 'SIZE', about: 'memory limit, e.g. 512M (default half of this host)' },
  { name: 'cpus', value: 'N', about: 'processor limit, e.g. 1.5' },
  { name: 'pids', value: 'N', about: 'process limit (default 512)' },
  { name: 'export', value: 'NAME=PATH', multiple: true, about: 'copy a file out of the cell into the evidence, when the command ends with 0' },
  { name: 'policy', value: 'PACK', about: 'refuse what the policy pack in this file does not permit; none is read unless it is named (cellos policy --help)' },
  { name: 'compatible', about: 'read a document as the reference does: warn where it is refused otherwise (unknown keys …)' },
  { name: 'allow-downgrade', value: 'NAME', multiple: true, about: 'go on although NAME, a row of cellos plan, is not in force as asked; the evidence says so' },
];

export const USAGE_EXIT = ['64', 'wrong usage, or no such run'] as const;
export const OK_EXIT = ['0', 'done'] as const;
