/**
 * Was an attack held, and does the evidence say so? Pure: what was seen goes in, faults come out; no fault means held.
 *
 *   J1  an answer that is missing, or not among those that mean refused, is a fault;
 *   J2  each barrier an attack is held by has to be `enforced` in the plan of the evidence, and where the kernel can be asked, observed;
 *   J3  a run whose evidence is not complete, whose teardown is not clean, or that left anything changed outside faults its attacks: those
 *       that are broken already, else all of them, for nobody can say which it was.
 */
import { type Attack, EXPECTED_REFUSALS, type Scenario } from './attack.ts';

export interface SeenEvent {
  /** Without the prefix all types share: `process.v1.exited`. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface SeenRun {
  readonly events: readonly SeenEvent[];
  /** Verdict of the offline audit over the bundle, and its findings if it has any. */
  readonly verdict: string;
  readonly answers: ReadonlyMap<string, string>;
  /** Digest of the filter this program loads. */
  readonly filterDigest: string;
  /** Namespace name → inode of the supervisor's own. */
  readonly hostNamespaces: Readonly<Record<string, number | undefined>>;
  /** What was not as before outside of the cell: files, listeners, processes, the secret in the evidence. */
  readonly disturbed: readonly string[];
}

export type AttackVerdict = 'held' | 'broken' | 'not-applicable';

export interface Judgement {
  readonly verdict: AttackVerdict;
  readonly answer: string;
  readonly faults: readonly string[];
}

/** Lease records of one run that a hostile workload may cause, at most. */
const LEASE_RECORDS_MAX = 300;

const KERNEL_NAMES: Readonly<Record<string, string>> = { 'namespace.mount': 'mnt', 'namespace.network': 'net' };

function dataOf(seen: SeenRun, type: string): readonly Readonly<Record<string, unknown>>[] {
  return seen.events.filter((event) => event.type === type).map((event) => event.data);
}

interface Item {
  readonly name: string;
  readonly status: string;
  readonly effective: string;
  readonly reason?: string;
}

function planItem(seen: SeenRun, name: string): Item | undefined {
  const items = (dataOf(seen, 'plan.v1.effective')[0]?.['items'] ?? []) as readonly Item[];
  return items.find((item) => item.name === name);
}

/** What is wrong with a barrier, if anything [J2]. */
function barrierFault(name: string, seen: SeenRun): string | undefined {
  const item = planItem(seen, name);
  if (item?.status !== 'enforced') return `the evidence does not say that ${name} is enforced`;
  const observed = dataOf(seen, 'isolation.v1.observed')[0];
  if (observed === undefined) return 'the evidence has no isolation.v1.observed';
  if (name.startsWith('namespace.')) {
    const kernelName = KERNEL_NAMES[name] ?? name.slice('namespace.'.length);
    const inode = (observed['namespaces'] as Readonly<Record<string, number>> | undefined)?.[kernelName];
    return inode === undefined || inode === seen.hostNamespaces[kernelName] ? `no ${kernelName} namespace of its own was observed` : undefined;
  }
  switch (name) {
    case 'capabilities':
      return Object.values((observed['capabilities'] ?? { none: '?' }) as Record<string, string>).every((mask) => /^0+$/.test(mask)) ? undefined : 'capabilities were observed';
    case 'no-new-privileges':
      return observed['noNewPrivs'] === true ? undefined : 'no_new_privs was observed off';
    case 'seccomp':
      return observed['seccompMode'] === 2 && item.effective === seen.filterDigest ? undefined : 'another filter was planned, or none observed';
    case 'user.host-uid':
      return observed['hostUid'] !== 0 && String(observed['hostUid']) === item.effective ? undefined : `the host user was observed as ${String(observed['hostUid'])}`;
    default:
      return undefined;
  }
}

/** How the one command ended, in the words of the evidence: `exited 0`, `signalled 11`, `limit-exceeded 9`, `timed-out`. */
export function endingOf(seen: Pick<SeenRun, 'events'>): string {
  const exited = seen.events.find((event) => event.type === 'process.v1.exited')?.data;
  if (exited === undefined) return 'no ending';
  const ending = String(exited['ending']);
  const number = ending === 'exited' ? exited['exitCode'] : ending === 'signalled' || ending === 'limit-exceeded' ? exited['signal'] : undefined;
  return number === undefined ? ending : `${ending} ${String(number)}`;
}

