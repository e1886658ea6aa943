/** What `Cell.create` takes, turned into a document and the asks beside it. */
import { utf8 } from '../base/bytes.ts';
import { sha256Hex } from '../base/crypto.ts';
import { CellError } from '../base/errors.ts';
import { isPortableIdentifier } from '../base/ids.ts';
import { parseDuration, parseSize } from '../base/quantity.ts';
import { askedMount, hostPath, secretSource } from '../compose/asks.ts';
import { readPolicyPack, readSpec } from '../compose/documents.ts';
import { newRunId } from '../compose/local.ts';
import { currentSettings } from '../config/env.ts';
import { DEFAULTS, type RunAsks } from '../core/plan/asks.ts';
import type { PolicyGate } from '../core/policy/decision.ts';
import { callerOf } from '../core/policy/policy-input.ts';
import { allowsDowngrade } from '../core/policy/policy-version.ts';
import type { LoadedPack } from '../core/policy/read-policy.ts';
import type { ExecutionCellSpec, SpecDocument } from '../core/spec/document.ts';
import { canonicalSpecHash } from '../core/spec/hash.ts';
import type { SecretSource } from '../ports/secret-broker.ts';

export interface CellOptions {
  /** Names the cell in its evidence and among exported files; default: a fresh name. */
  readonly id?: string;
  /** Host folder shown at `/work`; what the cell writes lands in an overlay and is dropped with it. Default: an empty, writable `/work`. */
  readonly workspace?: string;
  /** Host paths to show read-only: `PATH`, or `PATH:TARGET` for another place in the cell. */
  readonly ro?: readonly string[];
  /** Host paths to show writable: changes are real. */
  readonly rw?: readonly string[];
  /** Variables of every command. Nothing of the host's environment is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** Name in the cell → where the value comes from: `env:VARIABLE` or `file:/path` of this host. Commands get it in their environment. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Bytes, or text like `512M`. Default: half of this host. */
  readonly memory?: number | string;
  /** Processors, whole or not. Default: no limit. */
  readonly cpus?: number;
  /** Processes at once. Default 512. */
  readonly pids?: number;
  /** Time to live of the whole cell, idle or not: milliseconds, or text like `30s`; whole seconds, rounded up. Default one hour. */
  readonly ttl?: number | string;
  /**
   * An ExecutionCell document, JSON or YAML, read strictly; or one that `parseSpec` of `cellos/core` has read. Its limits, secrets, artifacts and
   * time to live hold. Its command runs only when you `exec(cell.plan.argv)`.
   */
  readonly document?: SpecDocument | Uint8Array | string;
  /** Folder for the evidence bundle, new or empty. Default: in the state folder. */
  readonly evidence?: string;
  /** Default: CELLOS_STATE_DIR, else `/var/lib/cellos` for root, else in the user's state folder. */
  readonly stateDir?: string;
  /** Folder that `cell.export` delivers to, beside the copy in the evidence. Default: CELLOS_EXPORT_DIR, else none. */
  readonly exportDir?: string;
  /** Names of plan items that may be weaker than asked; the evidence says so. */
  readonly allowDowngrade?: readonly string[];
  /**
   * A policy pack, JSON or YAML, that has to permit the cell; or one that `parsePolicyPack` of `cellos/core` has read. Its decision is the first thing
   * in the evidence after the beginning.
   */
  readonly policy?: LoadedPack | Uint8Array | string;
  /** Who asks, for a pack that grants secrets by caller. Default: CELLOS_CALLER_IDENTITY, else `default`. */
  readonly caller?: string;
  /** Members of events that are blanked before they are signed: a name, `TYPE:NAME`, `TYPE:*`, `defaults` (argv, path, reason) or `wide`. The evidence says which. */
  readonly redact?: readonly string[];
  /** Aborting it ends the cell, whatever goes on in it. */
  readonly signal?: AbortSignal;
}

export interface CellRequest {
  readonly document: SpecDocument;
  readonly asks: RunAsks;
  readonly secretSources: ReadonlyMap<string, SecretSource>;
  readonly policy?: PolicyGate;
}

const usage = (message: string): CellError => new CellError('usage.invalid', message);

function positive(option: string, value: number | undefined, whole: boolean): number | undefined {
  if (value === undefined || (value > 0 && Number.isFinite(value) && (!whole || Number.isSafeInteger(value)))) return value;
  throw usage(`Cannot use ${option} ${String(value)}: it has to be a positive ${whole ? 'whole ' : ''}number`);
}

