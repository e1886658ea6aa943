/** Options and operands of `run` and `plan` → a document and what is asked beside it. */
import { utf8 } from '../base/bytes.ts';
import { sha256Hex } from '../base/crypto.ts';
import { CellError } from '../base/errors.ts';
import { isPortableIdentifier } from '../base/ids.ts';
import { askedMount, hostPath, secretSource } from '../compose/asks.ts';
import type { SecretSource } from '../ports/secret-broker.ts';
import { DEFAULTS, type RunAsks } from '../core/plan/asks.ts';
import type { ExecutionCellSpec, SecretDeliveryMode, SpecDocument } from '../core/spec/document.ts';
import type { PolicyGate } from '../core/policy/decision.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';
import type { ParsedArgs } from './command.ts';
import { parseDuration, parsePositive, parseSize } from '../base/quantity.ts';

export interface CliRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
  /** The pack named with --policy. */
  readonly policy?: PolicyGate;
  /** Was the document read from stdin? Then the command finds it at its end. */
  readonly stdinTaken: boolean;
}

const usage = (message: string): CellError => new CellError('usage.invalid', message);

function pair(option: string, text: string): [string, string] {
  const at = text.indexOf('=');
  if (at <= 0) throw usage(`Cannot use ${option} ${JSON.stringify(text)}: write NAME=VALUE`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function secret(text: string): [string, SecretSource] {
  const at = text.indexOf('=');
  const name = at < 0 ? text : text.slice(0, at);
  return [name, secretSource('--secret', name, at < 0 ? undefined : text.slice(at + 1))];
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
    mounts: [...args.texts('ro').map((text) => askedMount('ro', '--ro', text)), ...args.texts('rw').map((text) => askedMount('rw', '--rw', text))],
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

const DELIVERIES: readonly SecretDeliveryMode[] = ['env', 'runtimeBroker', 'runtimeLeasedBroker'];

function secretDelivery(args: ParsedArgs): SecretDeliveryMode {
  const text = args.text('secret-delivery') ?? 'env';
  const found = DELIVERIES.find((mode) => mode === text);
  if (found === undefined) throw usage(`Cannot use --secret-delivery ${JSON.stringify(text)}: it is one of ${DELIVERIES.join(', ')}`);
  return found;
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
    run: { argv, secretDelivery: secretDelivery(args) },
    ...(artifacts.length === 0 ? {} : { export: { artifacts } }),
  };
  const document = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec };
  return { document, format: 'json', rawHash: sha256Hex(utf8(JSON.stringify(document))), specHash: canonicalSpecHash(spec), warnings: [] };
}

/** @throws CellError `usage.invalid` | `spec.unreadable` | `spec.invalid` | `document.invalid` */
export async function requestOf(args: ParsedArgs, command: string): Promise<CliRequest> {
  const secretSources = new Map(args.texts('secret').map(secret));
  const asks = asksOf(args, secretSources);
  const pack = args.text('policy');
  // Loaded only when a pack is named; none is ever looked for.
  const policy = pack === undefined ? {} : { policy: await (await import('./policy-request.ts')).policyGate(pack) };
  const [path, ...more] = args.positionals;
  if (args.rest !== undefined) {
    if (path !== undefined) throw usage(`Cannot run both a document and a command: ${path} stands before --; put the whole command after it`);
    if (args.rest.length === 0 || args.rest[0] === '') throw usage(`Cannot run nothing: give a command after --, as in cellos ${command} -- true`);
    return { document: commandDocument(args, args.rest, [...secretSources.keys()]), asks, secretSources, ...policy, stdinTaken: false };
  }
  if (path === undefined) throw usage(`Cannot run nothing: give a document, or a command after --, as in cellos ${command} -- true`);
  if (more.length > 0) throw usage(`Cannot run ${args.positionals.length} documents at once: to run a command write cellos ${command} -- ${args.positionals.join(' ')}`);
  // Loaded only here: a command on the command line needs no reader.
  const { documentOf } = await import('./spec-request.ts');
  return { document: await documentOf(args, path), asks, secretSources, ...policy, stdinTaken: path === '-' };
}
