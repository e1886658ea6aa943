/**
 * Settings of the command itself: time limit, allowed programs, namespaces, groups, filter. Pure. What is wrong here ends the run where the
 * reference would start the command, and not the start: the events before it are the same.
 */
import type { Environment } from './env.ts';
import { parseU64, trimmed } from './setting.ts';

export interface RunSettings {
  readonly timeoutMs?: bigint;
  /** Folders a program may lie in; empty: any. */
  readonly programPrefixes: readonly string[];
  readonly unshare: ReadonlySet<'pid' | 'ipc' | 'net' | 'uts' | 'mount'>;
  readonly cgroup?: { readonly parent: string; readonly memoryMax?: string; readonly cpuMax?: { readonly quotaMicros?: number; readonly periodMicros: number } };
  readonly seccomp: 'default' | 'off' | { readonly path: string };
  /** Why the command cannot be started, in the order they would show. */
  readonly problems: readonly string[];
  readonly notes: readonly string[];
}

const NAMESPACES: Readonly<Record<string, 'pid' | 'ipc' | 'net' | 'uts' | 'mount'>> = { pid: 'pid', ipc: 'ipc', net: 'net', uts: 'uts', mnt: 'mount', mount: 'mount', ns: 'mount' };

function readUnshare(value: string | undefined, notes: string[]): RunSettings['unshare'] {
  const text = value?.trim().toLowerCase() ?? '';
  if (text === '1' || text === 'default') return new Set(['pid', 'ipc', 'mount', 'net']);
  const found = new Set<'pid' | 'ipc' | 'net' | 'uts' | 'mount'>();
  for (const token of text.split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const name = NAMESPACES[token];
    if (name === undefined) notes.push(`CELLOS_SUBPROCESS_UNSHARE holds ${JSON.stringify(token)}, which names no namespace: passed over`);
    else found.add(name);
  }
  return found;
}

/** `max`, `QUOTA`, `max PERIOD`, `QUOTA PERIOD`, in microseconds; undefined when it is none of them. */
export function parseCpuMax(text: string): { quotaMicros?: number; periodMicros: number } | undefined {
  const [quota = '', period = '100000', ...more] = text.trim().split(/\s+/);
  const micros = (part: string): number | undefined => (/^\d{1,15}$/.test(part) && Number(part) >= 1 ? Number(part) : undefined);
  const periodMicros = micros(period);
  const quotaMicros = quota === 'max' ? undefined : micros(quota);
  if (more.length > 0 || periodMicros === undefined || (quota !== 'max' && quotaMicros === undefined)) return undefined;
  return { ...(quotaMicros === undefined ? {} : { quotaMicros }), periodMicros };
}

function readCgroup(env: Environment, notes: string[]): RunSettings['cgroup'] {
  const parent = trimmed(env['CELLOS_CGROUP_PARENT']);
  if (parent === undefined) return undefined;
  const memoryMax = trimmed(env['CELLOS_CGROUP_MEMORY_MAX']);
  const cpu = trimmed(env['CELLOS_CGROUP_CPU_MAX']);
  const cpuMax = cpu === undefined ? undefined : parseCpuMax(cpu);
  if (cpu !== undefined && cpuMax === undefined) notes.push(`CELLOS_CGROUP_CPU_MAX is ${JSON.stringify(cpu)}, which is no quota: passed over`);
  return { parent, ...(memoryMax === undefined ? {} : { memoryMax }), ...(cpuMax === undefined ? {} : { cpuMax }) };
}

function readSeccomp(env: Environment, problems: string[]): RunSettings['seccomp'] {
  const asked = env['CELLOS_SUBPROCESS_SECCOMP']?.trim().toLowerCase();
  const path = trimmed(env['CELLOS_SECCOMP_BPF_PATH']);
  if (asked === undefined) return path === undefined ? 'default' : { path };
  if (asked === '' || asked === '0' || asked === 'off' || asked === 'none') return path === undefined ? 'off' : { path };
  if (asked === '1' || asked === 'default' || asked === 'baseline') {
    if (path !== undefined) problems.push('seccomp: CELLOS_SUBPROCESS_SECCOMP asks for the built-in filter, and CELLOS_SECCOMP_BPF_PATH for another: set one of them');
    return 'default';
  }
  if (asked === 'bpf' || asked === 'path' || asked === 'file') {
    if (path !== undefined) return { path };
    problems.push(`seccomp: CELLOS_SUBPROCESS_SECCOMP is ${asked}, and CELLOS_SECCOMP_BPF_PATH names no program`);
    return 'default';
  }
  problems.push(`seccomp: CELLOS_SUBPROCESS_SECCOMP is ${JSON.stringify(env['CELLOS_SUBPROCESS_SECCOMP'])}: give baseline, bpf or off`);
  return 'default';
}

function readTimeout(value: string | undefined, problems: string[]): bigint | undefined {
  const text = trimmed(value);
  if (text === undefined) return undefined;
  const ms = parseU64(text);
  if (ms === undefined) problems.push(`CELLOS_RUN_TIMEOUT_MS is ${JSON.stringify(value)}: give a whole number of milliseconds`);
  else if (ms === 0n) problems.push('CELLOS_RUN_TIMEOUT_MS is 0: a command needs time; give more than 0, or unset it');
  else return ms;
  return undefined;
}

export function readRunSettings(env: Environment): RunSettings {
  const problems: string[] = [];
  const notes: string[] = [];
  const timeoutMs = readTimeout(env['CELLOS_RUN_TIMEOUT_MS'], problems);
  const cgroup = readCgroup(env, notes);
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    programPrefixes: (env['CELLOS_RUN_ARGV0_ALLOW_PREFIXES'] ?? '').split(',').map((part) => part.trim().replace(/[/\\]+$/, '').replaceAll('\\', '/')).filter((part) => part !== ''),
    unshare: readUnshare(env['CELLOS_SUBPROCESS_UNSHARE'], notes),
    ...(cgroup === undefined ? {} : { cgroup }),
    seccomp: readSeccomp(env, problems),
    problems,
    notes,
  };
}
