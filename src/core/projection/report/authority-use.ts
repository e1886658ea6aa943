/**
 * Declared against used authority, as far as the records know.
 *
 *   AU1  `unused` is said only where each use would have left a record and none is there; everywhere else it is `not-observed`, which is no proof of anything;
 *   AU2  what the plan did not enforce is `not-enforced`, whatever else is known: nothing held the cell to it;
 *   AU3  `impossible`: the cell had no means to use it, by the plan and by what the kernel showed of the finished cell.
 */
import type { JsonObject } from '../../../base/json.ts';
import type { ReportItem } from './asked-enforced.ts';
import { numberOf, objectOf, objectsOf, textOf } from './read-data.ts';
import type { CommandRun } from './run-times.ts';
import type { RunFacts } from './run-facts.ts';
import type { SecretLife } from './secret-lives.ts';

export type UseAnswer = 'used' | 'unused' | 'not-observed' | 'not-enforced' | 'impossible' | 'refused';

export interface AuthorityUse {
  readonly kind: 'secret' | 'identity' | 'egress' | 'network' | 'filesystem' | 'mount' | 'artifact' | 'limit';
  readonly name: string;
  readonly declared: string;
  readonly use: UseAnswer;
  /** What was seen of it, or why nothing was. */
  readonly seen: string;
}

export interface UseInput {
  readonly facts: RunFacts;
  readonly items: readonly ReportItem[];
  readonly commands: readonly CommandRun[];
}

const itemOf = (items: readonly ReportItem[], name: string): ReportItem | undefined => items.find((item) => item.name === name);
const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

/** env, runtimeBroker, runtimeLeasedBroker; by the plan, which stands before the first use. */
export function deliveryOf({ items }: Pick<UseInput, 'items'>): string | undefined {
  return /^\d+ by (\w+)$/.exec(itemOf(items, 'secrets')?.asked ?? '')?.[1];
}

/** Was loopback all that the cell had? By the plan, and by a network namespace that the kernel showed [AU3]. */
export function hadLoopbackOnly({ items }: Pick<UseInput, 'items'>): boolean {
  const network = itemOf(items, 'namespace.network');
  return network?.status === 'enforced' && network.effective === 'has loopback and nothing else' && network.observed?.agrees === true;
}

function secretUse(life: SecretLife, { facts, items }: UseInput): AuthorityUse {
  const delivery = deliveryOf({ items });
  const row = { kind: 'secret' as const, name: life.ref, declared: `from ${life.broker}${delivery === undefined ? '' : ` by ${delivery}`}` };
  const refused = life.refused === 0 ? '' : `; ${life.refused} of its requests refused`;
  if (delivery === 'env') return { ...row, use: 'not-observed', seen: life.uses === 0 ? 'never put into the environment' : `in the environment of the command from its start: whether it was read is not seen${refused}` };
  if (life.uses > 0) return { ...row, use: 'used', seen: `handed over ${times(life.uses)}, seen by the host${refused}` };
  if (delivery === undefined) return { ...row, use: 'not-observed', seen: 'how it was delivered is not on the record' };
  // The last record of a lease has the count of all uses, so that a gap elsewhere hides none.
  if (life.end !== undefined) return { ...row, use: 'unused', seen: `the command never asked for it: none of its requests reached the host${refused}` };
  return { ...row, use: 'not-observed', seen: facts.mayMiss ? 'records are missing, and one of them may be of its use' : 'its lease has no end on the record: uses after the last one are not seen' };
}

/** What the command asked for and does not exist or was not given. */
function unknownSecrets(lives: readonly SecretLife[]): AuthorityUse[] {
  const refused = lives.filter(({ ref }) => ref === '(unknown)').reduce((sum, life) => sum + life.refused, 0);
  return refused === 0 ? [] : [{ kind: 'secret', name: '(unknown)', declared: 'nothing', use: 'refused', seen: `the command asked ${times(refused)} for a secret that it was not given` }];
}

