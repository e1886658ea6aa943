/** Every page at the widths people have: what it says, and that no line is longer than the terminal. */
import { describe, expect, it } from 'vitest';
import { jsonObject } from '../base/json.ts';
import type { HistoryReport } from '../compose/log-history.ts';
import type { Audited } from '../compose/audit.ts';
import type { Diagnosis } from '../compose/doctor.ts';
import type { RunResult } from '../compose/local-run.ts';
import { EVENTS } from '../core/events/catalogue.ts';
import type { PlanItem } from '../core/plan/plan.ts';
import { RunCell } from '../core/projection/run-cell.ts';
import { applyToDetail, EMPTY_DETAIL } from '../core/projection/run-detail.ts';
import { applyRecord, EMPTY_VIEW } from '../core/projection/run-view.ts';
import type { ViewedRecord } from '../core/projection/viewed-record.ts';
import { commandHelp } from './command.ts';
import { decidePolicy } from '../core/policy/decision.ts';
import { effectiveRules } from '../core/policy/effective.ts';
import { parsePolicyPack } from '../core/policy/read-policy.ts';
import { checkLines, effectiveTable, packLines } from './render-policy.ts';
import { COMMANDS } from './commands.ts';
import { endLine } from './commands/run.ts';
import { PLAIN, widthOf } from './render.ts';
import { doctorLines } from './render-doctor.ts';
import { eventLine, shortType } from './render-events.ts';
import { planReasons, planTable } from './render-plan.ts';
import { runTable } from './render-runs.ts';
import { showLines } from './render-show.ts';
import { historyLines } from './render-history.ts';
import { verifyLines } from './render-verify.ts';

const WIDTHS = [60, 80, 120];
const RUN = '01m88b7s4d7yzve0zf2b8pa5fx';
const START = Date.parse('2026-01-02T03:04:05Z');
const page = (width: number) => ({ width, style: PLAIN });

const ITEMS: PlanItem[] = [
  { name: 'namespace.user', asked: 'default own', effective: 'holds no host identity, and can make no further user namespace', mechanism: 'kernel user namespace', status: 'enforced' },
  { name: 'limit.memory', asked: '512 MiB', effective: 'no limit', mechanism: '', status: 'unsatisfiable', reason: '/sys/fs/cgroup/memory is not writable: run as root, or delegate the group to this user' },
  { name: 'user.host-uid', asked: 'default own', effective: "the invoker's (1000)", mechanism: '', status: 'downgraded', reason: 'Only root can give a cell a host user of its own' },
];

let seq = 0;
function record(type: string, data: Record<string, unknown>, tier = 'host'): ViewedRecord {
  seq += 1;
  return { seq: seq - 1, tier, type, id: String(seq), time: new Date(START + seq * 40).toISOString(), data: jsonObject(data as never) };
}

const RECORDS: ViewedRecord[] = [
  record(EVENTS.genesis.type, { specId: 'command', cellosVersion: '0.1.0', hostKernel: '6.1.0', hostArch: 'x64' }),
  record(EVENTS.planEffective.type, { argv: ['make', 'test'], items: ITEMS.map((item) => jsonObject({ ...item })), downgrades: ['limit.memory'] }),
  record(EVENTS.secretLease.type, { ref: 'TOKEN', broker: 'env', state: 'minted', uses: 0 }),
  record(EVENTS.secretLease.type, { ref: 'TOKEN', broker: 'env', state: 'used', uses: 1 }),
  record(EVENTS.processSpawned.type, { program: 'make', argc: 2 }, 'kernel'),
  record(EVENTS.processExited.type, { ending: 'signalled', signal: 9, signalName: 'SIGKILL', coreDumped: false, durationMs: 5100, reason: 'the memory limit of the cell was reached', usage: jsonObject({ memoryPeakBytes: 536_870_912, cpuMicros: 4_200_000 }) }, 'kernel'),
  record(EVENTS.limitReached.type, { limit: 'memory', oomKills: 1, limitBytes: 536_870_912 }, 'kernel'),
  record(EVENTS.outputCaptured.type, { streams: [jsonObject({ name: 'stdout', bytes: 200_000_000, keptBytes: 67_108_864, truncated: true, digest: `sha256:${'a'.repeat(64)}` })] }),
  record(EVENTS.commandCompleted.type, { argv: ['make', 'test'], exitCode: 137, durationMs: 5100 }),
  record('dev.example.new.v1.thing', { colour: 'blue\u001b[31m', runId: RUN }, 'guest'),
  record(EVENTS.teardownCertificate.type, { residue: 0, unchecked: 1, lines: [jsonObject({ probe: 'processes', result: 'clean', detail: 'the groups are empty and the init is gone' }), jsonObject({ probe: 'mounts', result: 'unchecked', detail: 'permission denied while reading a very long path of the host, which does not fit' })] }, 'kernel'),
  record(EVENTS.sealed.type, { outcome: 'limit-exceeded', exitCode: 137, count: 12 }),
];

