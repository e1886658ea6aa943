/**
 * The settings of `cellos-supervisor`: every variable of the reference that this tier honours, read once. Pure: variables in, values out.
 *
 *   SC1  one profile value decides: trimmed, any case; unset is `hardened`, with all that `hardened` sets;
 *   SC2  all problems are found at once, and sorted by the step of the start that the reference would stop at;
 *   SC3  what asks for something this tier has not is a problem, never passed over.
 */
import type { Environment } from './env.ts';
import { isTruthy, nonBlank, saysNo, trimmed } from './setting.ts';
import { readRunSettings, type RunSettings } from './supervisor-run.ts';
import { type ConfigWarning, START_STEPS, type StartProblem } from './supervisor-problem.ts';

export type Profile = 'hardened' | 'portable' | 'airgapped';

export interface SupervisorConfig {
  readonly profile: Profile;
  /** As given; undefined when unset or blank. */
  readonly profileText: string | undefined;
  readonly runId: string | undefined;
  readonly backend: 'stub' | 'proprietary';
  readonly broker: 'env' | 'file' | 'memory';
  readonly require: {
    readonly derivation: boolean;
    readonly telemetry: boolean;
    readonly scopedTokens: boolean;
    readonly admissionReceipts: boolean;
    readonly ceiling: boolean;
    readonly verifyKeys: boolean;
    readonly hostBaseline: boolean;
    readonly jetstream: boolean;
  };
  readonly strict: boolean;
  readonly namespace: string | undefined;
  readonly paths: {
    readonly authorityKeys: string | undefined;
    readonly policyPack: string | undefined;
    readonly authzPolicy: string | undefined;
    readonly verifyKeys: string | undefined;
    readonly keyset: string | undefined;
    readonly keysetChain: string | undefined;
    readonly ceiling: string | undefined;
    readonly anchor: string | undefined;
  };
  readonly policyAllowDowngrade: boolean;
  /** Who asks, as the policy pack knows it. */
  readonly caller: string;
  readonly events: {
    readonly subject: { readonly template: string | undefined; readonly tenantId: string | undefined; readonly subject: string | undefined };
    readonly natsUrl: string;
    readonly natsCaFile: string | undefined;
    readonly noop: boolean;
    readonly mirror: string | undefined;
    readonly chained: boolean;
    readonly deadLetterDir: string | undefined;
    readonly redact: string | undefined;
    readonly signing: { readonly toggle: string | undefined; readonly kid: string | undefined; readonly key: string | undefined };
    readonly spoolDir: string | undefined;
  };
  readonly trustPlane: { readonly events: boolean; readonly resolve: boolean; readonly l7Gate: boolean; readonly keysetId: string; readonly resolverKid: string; readonly l7Kid: string };
  readonly run: RunSettings;
  readonly caBundle: string | undefined;
  /** Names that a test wants to be missing of the host, besides what is. */
  readonly missing: readonly string[];
}

export interface SupervisorReading {
  readonly config: SupervisorConfig;
  /** In the order of the start. */
  readonly problems: readonly StartProblem[];
  readonly warnings: readonly ConfigWarning[];
  /** Worth a line on stderr, and nothing more. */
  readonly notes: readonly string[];
}

const PROFILES: readonly Profile[] = ['hardened', 'portable', 'airgapped'];

/** SC1. @returns undefined for a name that is none */
export function parseProfile(value: string | undefined): Profile | undefined {
  const name = value?.trim().toLowerCase() ?? '';
  return name === '' ? 'hardened' : PROFILES.find((profile) => profile === name);
}

/** Variables that count by being set, whatever they hold. */
const BY_PRESENCE = ['CELLOS_REQUIRE_AUTHORITY_DERIVATION', 'CELLOS_REQUIRE_TELEMETRY_DECLARED', 'CELL_OS_REQUIRE_JETSTREAM', 'CELL_OS_USE_NOOP_SINK', 'CELL_OS_AUDIT_CHAIN', 'CELL_OS_REQUIRE_HTTP_EXPORT', 'CELL_OS_REQUIRE_S3_EXPORT'] as const;

/** SC3: opt-in features of the reference that this tier does not have. */
const NOT_HERE: Readonly<Record<string, (value: string) => boolean>> = {
  CELLOS_DNS_PROXY: isTruthy,
  CELLOS_SNI_PROXY: isTruthy,
  CELLOS_DNS_AUTHORITY_REFRESH: isTruthy,
  CELLOS_PER_FLOW_ENFORCEMENT_EVENTS: (value) => value === '1',
  CELLOS_PER_FLOW_REALTIME: (value) => value === '1',
  CELLOS_FIRECRACKER_PER_FLOW_EBPF: (value) => value === '1',
};

/** The back ends of the reference by the name that `--validate` shows. */
export function backendName(value: string | undefined): string {
  return ['firecracker', 'gvisor', 'windows', 'stub'].find((name) => name === value) ?? 'proprietary';
}