/** @throws CellError `usage.invalid` */
export function checkVariables(env: Readonly<Record<string, string>>, secrets: readonly string[]): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || /[=\0]/.test(name) || typeof value !== 'string' || value.includes('\0')) throw usage(`Cannot set the variable ${JSON.stringify(name)}: neither name nor value may hold a NUL character, and the name no "="`);
    if (secrets.includes(name)) throw usage(`Cannot set the variable ${name}: a secret has this name`);
  }
}

function ownDocument(options: CellOptions, secrets: readonly string[]): SpecDocument {
  const id = options.id ?? `cell-${newRunId()}`;
  if (!isPortableIdentifier(id)) throw usage(`Cannot name a cell ${JSON.stringify(id)}: use letters, digits, dot, dash and underscore, at most 128`);
  const { ttl } = options;
  const ttlMs = typeof ttl === 'string' ? parseDuration('ttl', ttl) : positive('ttl', ttl, false);
  const ttlSeconds = ttlMs === undefined ? DEFAULTS.ttlSeconds : Math.max(1, Math.ceil(ttlMs / 1000));
  const spec: ExecutionCellSpec = { id, authority: secrets.length === 0 ? {} : { secretRefs: secrets }, lifetime: { ttlSeconds } };
  const document = { apiVersion: 'cellos.io/v1', kind: 'ExecutionCell', spec };
  return { document, format: 'json', rawHash: sha256Hex(utf8(JSON.stringify(document))), specHash: canonicalSpecHash(spec), warnings: [] };
}

async function policyOf({ policy, caller }: CellOptions): Promise<PolicyGate | undefined> {
  if (policy === undefined) {
    if (caller !== undefined) throw usage('Cannot use caller without policy: nobody asks who it is');
    return undefined;
  }
  const { callerIdentity, policyAllowDowngrade } = currentSettings();
  const bytes = typeof policy === 'string' ? utf8(policy) : policy;
  const pack = bytes instanceof Uint8Array ? await readPolicyPack(bytes, { format: 'auto', name: 'policy', allowDowngrade: allowsDowngrade(policyAllowDowngrade) }) : bytes;
  return { pack, caller: caller ?? callerOf(callerIdentity) };
}

/** @throws CellError `usage.invalid` | `spec.invalid` | `document.invalid` | `yaml.invalid` | `json.invalid` */
export async function requestOf(options: CellOptions): Promise<CellRequest> {
  const secretSources = new Map(Object.entries(options.secrets ?? {}).map(([name, source]) => [name, secretSource('secrets', name, source)] as const));
  const names = [...secretSources.keys()];
  const { document: given } = options;
  const document = typeof given === 'string' ? await readSpec(utf8(given)) : given instanceof Uint8Array ? await readSpec(given) : given;
  if (document !== undefined) {
    for (const name of ['id', 'ttl'] as const) if (options[name] !== undefined) throw usage(`Cannot use ${name} beside a document: the document says it`);
    const refs: readonly string[] = document.document.spec.authority.secretRefs ?? [];
    for (const name of names) if (!refs.includes(name)) throw usage(`Cannot give the secret ${name}: the document does not ask for it in authority.secretRefs`);
  }
  const env = { ...options.env };
  checkVariables(env, names);
  const { memory } = options;
  const memoryMaxBytes = typeof memory === 'string' ? parseSize('memory', memory) : positive('memory', memory, true);
  const cpus = positive('cpus', options.cpus, false);
  const pidsMax = positive('pids', options.pids, true);
  const asks: RunAsks = {
    mounts: [...(options.ro ?? []).map((text) => askedMount('ro', 'ro', text)), ...(options.rw ?? []).map((text) => askedMount('rw', 'rw', text))],
    ...(options.workspace === undefined ? {} : { workspace: hostPath('workspace', options.workspace) }),
    env,
    ...(memoryMaxBytes === undefined ? {} : { memoryMaxBytes }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(pidsMax === undefined ? {} : { pidsMax }),
    allowDowngrade: options.allowDowngrade ?? [],
    secretSources: names,
    localExport: options.exportDir !== undefined,
  };
  const policy = await policyOf(options);
  return { document: document ?? ownDocument(options, names), asks, secretSources, ...(policy === undefined ? {} : { policy }) };
}