const VIEW = RECORDS.reduce(applyRecord, EMPTY_VIEW);
const DETAIL = RECORDS.reduce((detail, one) => applyToDetail(detail, one, 200), EMPTY_DETAIL);
const CELL = new RunCell();
for (const one of RECORDS) CELL.apply(one);
const SUMMARY = { runId: RUN, state: 'sealed', bundle: `/var/lib/cellos/runs/${RUN}`, view: VIEW, cell: CELL.state } as const;
const COMPLETE: Audited = { report: { verdict: 'complete', exitCode: 0, count: 12, runId: RUN, outcome: 'exited', log: { origin: 'cellos.dev/log/e126c1f9bf9ac42a/1', first: '3', last: '14', size: '15', signers: ['ed25519:8e9ec28b708f6ec6'] }, findings: [] }, root: { kid: 'ed25519:1c2975fbdf9d8e22', from: 'this host' } };
const BAD: Audited = { report: { verdict: 'tampered', exitCode: 11, count: 3, runId: RUN, firstBadRecord: { seq: 3, line: 4, reason: 'the record does not follow the one before it' }, findings: ['Record 3 (line 4): the record does not follow the one before it'] } };
const ONE_HISTORY: HistoryReport = { origin: 'cellos.dev/log/e126c1f9bf9ac42a/1', size: '15', note: new Uint8Array(), items: [{ path: '/r', kind: 'run', runId: RUN, standing: 'part', records: 15, found: 15 }], unseen: [], verdict: 'complete' };
const TWO_HISTORIES: HistoryReport = {
  ...ONE_HISTORY,
  items: [
    { path: '/r', kind: 'run', runId: RUN, standing: 'other', detail: 'the log had other leaves when the run ended', records: 12, found: 3 },
    { path: '/home/u/kept.txt', kind: 'checkpoint', standing: 'part' },
  ],
  unseen: Array.from({ length: 10 }, (_, at) => ({ first: 2 * at, last: 2 * at })),
  verdict: 'tampered',
};
const DIAGNOSIS: Diagnosis = {
  v: 1,
  strength: 'none',
  checks: [
    { name: 'node', status: 'ok', found: '24.1.0' },
    { name: 'user-namespaces', status: 'failed', found: 'AppArmor restricts user namespaces', fix: ['give bwrap a profile that allows userns, or sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run as root'] },
    { name: 'cell', status: 'skipped', found: 'what it needs is missing: see above' },
  ],
};

const PACK = parsePolicyPack(new TextEncoder().encode(JSON.stringify({ apiVersion: 'cellos.io/v1', kind: 'PolicyPack', spec: { id: 'p'.repeat(128), version: '1.0.0', description: `says \u001b[31mmuch ${'and more '.repeat(30)}`, rules: { maxLifetimeTtlSeconds: 5, allowedEgressHosts: ['\u001b[2Jx', ...Array.from({ length: 9 }, (_, i) => `host${i}.example`)] } } })));
const ASKED = { ttlSeconds: 6, egressRules: [{ host: 'evil\u001b[0m.test', port: 1 }], secretDelivery: 'env', limitsDeclared: false, secretRefs: [], caller: 'c' } as const;
const CHECKED = decidePolicy({ pack: PACK, caller: 'c' }, ASKED, 'sha256:0');

describe.each(WIDTHS)('at %i columns', (width) => {
  const pages: Record<string, readonly string[]> = {
    plan: [...planTable(ITEMS, page(width)), ...planReasons(ITEMS, { ...page(width), allowed: [] })],
    ps: runTable([{ summary: SUMMARY, shortId: RUN.slice(0, 8) }], { ...page(width), nowMs: START }),
    show: showLines({ summary: SUMMARY, detail: DETAIL, audited: BAD, nowMs: START }, page(width)),
    doctor: doctorLines(DIAGNOSIS, page(width)),
    policy: [...packLines(PACK, page(width)), ...checkLines({ ...CHECKED, id: 'a\u001b[31m'.padEnd(128, 'x'), pack: PACK }, page(width)), ...effectiveTable(effectiveRules({ pack: PACK, caller: 'c' }, ASKED), page(width))],
    verify: [...verifyLines(COMPLETE, page(width)), ...verifyLines(BAD, page(width))],
    history: [...historyLines(ONE_HISTORY, page(width)), ...historyLines(TWO_HISTORIES, { ...page(width), kept: '/home/u/kept.txt' })],
  };

  it.each(Object.keys(pages))('%s fits, and obeys nothing of what it shows', (name) => {
    for (const line of pages[name] ?? []) {
      expect(widthOf(line), line).toBeLessThanOrEqual(width);
      expect(line).not.toContain('\u001b');
    }
  });

  it('every help fits but for its usage and examples, and names its exit codes', () => {
    for (const command of COMMANDS) {
      const [about = ''] = commandHelp(command, width).split('\nExamples:');
      for (const line of about.split('\n').slice(command.usage.split('\n').length)) expect(widthOf(line), line).toBeLessThanOrEqual(width);
      expect(commandHelp(command, width)).toContain('\nExit codes:\n');
      expect(command.examples.length).toBeGreaterThan(0);
    }
  });
});

