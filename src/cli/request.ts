/** Options and operands of `run` and `plan` → a document and what is asked beside it. */
import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { utf8 } from '../base/bytes.ts';
import { sha256Hex } from '../base/crypto.ts';
import { CellError, errnoOf } from '../base/errors.ts';
import { isPortableIdentifier } from '../base/ids.ts';
import type { SecretSource } from '../compose/local.ts';
import { type AskedMount, DEFAULTS, type RunAsks } from '../core/plan/asks.ts';
import type { ExecutionCellSpec, SpecDocument } from '../core/spec/document.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';
import type { ParsedArgs } from './command.ts';
import { parseDuration, parsePositive, parseSize } from './duration.ts';

export interface CliRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
}

const usage = (message: string): CellError => new CellError('usage.invalid', message);

function hostPath(option: string, path: string): { source: string; owner: { uid: number; gid: number } } {
  try {
    const source = realpathSync(path);
    const { uid, gid } = statSync(source);
    return { source, owner: { uid, gid } };
  } catch (error) {
    throw usage(`Cannot use ${option} ${path}: ${errnoOf(error) === 'ENOENT' ? 'it does not exist' : (errnoOf(error) ?? 'it cannot be read')}`);
  }
}

const RESERVED = ['/', '/proc', '/dev', '/usr', '/etc', '/run', '/run/cellos', '/bin', '/sbin', '/lib', '/lib64', '/sys'];

function mount(kind: 'ro' | 'rw', text: string): AskedMount {
  const [path = '', target] = text.split(/:(?=\/)/);
  const { source, owner } = hostPath(`--${kind}`, path);
  const at = target ?? resolve(path);
  if (!isAbsolute(at) || at.split('/').includes('..')) throw usage(`Cannot use --${kind} ${text}: the place in the cell has to be an absolute path`);
  if (RESERVED.includes(at.replace(/(?<=.)\/$/, '')) || at.startsWith('/proc/') || at.startsWith('/run/cellos')) throw usage(`Cannot use --${kind} ${text}: ${at} belongs to the cell itself; name another place with PATH:TARGET`);
  return { kind, source, target: at, owner };
}

function pair(option: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw usage(`Cannot use ${option} ${JSON.stringify(text)}: write NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function secretSource(text: string): [string, SecretSource] {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name) || !isPortableIdentifier(name)) throw usage(`Cannot use --secret ${JSON.stringify(name)}: a secret is named like a variable`);
  if (/^(?:PATH|LD_.*|HOME|TMPDIR|CELLOS_.*)$/.test(name)) throw usage(`Cannot use --secret ${name}: the name is reserved, as it would change how programs are found or loaded`);
  if (at < 0) return [name, { broker: 'env', key: name }];
  const [, broker, key = ''] = /^(env|file):(.+)$/.exec(text.slice(at + 1)) ?? [];
  if (broker === undefined) throw usage(`Cannot use --secret ${name}=…: a source is env:VARIABLE or file:/path; a value does not belong on a command line`);
  return [name, broker === 'env' ? { broker, key } : { broker: 'file', path: resolve(key) }];
}

function asksOf(args: ParsedArgs, sources: ReadonlyMap<string, SecretSource>): RunAsks {
  const env: Record<string, string> = {};
  for (const text of args.texts('env')) {
    const [name, value] = pair('--env', text);
    env[name] = value;
  }
  const workspace = args.text('workspace');
  const memory = args.text('memory');
  const cpus = args.text('cpus');
  const pids = args.text('pids');
  return {
    mounts: [...args.texts('ro').map((text) => mount('ro', text)), ...args.texts('rw').map((text) => mount('rw', text))],
    ...(workspace === undefined ? {} : { workspace: hostPath('--workspace', workspace) }),
    env,
    ...(memory === undefined ? {} : { memoryMaxBytes: parseSize('--memory', memory) }),
    ...(cpus === undefined ? {} : { cpus: parsePositive('--cpus', cpus, false) }),
    ...(pids === undefined ? {} : { pidsMax: parsePositive('--pids', pids, true) }),
    allowDowngrade: args.texts('allow-downgrade'),
    secretSources: [...sources.keys()],
    localExport: false,
  };
}

function commandDocument(args: ParsedArgs, argv: readonly string[], secrets: readonly string[]): SpecDocument {
  const ttl = args.text('ttl');
  const ttlSeconds = ttl === undefined ? DEFAULTS.ttlSeconds : Math.max(1, Math.ceil(parseDuration('--ttl', ttl) / 1000));
  const artifacts = args.texts('export').map((text) => {
    const [name, path] = pair('--export', text);
    if (!isPortableIdentifier(name)) throw usage(`Cannot use --export ${JSON.stringify(name)}: use letters, digits, dot, dash and underscore`);
    return { name, path };
  });
  const spec: ExecutionCellSpec = {
    id: 'command',
    authority: secrets.length === 0 ? {} : { secretRefs: secrets },
    lifetime: { ttlSeconds },
    run: { argv, secretDelivery: 'env' },
    ...(artifacts.length === 0 ? {} : { export: { artifacts } }),
  };
  const document = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec };
  return { document, format: 'json', rawHash: sha256Hex(utf8(JSON.stringify(document))), specHash: canonicalSpecHash(spec), warnings: [] };
}

/** @throws CellError `usage.invalid` | `spec.*` | `yaml.invalid` | `json.invalid` */
export function requestOf(args: ParsedArgs, command: string): CliRequest {
  const secretSources = new Map(args.texts('secret').map(secretSource));
  const asks = asksOf(args, secretSources);
  const [path, ...more] = args.positionals;
  if (args.rest !== undefined) {
    if (path !== undefined) throw usage(`Cannot run both a document and a command: ${path} stands before --; put the whole command after it`);
    if (args.rest.length === 0 || args.rest[0] === '') throw usage(`Cannot run nothing: give a command after --, as in cellos ${command} -- true`);
    return { document: commandDocument(args, args.rest, [...secretSources.keys()]), asks, secretSources };
  }
  if (path === undefined) throw usage(`Cannot run nothing: give a document, or a command after --, as in cellos ${command} -- true`);
  if (more.length > 0) throw usage(`Cannot run ${args.positionals.length} documents at once: to run a command write cellos ${command} -- ${args.positionals.join(' ')}`);
  throw new CellError('spec.unreadable', `Cannot run the document ${path}: this version runs commands only; write cellos ${command} -- ARGV`);
}
