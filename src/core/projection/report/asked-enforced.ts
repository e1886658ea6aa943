/**
 * What was asked beside what was in force, item by item, and beside that what the kernel was seen to say of it.
 *
 *   AE1  the plan says what was meant to be enforced; only what a record of the tier `kernel` tells is an observation;
 *   AE2  an observation that does not fit the plan is said to differ. Whether it has to alarm is for the reader: nothing is left out.
 */
import type { JsonObject } from '../../../base/json.ts';
import { numberOf, objectOf, objectsOf, textOf, textsOf } from './read-data.ts';
import type { RunFacts } from './run-facts.ts';
import { type CommandRun, peakOfCommands } from './run-times.ts';

/** `unknown`: the record says something that no plan of ours does. */
export type ItemStatus = 'enforced' | 'downgraded' | 'declared' | 'unsatisfiable' | 'unknown';

export interface Observation {
  readonly text: string;
  /** Does it fit what the plan says? */
  readonly agrees: boolean;
}

export interface ReportItem {
  readonly name: string;
  readonly asked: string;
  readonly effective: string;
  /** What enforces it; empty when nothing does. */
  readonly mechanism: string;
  readonly status: ItemStatus;
  readonly reason?: string;
  /** Nobody asked for it: CellOS does it by itself. */
  readonly byDefault: boolean;
  /** Weaker than asked, and allowed by its name. */
  readonly allowed: boolean;
  readonly observed?: Observation;
}

const STATUSES = ['enforced', 'downgraded', 'declared', 'unsatisfiable'] as const;
const NAMESPACES: Readonly<Record<string, string>> = { pid: 'pid', mount: 'mnt', network: 'net', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup', user: 'user' };

const agreed = (text: string): Observation => ({ text, agrees: true });
const differs = (text: string): Observation => ({ text, agrees: false });

function capabilities(seen: JsonObject): Observation | undefined {
  const sets = ['eff', 'prm', 'bnd', 'amb', 'inh'].map((name) => [name, textOf(seen[name])] as const);
  if (sets.some(([, mask]) => mask === undefined)) return undefined;
  const held = sets.filter(([, mask]) => !/^0+$/.test(mask ?? ''));
  return held.length === 0 ? agreed('all five sets are empty') : differs(held.map(([name, mask]) => `${name} ${mask ?? ''}`).join(', '));
}

function seccomp({ effective }: { effective: string }, seen: JsonObject): Observation | undefined {
  const mode = numberOf(seen['seccompMode']);
  const filters = numberOf(seen['seccompFilters']);
  if (mode === undefined) return undefined;
  const text = `mode ${mode}${filters === undefined ? '' : `, ${filters} filter${filters === 1 ? '' : 's'}`}`;
  return (mode === 2) === (effective !== 'none') ? agreed(text) : differs(text);
}

/** Of the finished cell, before the command began. */
function isolation(item: { name: string; effective: string; status: ItemStatus }, seen: JsonObject): Observation | undefined {
  const [, namespace] = /^namespace\.(\w+)$/.exec(item.name) ?? [];
  if (namespace !== undefined) {
    const id = numberOf(objectOf(seen['namespaces'])[NAMESPACES[namespace] ?? '']);
    return id === undefined ? undefined : agreed(`namespace ${id}`);
  }
  if (item.name === 'capabilities') return capabilities(objectOf(seen['capabilities']));
  if (item.name === 'seccomp') return seccomp(item, seen);
  if (item.name === 'no-new-privileges' && typeof seen['noNewPrivs'] === 'boolean') return seen['noNewPrivs'] ? agreed('on') : differs('off');
  const uid = item.name === 'user.host-uid' ? numberOf(seen['hostUid']) : undefined;
  if (uid === undefined) return undefined;
  return item.status !== 'enforced' || String(uid) === item.effective ? agreed(`host uid ${uid}`) : differs(`host uid ${uid}`);
}

/** A peak is one only when no command is missing. */
function limits({ name }: { name: string }, facts: RunFacts, commands: readonly CommandRun[]): Observation | undefined {
  if (facts.mayMiss || facts.more('processExited') > 0 || commands.some(({ tier }) => tier !== 'kernel')) return undefined;
  if (name === 'limit.memory') {
    const peak = peakOfCommands(commands, 'memoryPeakBytes');
    return peak === undefined ? undefined : agreed(`peak ${peak} bytes`);
  }
  const peak = name === 'limit.pids' ? peakOfCommands(commands, 'processesPeak') : undefined;
  return peak === undefined ? undefined : agreed(`peak ${peak} processes`);
}

export function askedAndEnforced(facts: RunFacts, commands: readonly CommandRun[]): readonly ReportItem[] {
  const plan = facts.first('planEffective') ?? facts.first('planRefused');
  const allowed = new Set(textsOf(plan?.data['downgrades']));
  const isolated = facts.first('isolationObserved');
  const seen = isolated?.tier === 'kernel' ? isolated.data : undefined; // AE1
  return objectsOf(plan?.data['items']).map((data) => {
    const name = textOf(data['name']) ?? '?';
    const asked = textOf(data['asked']) ?? '?';
    const reason = textOf(data['reason']);
    const effective = textOf(data['effective']) ?? '?';
    const status = STATUSES.find((one) => one === data['status']) ?? 'unknown';
    const observed = (seen === undefined ? undefined : isolation({ name, effective, status }, seen)) ?? limits({ name }, facts, commands);
    return {
      name,
      asked,
      effective,
      mechanism: textOf(data['mechanism']) ?? '',
      status,
      ...(reason === undefined ? {} : { reason }),
      byDefault: /^default\b/.test(asked),
      allowed: status === 'downgraded' && allowed.has(name),
      ...(observed === undefined ? {} : { observed }),
    };
  });
}
