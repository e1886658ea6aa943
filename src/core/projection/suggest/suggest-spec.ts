/**
 * The narrower document that a run would have been fine with: from what was asked and what was observed to be used. Pure.
 *
 *   SU1  never widens: every member of the answer is the one that was asked, a part of it, or a lower bound;
 *   SU2  what was not observed is left, and the reason says so: that a use is not on the record is no evidence that there was none;
 *   SU3  the answer is as valid as what was asked: what another member needs is left, and bounds keep their order;
 *   SU4  asked again with its own answer and the same observations, it answers the same.
 *
 * LIMIT: one run is one run. Another input may need what this one did not, and a program that sizes itself by its limits may behave otherwise under lower ones.
 */
import type { AuthorityBundle, ExecutionCellDocument, ExecutionCellSpec, RunSpec, U64 } from '../../spec/document.ts';
import type { ObservedUse } from './observed-use.ts';

export interface SuggestedField {
  /** `spec.authority.secretRefs[1]`, of the document that was asked. */
  readonly path: string;
  readonly decision: 'narrowed' | 'left';
  readonly why: string;
}

export interface Suggestion {
  readonly document: ExecutionCellDocument;
  readonly fields: readonly SuggestedField[];
}

/** Time and memory are measured once, on one host: the answer leaves four times as much. */
export const HEADROOM = 4;
const TTL_SECONDS_LEAST = 10;
const TIMEOUT_MS_LEAST = 1_000;
const MIB = 1024 * 1024;
const MEMORY_STEP_BYTES = 16 * MIB;
const MEMORY_BYTES_LEAST = 64 * MIB;

class Notes {
  readonly fields: SuggestedField[] = [];

  narrowed(path: string, why: string): void {
    this.fields.push({ path, decision: 'narrowed', why });
  }

  left(path: string, why: string): void {
    this.fields.push({ path, decision: 'left', why });
  }
}

/** Without these members. */
function without<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key as K))) as Omit<T, K>;
}

const least = (asked: U64, bound: number): U64 => (asked <= bound ? asked : bound);

/** Targets that no artifact goes to. An artifact that names none goes to the only one. */
function narrowTargets(spec: ExecutionCellSpec, { exported }: ObservedUse, notes: Notes): ExecutionCellSpec {
  const { targets, artifacts = [] } = spec.export ?? {};
  for (const [i, { name }] of artifacts.entries()) notes.left(`spec.export.artifacts[${i}]`, exported.has(name) ? `${name} was exported` : `${name} not observed: that it was exported is not on the record`);
  if (targets === undefined || spec.export === undefined) return spec;
  const unnamed = artifacts.some(({ target }) => target === undefined);
  const named = new Set(artifacts.map(({ target }) => target));
  const kept = targets.filter(({ name }, i) => {
    const needed = unnamed || named.has(name);
    if (needed) notes.left(`spec.export.targets[${i}]`, 'an artifact goes there');
    else notes.narrowed(`spec.export.targets[${i}]`, 'removed: no artifact goes there');
    return needed;
  });
  return { ...spec, export: { ...spec.export, targets: kept } };
}

function narrowIdentity(spec: ExecutionCellSpec, observed: ObservedUse, notes: Notes): ExecutionCellSpec {
  const { identity } = spec;
  if (identity === undefined) return spec;
  const use = observed.secrets.get(identity.secretRef);
  if (use?.use !== 'unused') {
    notes.left('spec.identity', use?.use === 'used' ? 'its token was handed over; what it was used for outside is not seen here' : 'not observed: no evidence that its token was unused');
    return spec;
  }
  notes.narrowed('spec.identity', `removed: ${use.seen}`);
  return without(spec, 'identity');
}

/** What else of the document names a secret: it cannot go without that. */
function neededRefs(spec: ExecutionCellSpec): ReadonlyMap<string, string> {
  const needed = new Map<string, string>();
  const add = (ref: string | undefined, by: string): void => {
    if (ref !== undefined && !needed.has(ref)) needed.set(ref, by);
  };
  for (const ref of spec.authority.authorityDerivation?.leafCapability.secretRefs ?? []) add(ref, 'the leaf of its derivation token');
  for (const [i, target] of (spec.export?.targets ?? []).entries()) add(target.secretRef, `spec.export.targets[${i}]`);
  add(spec.ingress?.git?.secretRef, 'spec.ingress.git');
  add(spec.ingress?.ociImage?.secretRef, 'spec.ingress.ociImage');
  add(spec.identity?.secretRef, 'spec.identity');
  return needed;
}