function egressUse(input: UseInput, decided: number): Pick<AuthorityUse, 'use' | 'seen'> {
  const egress = itemOf(input.items, 'network.egress');
  if (hadLoopbackOnly(input)) return { use: 'impossible', seen: 'the cell had loopback and nothing else' };
  if (egress !== undefined && egress.status !== 'enforced') return { use: 'not-enforced', seen: `nothing held the cell to it: ${egress.effective}` };
  return { use: 'not-observed', seen: decided === 0 ? 'no connection was observed or decided about' : `${decided} decisions about connections are in the timeline; none is matched with a rule` };
}

function ruleText(rule: JsonObject): string {
  const protocol = textOf(rule['protocol']);
  return `${textOf(rule['host']) ?? '?'}:${numberOf(rule['port']) ?? '?'}${protocol === undefined ? '' : ` ${protocol}`}`;
}

function networkUse(input: UseInput): AuthorityUse[] {
  const { facts, items } = input;
  const decided = facts.all('l7EgressDecision').length + facts.all('networkFlowDecision').length + facts.all('dnsQuery').length;
  const answer = egressUse(input, decided);
  const rules = objectsOf(facts.data('networkPolicy')['declaredEgress']);
  const declared = numberOf(facts.data('networkScope')['egressRuleCount']) ?? 0;
  const rows: AuthorityUse[] = rules.map((rule) => ({ kind: 'egress', name: ruleText(rule), declared: 'egress rule', ...answer }));
  if (rules.length < declared) rows.push({ kind: 'egress', name: `${declared - rules.length} ${rules.length === 0 ? 'in all' : 'more'}`, declared: 'egress rules that no record lists one by one', ...answer });
  for (const name of ['authority.network', 'network.dns', 'network.cdn']) {
    const item = itemOf(items, name);
    if (item !== undefined) rows.push({ kind: 'network', name, declared: item.asked, ...(hadLoopbackOnly(input) ? answer : { use: 'not-enforced' as const, seen: `nothing held the cell to it: ${item.effective}` }) });
  }
  return rows;
}

function fileUse({ facts, items }: UseInput): AuthorityUse[] {
  const rows: AuthorityUse[] = [];
  const opaque = itemOf(items, 'authority.filesystem');
  if (opaque !== undefined) rows.push({ kind: 'filesystem', name: opaque.name, declared: opaque.asked, use: 'not-enforced', seen: `nothing interpreted it: the cell had ${opaque.effective}` });
  const changed = facts.first('workspaceChanged')?.data;
  for (const { name, asked, effective } of items) {
    if (!name.startsWith('mount.')) continue;
    const row = { kind: 'mount' as const, name: name.slice('mount.'.length), declared: asked };
    if (!asked.startsWith('workspace ')) rows.push({ ...row, use: 'not-observed', seen: `${effective}; what was read or written there is not recorded` });
    else if (changed === undefined) rows.push({ ...row, use: 'not-observed', seen: 'the run did not come to the point where changes are listed' });
    else {
      const counts = ['added', 'modified', 'deleted'].map((key) => `${numberOf(changed[key]) ?? 0} ${key}`);
      const written = ['added', 'modified', 'deleted'].some((key) => (numberOf(changed[key]) ?? 0) > 0);
      rows.push({ ...row, use: written ? 'used' : 'not-observed', seen: written ? `written: ${counts.join(', ')}; what was read is not recorded` : 'nothing was left changed; what was read, or made and removed again, is not recorded' });
    }
  }
  return rows;
}