export function brokerName(value: string | undefined): string {
  return ['env', 'file', 'github-oidc', 'vault-approle'].find((name) => name === value) ?? 'memory';
}

interface Findings {
  readonly problems: StartProblem[];
  readonly warnings: ConfigWarning[];
  readonly notes: string[];
}

function checkProfile(env: Environment, profile: Profile, explicit: boolean, { problems }: Findings): void {
  if (profile === 'hardened') {
    // What an unset profile demands is looked at after the host was, as the reference says of the host first there.
    if (trimmed(env['CELLOS_AUTHORITY_KEYS_PATH']) === undefined) problems.push({ step: explicit ? 'profile' : 'isolation', rule: 'profile-keys-path', message: `${explicit ? 'The profile hardened' : 'No profile is set, which means hardened, and that'} needs CELLOS_AUTHORITY_KEYS_PATH, the keys of the roles that may grant authority; CELLOS_DEPLOYMENT_PROFILE=portable does without, and without isolation` });
    if (env['CELL_OS_USE_NOOP_SINK'] !== undefined) problems.push({ step: 'transport', rule: 'profile-noop', message: 'CELL_OS_USE_NOOP_SINK would drop every event, and the profile is hardened: unset it, or set CELLOS_DEPLOYMENT_PROFILE=portable' });
  }
  if (profile === 'airgapped') {
    if (trimmed(env['CELLOS_SPOOL_DIR']) === undefined) problems.push({ step: 'profile', rule: 'profile-spool', message: 'The profile airgapped needs CELLOS_SPOOL_DIR, the folder its events are kept in' });
    if (env['CELL_OS_USE_NOOP_SINK'] !== undefined) problems.push({ step: 'profile', rule: 'profile-noop', message: 'CELL_OS_USE_NOOP_SINK would drop every event, and the profile is airgapped: unset it' });
  }
}

function checkParts(env: Environment, profile: Profile, run: RunSettings, { problems, warnings, notes }: Findings): void {
  const backend = env['CELLOS_CELL_BACKEND'];
  if (backend === 'firecracker' || backend === 'gvisor' || backend === 'windows') problems.push({ step: 'backend', rule: 'backend-unavailable', message: `CELLOS_CELL_BACKEND is ${backend}, which this program has not: unset it, and the command runs in a bubblewrap cell` });
  else if (backend !== undefined && backend !== '' && backend !== 'stub') warnings.push({ variable: 'CELLOS_CELL_BACKEND', value: backend, reason: 'there is no such back end; the command runs in a bubblewrap cell' });
  const broker = env['CELLOS_BROKER'];
  if (broker === 'github-oidc' || broker === 'vault-approle') problems.push({ step: 'broker', rule: 'broker-unavailable', message: `CELLOS_BROKER is ${broker}, which this program has not: use env or file` });
  else if (broker !== undefined && broker !== '' && broker !== 'env' && broker !== 'file') warnings.push({ variable: 'CELLOS_BROKER', value: broker, reason: 'there is no such broker; secrets are simulated, which is for tries only. Use env or file' });
  for (const [name, asks] of Object.entries(NOT_HERE)) {
    const value = env[name];
    if (value !== undefined && asks(value)) problems.push({ step: 'features', rule: 'feature-unavailable', message: `${name} asks for something this program does not do: unset it` });
  }
  if (profile !== 'portable' && run.seccomp === 'off') problems.push({ step: 'profile', rule: 'profile-seccomp-off', message: `CELLOS_SUBPROCESS_SECCOMP takes the filter away, and the profile is ${profile}: unset it, or set CELLOS_DEPLOYMENT_PROFILE=portable` });
  for (const name of BY_PRESENCE) if (saysNo(env[name])) notes.push(`${name}=${env[name]} counts as set, as it always did: unset it to switch it off`);
}