function narrowSecrets(spec: ExecutionCellSpec, observed: ObservedUse, notes: Notes): AuthorityBundle {
  const { authority } = spec;
  const { secretRefs } = authority;
  if (secretRefs === undefined) return authority;
  const needed = neededRefs(spec);
  const kept = secretRefs.filter((ref, i) => {
    const path = `spec.authority.secretRefs[${i}]`;
    const use = observed.secrets.get(ref);
    const by = needed.get(ref);
    if (by !== undefined) notes.left(path, `${ref} is needed by ${by}`);
    else if (use?.use === 'used') notes.left(path, `${ref} was used: ${use.seen}`);
    else if (use?.use === 'unused') {
      notes.narrowed(path, `${ref} removed: ${use.seen}`);
      return false;
    } else notes.left(path, `${ref} not observed: no evidence that it is unused${use === undefined ? '' : ` (${use.seen})`}`);
    return true;
  });
  return { ...authority, secretRefs: kept };
}

const LOOPBACK = 'the cell had loopback and nothing else, and the run ended well without it';

/** What forbids to take the egress rules away; undefined: nothing does. */
function egressNeeded({ authority, telemetry }: ExecutionCellSpec): string | undefined {
  if ((authority.authorityDerivation?.leafCapability.egressRules.length ?? 0) > 0) return 'the leaf of its derivation token names some';
  return telemetry?.events.some((event) => /^\s*net\./i.test(event)) === true ? 'spec.telemetry.events observes a network, which they have to declare' : undefined;
}

function narrowNetwork(spec: ExecutionCellSpec, asked: AuthorityBundle, observed: ObservedUse, notes: Notes): AuthorityBundle {
  let authority = asked;
  const rules = authority.egressRules ?? [];
  const needed = egressNeeded(spec);
  if (rules.length > 0 && needed !== undefined) notes.left('spec.authority.egressRules', needed);
  else if (rules.length > 0 && observed.loopbackOnly) {
    notes.narrowed('spec.authority.egressRules', `all ${rules.length} removed: ${LOOPBACK}`);
    authority = without(authority, 'egressRules');
  } else if (rules.length > 0) notes.left('spec.authority.egressRules', 'not observed: no evidence that a rule is unused');
  if (authority.network !== undefined && observed.loopbackOnly) {
    notes.narrowed('spec.authority.network', `removed: ${LOOPBACK}`);
    authority = without(authority, 'network');
  } else if (authority.network !== undefined) notes.left('spec.authority.network', 'not observed: nothing here interprets it');
  if (authority.filesystem !== undefined && observed.defaultMounts) {
    notes.narrowed('spec.authority.filesystem', 'removed: the cell had the default mounts, and the run ended well with them');
    authority = without(authority, 'filesystem');
  } else if (authority.filesystem !== undefined) notes.left('spec.authority.filesystem', 'not observed: nothing here interprets it');
  for (const name of ['dnsAuthority', 'cdnAuthority', 'authorityDerivation'] as const) {
    if (authority[name] !== undefined) notes.left(`spec.authority.${name}`, name === 'authorityDerivation' ? 'a token bounds authority, and is signed: without it there would be more' : 'it bounds what the rules open: without it they might open more');
  }
  return authority;
}

function narrowTime(spec: ExecutionCellSpec, observed: ObservedUse, notes: Notes): ExecutionCellSpec {
  const { longestMs, lifeMs } = observed;
  const { ttlSeconds } = spec.lifetime;
  const ttlPath = 'spec.lifetime.ttlSeconds';
  const timeoutMs = spec.run?.timeoutMs;
  if (longestMs === undefined || lifeMs === undefined) {
    notes.left(ttlPath, 'not observed: how long it took is not on the record');
    if (timeoutMs !== undefined) notes.left('spec.run.timeoutMs', 'not observed: how long it took is not on the record');
    return spec;
  }
  // Never shorter than what its own commands may take [SU3].
  const life = Math.max(lifeMs, longestMs);
  const ttl = least(ttlSeconds, Math.max(TTL_SECONDS_LEAST, Math.ceil((HEADROOM * life) / 1000)));
  if (ttl === ttlSeconds) notes.left(ttlPath, `it is not more than ${HEADROOM} times what was needed, or ${TTL_SECONDS_LEAST} s: ${Math.ceil(life)} ms`);
  else notes.narrowed(ttlPath, `from ${ttlSeconds} to ${ttl}: the run took ${Math.ceil(life)} ms, and is given ${HEADROOM} times that, at least ${TTL_SECONDS_LEAST} s`);
  const identityTtl = spec.identity?.ttlSeconds;
  if (identityTtl !== undefined && identityTtl > ttl) notes.narrowed('spec.identity.ttlSeconds', `from ${identityTtl} to ${ttl}: it cannot be longer than the lifetime`);
  const bounded: ExecutionCellSpec = { ...spec, lifetime: { ...spec.lifetime, ttlSeconds: ttl }, ...(spec.identity === undefined || identityTtl === undefined || identityTtl <= ttl ? {} : { identity: { ...spec.identity, ttlSeconds: ttl } }) };
  if (timeoutMs === undefined || spec.run === undefined) return bounded;
  const timeout = least(timeoutMs, Math.max(TIMEOUT_MS_LEAST, Math.ceil(HEADROOM * longestMs)));
  if (timeout === timeoutMs) notes.left('spec.run.timeoutMs', `it is not more than ${HEADROOM} times what was needed, or ${TIMEOUT_MS_LEAST} ms: ${Math.ceil(longestMs)} ms`);
  else notes.narrowed('spec.run.timeoutMs', `from ${timeoutMs} to ${timeout}: the command took ${Math.ceil(longestMs)} ms, and is given ${HEADROOM} times that, at least ${TIMEOUT_MS_LEAST} ms`);
  return { ...bounded, run: { ...spec.run, timeoutMs: timeout } };
}