function artifactUse({ facts, commands }: UseInput): AuthorityUse[] {
  const outcome = new Map<string, AuthorityUse>();
  const row = (name: string, path: string | undefined): Pick<AuthorityUse, 'kind' | 'name' | 'declared'> => ({ kind: 'artifact', name, declared: path === undefined ? 'artifact' : `artifact ${path}` });
  const paths = new Map<string, string | undefined>();
  for (const { data } of facts.all('fsTouch')) {
    const name = textOf(data['artifactName']) ?? '?';
    paths.set(name, textOf(data['sourcePath']));
    outcome.set(name, { ...row(name, paths.get(name)), use: 'not-observed', seen: 'about to be read; that it was delivered is not on the record' });
  }
  for (const { data } of facts.all('exportFailed')) {
    const name = textOf(data['artifactName']) ?? '?';
    outcome.set(name, { ...row(name, paths.get(name)), use: 'unused', seen: `not exported: ${textOf(data['reason']) ?? 'no reason given'}` });
  }
  for (const { data } of facts.all('exportCompleted')) {
    const name = textOf(data['artifactName']) ?? '?';
    outcome.set(name, { ...row(name, paths.get(name)), use: 'used', seen: `exported, ${numberOf(objectOf(data['receipt'])['bytesWritten']) ?? '?'} bytes` });
  }
  const failed = commands.length > 0 && commands.some(({ ending, exitCode }) => ending !== 'exited' || exitCode !== 0);
  if (outcome.size === 0 && failed) outcome.set('', { kind: 'artifact', name: 'artifacts', declared: 'whatever the document lists', use: 'not-observed', seen: 'artifacts are copied out after exit code 0 only: which ones were declared is not on the record' });
  return [...outcome.values()];
}

function identityUse({ facts, items }: UseInput): AuthorityUse[] {
  const known = facts.first('identityMaterialized') ?? facts.first('identityFailed');
  if (known === undefined) return [];
  const identity = objectOf(known.data['identity']);
  const life = facts.secrets.list.find(({ ref }) => ref === textOf(identity['secretRef']));
  const row = { kind: 'identity' as const, name: textOf(identity['audience']) || 'identity', declared: `from ${textOf(identity['provider']) || 'its provider'} as ${textOf(identity['secretRef']) ?? '?'}` };
  const unused = life !== undefined && life.uses === 0 && life.end !== undefined && deliveryOf({ items }) !== 'env' && deliveryOf({ items }) !== undefined;
  return [unused ? { ...row, use: 'unused', seen: 'the command never asked for its token' } : { ...row, use: 'not-observed', seen: 'its token was handed over, or may have been: what it was used for outside is not seen here' }];
}

function share(part: number, whole: number): string {
  if (whole <= 0) return '';
  const percent = Math.round((part / whole) * 100);
  return percent < 1 ? ', less than 1 % of it' : `, ${percent} % of it`;
}

/** Time is the only limit whose use is not told beside its item already. */
function timeUse({ items, commands }: UseInput): AuthorityUse[] {
  const durations = commands.map(({ durationMs }) => durationMs);
  const known = durations.filter((ms) => ms !== undefined);
  return items
    .filter(({ name }) => name === 'time.ttl' || name === 'time.timeout')
    .map(({ name, asked }) => {
      const row = { kind: 'limit' as const, name, declared: asked };
      if (known.length === 0 || known.length < durations.length) return { ...row, use: 'not-observed' as const, seen: 'how long the commands took is not on the record' };
      const longest = Math.max(...known);
      return { ...row, use: 'used' as const, seen: `${Math.round(longest * 10) / 10} ms${share(longest, Number(/^(\d{1,15}) ms$/.exec(asked)?.[1] ?? 0))}, by the monotonic clock` };
    });
}

export function authorityUses(input: UseInput): readonly AuthorityUse[] {
  const lives = input.facts.secrets.list;
  const leased = lives.filter(({ ref }) => ref !== '(unknown)');
  return [...leased.map((life) => secretUse(life, input)), ...unknownSecrets(lives), ...identityUse(input), ...networkUse(input), ...fileUse(input), ...artifactUse(input), ...timeUse(input)];
}