function leaseFaults(scenario: Scenario, seen: SeenRun): string[] {
  if (scenario.cell.secretDelivery === undefined) return [];
  const leases = dataOf(seen, 'secret.v1.lease');
  const count = (state: string): number => leases.filter((lease) => lease['state'] === state).length;
  const faults: string[] = [];
  if (count('minted') !== 1 || leases.at(-1)?.['state'] !== 'revoked') faults.push('the evidence does not tell the lease from minted to revoked');
  if (leases.length > LEASE_RECORDS_MAX) faults.push(`the workload caused ${leases.length} lease records`);
  if (scenario.cell.secretDelivery === 'env') return faults;
  for (const reason of EXPECTED_REFUSALS) {
    if (!leases.some((lease) => lease['state'] === 'refused' && lease['reason'] === reason)) faults.push(`the evidence has no refused request: ${reason}`);
  }
  return faults;
}

/** What is wrong with the run as a whole [J3]. */
function runFaults(scenario: Scenario, seen: SeenRun): readonly string[] {
  const faults: string[] = [...seen.disturbed];
  const expectOnce = (type: string): void => {
    const { length } = dataOf(seen, type);
    if (length !== 1) faults.push(`the evidence has ${length} of ${type}, not one`);
  };
  if (seen.verdict !== 'complete') faults.push(`the evidence verifies as ${seen.verdict}`);
  for (const type of ['evidence.v1.genesis', 'observability.v1.process_spawned', 'process.v1.exited', 'command.v1.completed', 'teardown.v1.certificate', 'evidence.v1.sealed']) expectOnce(type);
  if (endingOf(seen) !== scenario.ending) faults.push(`the evidence says ${endingOf(seen)}, not ${scenario.ending}`);
  if (dataOf(seen, 'process.v1.exited')[0]?.['coreDumped'] === true) faults.push('the kernel wrote a core file');
  const limits = dataOf(seen, 'limit.v1.reached').map((limit) => String(limit['limit']));
  if (limits.toSorted().join() !== scenario.limits.toSorted().join()) faults.push(`the evidence says limits reached: ${limits.join(', ') || 'none'}; not ${scenario.limits.join(', ') || 'none'}`);
  const certificate = dataOf(seen, 'teardown.v1.certificate')[0];
  if (certificate?.['residue'] !== 0 || certificate['unchecked'] !== 0) faults.push(`the teardown is not clean: ${JSON.stringify(certificate?.['lines'])}`);
  return [...faults, ...leaseFaults(scenario, seen)];
}

function judge(attack: Attack, seen: SeenRun): Judgement {
  const answer = seen.answers.get(attack.id) ?? 'no answer';
  const downgraded = attack.heldBy.map((name) => planItem(seen, name)).find((item) => item?.status === 'downgraded');
  if (downgraded !== undefined) return { verdict: 'not-applicable', answer, faults: [`${downgraded.name} is not enforced on this host: ${downgraded.reason ?? 'not available'}`] };
  const faults = [
    ...(attack.refused.includes(answer) ? [] : [`answered "${answer}", not ${attack.refused.map((one) => `"${one}"`).join(' or ')}`]), // J1
    ...attack.heldBy.map((name) => barrierFault(name, seen)).filter((fault) => fault !== undefined),
  ];
  return { verdict: faults.length === 0 ? 'held' : 'broken', answer, faults };
}

/** One judgement an attack, in the order of the scenario. */
export function judgeScenario(scenario: Scenario, seen: SeenRun): readonly Judgement[] {
  const ofRun = runFaults(scenario, seen);
  const judged = scenario.attacks.map((attack) => judge(attack, seen));
  if (ofRun.length === 0) return judged;
  const broken = judged.some((one) => one.verdict === 'broken');
  return judged.map((one) => (broken && one.verdict !== 'broken' ? one : { ...one, verdict: 'broken', faults: [...one.faults, ...ofRun] })); // J3
}
