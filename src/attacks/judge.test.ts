import { describe, expect, it } from 'vitest';
import { attack, scenario, type ScenarioCell } from './attack.ts';
import { judgeScenario, type SeenEvent, type SeenRun } from './judge.ts';

const HELD_BY = ['seccomp', 'capabilities', 'no-new-privileges', 'namespace.mount', 'namespace.pid', 'user.host-uid', 'limit.pids'];
const two = (cell: ScenarioCell = {}) =>
  scenario({ name: 'x', class: 'processes', cell, attacks: [attack('processes.a', 'a', ['a'], ['EPERM', 'EACCES'], HELD_BY), attack('processes.b', 'b', ['b'], 'ENOENT', ['descriptors'])] });

const event = (type: string, data: Record<string, unknown> = {}): SeenEvent => ({ type, data });

function events(): SeenEvent[] {
  const effective: Record<string, string> = { seccomp: 'sha256:f', 'user.host-uid': '1073741900' };
  return [
    event('evidence.v1.genesis'),
    event('plan.v1.effective', { items: [...HELD_BY, 'descriptors'].map((name) => ({ name, status: 'enforced', effective: effective[name] ?? 'yes' })) }),
    event('isolation.v1.observed', { namespaces: { mnt: 11, pid: 12 }, capabilities: { eff: '0000', bnd: '0000' }, noNewPrivs: true, seccompMode: 2, hostUid: 1073741900 }),
    event('observability.v1.process_spawned'),
    event('process.v1.exited', { ending: 'exited', exitCode: 0, coreDumped: false }),
    event('command.v1.completed'),
    event('teardown.v1.certificate', { residue: 0, unchecked: 0, lines: [] }),
    event('evidence.v1.sealed'),
  ];
}

function seen(change: Partial<SeenRun> = {}): SeenRun {
  return { events: events(), verdict: 'complete', answers: new Map([['processes.a', 'EACCES'], ['processes.b', 'ENOENT']]), filterDigest: 'sha256:f', hostNamespaces: { mnt: 1, pid: 2 }, disturbed: [], ...change };
}

const changed = (type: string, data: Record<string, unknown>): SeenEvent[] => events().map((one) => (one.type === type ? event(type, { ...one.data, ...data }) : one));
const verdicts = (run: SeenRun, cell?: ScenarioCell): string[] => judgeScenario(two(cell), run).map((one) => one.verdict);

describe('judgeScenario()', () => {
  it('holds what was refused and is proved', () => {
    expect(judgeScenario(two(), seen())).toEqual([
      { verdict: 'held', answer: 'EACCES', faults: [] },
      { verdict: 'held', answer: 'ENOENT', faults: [] },
    ]);
  });

  it.each(['OK', 'EINVAL', 'timeout', '', 'eperm'])('takes any answer not listed for a success of the attacker: %j [J1]', (answer) => {
    expect(verdicts(seen({ answers: new Map([['processes.a', answer], ['processes.b', 'ENOENT']]) }))).toEqual(['broken', 'held']);
  });

  it('takes a missing answer for a success of the attacker [J1]', () => {
    expect(verdicts(seen({ answers: new Map([['processes.a', 'EPERM']]) }))).toEqual(['held', 'broken']);
  });

  it.each([
    ['the filter is another one', { filterDigest: 'sha256:g' }],
    ['no filter was observed', { events: changed('isolation.v1.observed', { seccompMode: 0 }) }],
    ['capabilities were observed', { events: changed('isolation.v1.observed', { capabilities: { eff: '0001', bnd: '0000' } }) }],
    ['no_new_privs was off', { events: changed('isolation.v1.observed', { noNewPrivs: false }) }],
    ['the mount namespace is that of the host', { hostNamespaces: { mnt: 11, pid: 2 } }],
    ['a namespace was not observed', { events: changed('isolation.v1.observed', { namespaces: { mnt: 11 } }) }],
    ['the host user is root', { events: changed('isolation.v1.observed', { hostUid: 0 }) }],
    ['nothing was observed', { events: events().filter((one) => one.type !== 'isolation.v1.observed') }],
    ['the plan does not name the barrier', { events: changed('plan.v1.effective', { items: [{ name: 'descriptors', status: 'enforced', effective: 'yes' }] }) }],
  ])('does not believe a refusal without its barrier in the evidence: %s [J2]', (_name, change) => {
    expect(verdicts(seen(change))[0]).toBe('broken');
  });

  it('says when a host does not enforce the barrier, and why', () => {
    const items = [...HELD_BY, 'descriptors'].map((name) => ({ name, status: name === 'user.host-uid' ? 'downgraded' : 'enforced', effective: 'x', reason: 'only root can' }));
    expect(judgeScenario(two(), seen({ events: changed('plan.v1.effective', { items }) }))[0]).toMatchObject({ verdict: 'not-applicable', faults: ['user.host-uid is not enforced on this host: only root can'] });
  });

  it.each([
    ['the evidence is not complete', { verdict: 'incomplete-tail' }],
    ['the teardown left something', { events: changed('teardown.v1.certificate', { residue: 1 }) }],
    ['the teardown could not look', { events: changed('teardown.v1.certificate', { unchecked: 1 }) }],
    ['something outside was changed', { disturbed: ['a file of the host was changed'] }],
    ['the command ended otherwise', { events: changed('process.v1.exited', { exitCode: 1 }) }],
    ['a core was written', { events: changed('process.v1.exited', { coreDumped: true }) }],
    ['an ending stands twice', { events: [...events(), event('process.v1.exited', { ending: 'exited', exitCode: 0 })] }],
    ['a limit nobody expected was reached', { events: [...events(), event('limit.v1.reached', { limit: 'memory' })] }],
    ['there is no seal', { events: events().slice(0, -1) }],
  ])('faults the whole run: %s [J3]', (_name, change) => {
    expect(verdicts(seen(change))).toEqual(['broken', 'broken']);
  });

  it('lays the faults of the run on the attack that succeeded, when one did [J3]', () => {
    const judged = judgeScenario(two(), seen({ disturbed: ['x'], answers: new Map([['processes.a', 'OK'], ['processes.b', 'ENOENT']]) }));
    expect(judged.map((one) => one.verdict)).toEqual(['broken', 'held']);
    expect(judged[0]?.faults).toContain('x');
  });

  it('wants the life of a lease told, refusals included, and bounded', () => {
    const lease = (state: string, reason?: string): SeenEvent => event('secret.v1.lease', { state, ...(reason === undefined ? {} : { reason }) });
    const told = [lease('minted'), ...['unauthorized', 'unknown', 'malformed'].map((reason) => lease('refused', reason)), lease('revoked')];
    const cell = { secretDelivery: 'runtimeLeasedBroker' } as const;
    expect(verdicts(seen({ events: [...events(), ...told] }), cell)).toEqual(['held', 'held']);
    for (let i = 0; i < told.length; i += 1) expect(verdicts(seen({ events: [...events(), ...told.filter((_, at) => at !== i)] }), cell)).toEqual(['broken', 'broken']);
    const flood = Array.from({ length: 301 }, () => lease('refused', 'unauthorized'));
    expect(verdicts(seen({ events: [...events(), told[0] ?? lease('minted'), ...flood, ...told.slice(1)] }), cell)).toEqual(['broken', 'broken']);
  });
});