describe('what the pages say', () => {
  it('plan: in 60 columns one entry an item, what would refuse, and the exact option', () => {
    expect([...planTable(ITEMS, page(60)), ...planReasons(ITEMS, { ...page(60), allowed: ['telemetry'] })]).toEqual([
      'WHAT            MET     IN FORCE',
      'namespace.user  yes     holds no host identity, and can make',
      '                        no further user namespace',
      'limit.memory    NO      512 MiB → no limit',
      "user.host-uid   weaker  the invoker's (1000)",
      '',
      'Weaker than asked, or than the default:',
      '  user.host-uid',
      '    Only root can give a cell a host user of its own',
      '',
      'cellos run would refuse this: 1 thing cannot be enforced or',
      'provided here',
      '  limit.memory',
      '    /sys/fs/cgroup/memory is not writable: run as root, or',
      '    delegate the group to this user',
      '    To go on without it: --allow-downgrade limit.memory',
      '',
      '--allow-downgrade telemetry is not needed here',
    ]);
  });

  it('ps: the limit that ended it, in words', () => {
    expect(runTable([{ summary: SUMMARY, shortId: '01m88b7s' }], { ...page(80), nowMs: START + 120_000 })).toEqual([
      'RUN       STATE   ENDED               TOOK    STARTED  COMMAND',
      '01m88b7s  sealed  limit memory 137  440 ms  1 min ago  make test',
    ]);
  });

  it('verify: verdict first, then the finding, the record and the count', () => {
    expect(verifyLines(BAD, page(80))).toEqual(['tampered: it is not what was recorded', '  Record 3 (line 4): the record does not follow the one before it', '  First bad record: number 3, line 4', `  Run       ${RUN}`, '  Records   3 records before the first bad one']);
    expect(verifyLines(COMPLETE, page(80)).slice(-2)).toEqual(['  Log       leaves 3 to 14 of 15 in cellos.dev/log/e126c1f9bf9ac42a/1', '  Root key  ed25519:1c2975fbdf9d8e22, trusted by this host']);
  });

  it('history: what does not stand in it is named, with the leaves of no run', () => {
    expect(historyLines(ONE_HISTORY, page(80))).toEqual(['complete: all of it is of one history', '  Log      cellos.dev/log/e126c1f9bf9ac42a/1, 15 leaves, every tile as its', '           checkpoint says', '  Part     1 run, 0 checkpoints', '  Unseen   no leaf: all of them are of what was given']);
    expect(historyLines(TWO_HISTORIES, page(200))).toEqual([
      'tampered: some of it is not of this history',
      `  ${RUN} is of another history (the log had other leaves when the run ended); 3 of its 12 records are in the log`,
      '  Log      cellos.dev/log/e126c1f9bf9ac42a/1, 15 leaves, every tile as its checkpoint says',
      '  Part     0 runs, 1 checkpoint',
      '  Unseen   10 leaves of runs that were removed, or not given: 0, 2, 4, 6, 8, 10, 12, 14 …',
    ]);
  });

  it('events: an unknown type is shown with its members, not dropped', () => {
    const unknown = RECORDS.find((one) => one.type.startsWith('dev.example')) as ViewedRecord;
    expect(eventLine(unknown, { startedAtMs: START, ...page(120) })).toBe('   +400 ms  guest   dev.example.new.v1.thing  colour=blue\\x1b[31m');
    expect(shortType(EVENTS.processSpawned.type)).toBe('process_spawned');
    expect(shortType(EVENTS.teardownCertificate.type)).toBe('teardown.certificate');
  });

  it('every event of the catalogue has facts that do not throw on a record without any', () => {
    for (const { type } of Object.values(EVENTS)) expect(eventLine(record(type, {}), { startedAtMs: START, ...page(80) })).toContain(shortType(type));
  });

  it('doctor: the fix stands beneath what failed', () => {
    const lines = doctorLines(DIAGNOSIS, page(120));
    expect(lines[1]).toBe('FAILED   user-namespaces  AppArmor restricts user namespaces');
    expect(lines[2]).toMatch(/^ {26}→ give bwrap a profile/);
  });

  it('run: the last line says why and who', () => {
    const result = { runId: RUN, ending: 'limit-exceeded', exitCode: 137, durationMs: 5100, reason: 'the memory limit of the cell was reached', evidence: { path: '/e', records: 1, sealed: true } } as RunResult;
    expect(endLine(result, { evidence: true })).toBe(`cellos: run ${RUN} hit a limit, exit 137, after 5.1 s: the memory limit of the cell was reached; evidence /e`);
  });
});