function configOf(env: Environment, profile: Profile, run: RunSettings): SupervisorConfig {
  const hardened = profile === 'hardened';
  /** What `hardened` sets where nothing is set. */
  const implied = (name: string): string | undefined => env[name] ?? (hardened ? '1' : undefined);
  const scopedTokens = env['CELLOS_REQUIRE_SCOPED_DERIVATION_TOKENS'];
  const broker = env['CELLOS_BROKER'];
  return {
    profile,
    profileText: nonBlank(env['CELLOS_DEPLOYMENT_PROFILE']),
    runId: env['CELLOS_RUN_ID'],
    backend: env['CELLOS_CELL_BACKEND'] === 'stub' ? 'stub' : 'proprietary',
    broker: broker === 'env' || broker === 'file' ? broker : 'memory',
    require: {
      derivation: implied('CELLOS_REQUIRE_AUTHORITY_DERIVATION') !== undefined,
      telemetry: implied('CELLOS_REQUIRE_TELEMETRY_DECLARED') !== undefined,
      scopedTokens: hardened || !saysNo(scopedTokens),
      admissionReceipts: isTruthy(implied('CELLOS_REQUIRE_ADMISSION_RECEIPTS')),
      ceiling: hardened || isTruthy(env['CELLOS_REQUIRE_AUTHORITY_CEILING']),
      verifyKeys: isTruthy(env['CELLOS_REQUIRE_TRUST_VERIFY_KEYS']),
      hostBaseline: profile !== 'portable' && isTruthy(env['CELLOS_REQUIRE_HOST_BASELINE']),
      jetstream: implied('CELL_OS_REQUIRE_JETSTREAM') !== undefined,
    },
    strict: isTruthy(implied('CELLOS_STRICT_CONFIG')),
    namespace: trimmed(env['CELLOS_K8S_NAMESPACE']),
    paths: {
      authorityKeys: nonBlank(env['CELLOS_AUTHORITY_KEYS_PATH']),
      policyPack: nonBlank(env['CELLOS_POLICY_PACK_PATH']),
      authzPolicy: nonBlank(env['CELLOS_AUTHZ_POLICY_PATH']),
      verifyKeys: env['CELLOS_TRUST_VERIFY_KEYS_PATH'],
      keyset: env['CELLOS_TRUST_KEYSET_PATH'],
      keysetChain: env['CELLOS_TRUST_KEYSET_CHAIN_PATH'],
      ceiling: env['CELLOS_AUTHORITY_CEILING_PATH'],
      anchor: env['CELLOS_AUTHORITY_CEILING_ANCHOR_PATH'],
    },
    caller: trimmed(env['CELLOS_CALLER_IDENTITY']) ?? 'default',
    policyAllowDowngrade: isTruthy(env['CELLOS_POLICY_ALLOW_DOWNGRADE']),
    events: {
      subject: { template: env['CELLOS_EVENTS_SUBJECT_TEMPLATE'], tenantId: env['CELLOS_TENANT_ID'], subject: env['CELL_OS_EVENTS_SUBJECT'] },
      natsUrl: env['NATS_URL'] ?? 'nats://127.0.0.1:4222',
      natsCaFile: nonBlank(env['NATS_CA_FILE']),
      noop: env['CELL_OS_USE_NOOP_SINK'] !== undefined,
      mirror: env['CELL_OS_JSONL_EVENTS'],
      chained: env['CELL_OS_AUDIT_CHAIN'] !== undefined,
      deadLetterDir: trimmed(env['CELLOS_DLQ_DIR']),
      redact: env['CELLOS_REDACT_EVENT_FIELDS'],
      signing: { toggle: env['CELLOS_EVENT_SIGNING'], kid: env['CELLOS_EVENT_SIGNING_KID'], key: env['CELLOS_EVENT_SIGNING_KEY_BASE64'] },
      spoolDir: trimmed(env['CELLOS_SPOOL_DIR']),
    },
    trustPlane: {
      events: !saysNo(env['CELLOS_TRUST_PLANE_EVENTS']),
      resolve: isTruthy(env['CELLOS_RESOLVE_EGRESS_DNS']),
      l7Gate: isTruthy(env['CELLOS_L7_GATE_OBSERVABILITY']),
      keysetId: env['CELLOS_TRUST_KEYSET_ID'] ?? 'cellos:builtin-v0',
      resolverKid: env['CELLOS_TRUST_RESOLVER_KID'] ?? 'cellos-local-resolve-v0',
      l7Kid: env['CELLOS_TRUST_L7_KID'] ?? 'cellos-local-l7-v0',
    },
    run,
    caBundle: nonBlank(env['CELLOS_CA_BUNDLE']),
    missing: (env['CELLOS_TEST_FORCE_MISSING_ISOLATION_PRIMITIVES'] ?? '').split(',').map((token) => token.trim()).filter((token) => token !== ''),
  };
}

/** The whole environment of a supervisor, without touching anything. */
export function readSupervisorConfig(env: Environment): SupervisorReading {
  const found: Findings = { problems: [], warnings: [], notes: [] };
  const asked = env['CELLOS_DEPLOYMENT_PROFILE'];
  const profile = parseProfile(asked);
  const run = readRunSettings(env);
  found.notes.push(...run.notes);
  if (profile === undefined) found.problems.push({ step: 'profile', rule: 'profile-unknown', message: `CELLOS_DEPLOYMENT_PROFILE is ${JSON.stringify(asked)}: give hardened, portable or airgapped` });
  else checkProfile(env, profile, nonBlank(asked) !== undefined, found);
  checkParts(env, profile ?? 'hardened', run, found);
  const problems = found.problems.toSorted((a, b) => START_STEPS.indexOf(a.step) - START_STEPS.indexOf(b.step)); // SC2
  return { config: configOf(env, profile ?? 'hardened', run), problems, warnings: found.warnings, notes: found.notes };
}