function narrowMemory(run: RunSpec, observed: ObservedUse, notes: Notes): RunSpec {
  const path = 'spec.run.limits.memoryMaxBytes';
  const asked = run.limits?.memoryMaxBytes;
  const { memoryPeakBytes, memoryLimitBytesMin } = observed;
  if (memoryPeakBytes === undefined) {
    if (asked !== undefined) notes.left(path, 'not observed: no counter of the kernel says how much was needed');
    return run;
  }
  // A quarter of the limit is the size of /tmp, and all of the peak may have lain there.
  const bound = Math.max(MEMORY_BYTES_LEAST, Math.ceil((HEADROOM * memoryPeakBytes) / MEMORY_STEP_BYTES) * MEMORY_STEP_BYTES);
  const before = asked ?? memoryLimitBytesMin;
  if (before === undefined || before <= bound) {
    if (asked !== undefined) notes.left(path, `it is not more than ${HEADROOM} times what was needed, or ${MEMORY_BYTES_LEAST} bytes: ${memoryPeakBytes} bytes`);
    return run;
  }
  notes.narrowed(path, `${asked === undefined ? 'none was asked, and one of this host was in force; now' : `from ${asked} to`} ${bound}: the peak was ${memoryPeakBytes} bytes, and it is given ${HEADROOM} times that, at least ${MEMORY_BYTES_LEAST}`);
  return { ...run, limits: { ...run.limits, memoryMaxBytes: bound } };
}

/** What gives the command no authority of its own, or is not for a run to judge. */
function leaveRest(spec: ExecutionCellSpec, notes: Notes): void {
  if (spec.run?.limits?.cpuMax !== undefined) notes.left('spec.run.limits.cpuMax', 'an average over the run says nothing of the bursts in it');
  if (spec.run?.limits?.gracefulShutdownSeconds !== undefined) notes.left('spec.run.limits.gracefulShutdownSeconds', 'the run was not asked to stop: how long that takes was not observed');
  if (spec.run !== undefined) notes.left('spec.run.secretDelivery', 'how secrets are delivered is a choice, not an amount');
  for (const name of ['ingress', 'environment', 'telemetry'] as const) if (spec[name] !== undefined) notes.left(`spec.${name}`, 'it says what the cell is made from or watched by, not what the command may use');
  for (const name of ['placement', 'policy', 'correlation'] as const) if (spec[name] !== undefined) notes.left(`spec.${name}`, 'it gives no authority');
}

/** Every member that could be narrowed, with the one reason why none is. */
function allLeft(spec: ExecutionCellSpec, why: string): SuggestedField[] {
  const { authority } = spec;
  const paths = [
    ...(authority.secretRefs ?? []).map((_, i) => `spec.authority.secretRefs[${i}]`),
    ...(['egressRules', 'network', 'filesystem', 'dnsAuthority', 'cdnAuthority', 'authorityDerivation'] as const).filter((name) => authority[name] !== undefined).map((name) => `spec.authority.${name}`),
    ...(spec.identity === undefined ? [] : ['spec.identity']),
    'spec.lifetime.ttlSeconds',
    ...(spec.run?.timeoutMs === undefined ? [] : ['spec.run.timeoutMs']),
    ...(spec.run?.limits === undefined ? [] : ['spec.run.limits']),
    ...(spec.export === undefined ? [] : ['spec.export']),
  ];
  return paths.map((path) => ({ path, decision: 'left', why }));
}

/**
 * @param asked the document of the run
 * @param observed what the evidence of that run tells of uses
 * @returns a document that asks no more than `asked` [SU1], and a reason for each member that could have been narrowed
 */
export function suggestSpec(asked: ExecutionCellDocument, observed: ObservedUse): Suggestion {
  if (observed.unfit !== undefined) return { document: asked, fields: allLeft(asked.spec, observed.unfit) };
  const notes = new Notes();
  let spec = narrowTargets(asked.spec, observed, notes);
  spec = narrowIdentity(spec, observed, notes);
  spec = { ...spec, authority: narrowNetwork(spec, narrowSecrets(spec, observed, notes), observed, notes) };
  spec = narrowTime(spec, observed, notes);
  if (spec.run !== undefined) spec = { ...spec, run: narrowMemory(spec.run, observed, notes) };
  leaveRest(spec, notes);
  return { document: { ...asked, spec }, fields: notes.fields };
}
