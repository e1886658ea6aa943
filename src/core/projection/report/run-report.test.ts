import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../../base/bytes.ts';
import { digestOf } from '../../../base/crypto.ts';
import { type JsonObject, jsonObject } from '../../../base/json.ts';
import { parseJson } from '../../../base/json-parse.ts';
import { EGRESS_ITEM, leaseStep, SAMPLE_RUN_ID, sampleEvents, sampleRecords, type SampleEvent, type SampleOptions, withheldRecord } from '../../../testing/sample-run.ts';
import { EVENTS } from '../../events/catalogue.ts';
import type { AuditReport } from '../../evidence/audit-report.ts';
import { workspaceDocumentBytes } from '../../workspace/changes.ts';
import type { ViewedRecord } from '../viewed-record.ts';
import type { AboutRun, RunReport } from './report-model.ts';
import { RunReporter } from './run-report.ts';

const COMPLETE: AuditReport = { verdict: 'complete', exitCode: 0, count: 20, runId: SAMPLE_RUN_ID, outcome: 'exited', findings: [] };
const ABOUT: AboutRun = { runId: SAMPLE_RUN_ID, state: 'sealed', where: '/bundle', audit: COMPLETE, files: {} };

function reportOf(records: readonly (ViewedRecord | undefined)[], about: Partial<AboutRun> = {}, timelineMax = 200): RunReport {
  const reporter = new RunReporter(timelineMax);
  for (const record of records) reporter.apply(record);
  return reporter.report({ ...ABOUT, ...about });
}

const sample = (options: SampleOptions = {}): RunReport => reportOf(sampleRecords(sampleEvents(options)));
const useOf = (report: RunReport, name: string): string | undefined => report.authority.find((row) => row.name === name)?.use;

describe('RunReporter, of a run that ended well', () => {
  it('tells who, what and when', () => {
    const { run, commands, standing } = sample();
    expect(run).toMatchObject({ id: SAMPLE_RUN_ID, specId: 'job', argv: ['make', 'test'], outcome: 'exited', exitCode: 0, startedAt: '2026-01-02T03:04:05.000Z', cellosVersion: '0.1.0', refused: [] });
    expect(run.wallMs).toBe(20 * 40);
    expect(commands).toEqual([{ argv: ['make', 'test'], ending: 'exited', exitCode: 0, durationMs: 49, cpuMs: 25, memoryPeakBytes: 5_000_000, residentPeakBytes: 3_000_000, processesPeak: 4, tier: 'kernel' }]);
    expect(standing).toEqual({ kind: 'proven' });
  });

  it('puts what the kernel showed beside what was planned, and says when it is otherwise [AE2]', () => {
    const { items } = sample({ effectiveCapabilities: '0000000000000400' });
    const seen = Object.fromEntries(items.map(({ name, observed }) => [name, observed]));
    expect(seen['namespace.network']).toEqual({ text: 'namespace 4026532185', agrees: true });
    expect(seen['capabilities']).toEqual({ text: 'eff 0000000000000400', agrees: false });
    expect(seen['seccomp']).toEqual({ text: 'mode 2, 1 filter', agrees: true });
    expect(seen['user.host-uid']).toEqual({ text: 'host uid 1076034560', agrees: true });
    expect(seen['limit.memory']).toEqual({ text: 'peak 5000000 bytes', agrees: true });
    expect(seen['mount./work']).toBeUndefined();
    expect(items.find(({ name }) => name === 'network.egress')).toMatchObject({ status: 'downgraded', allowed: true, byDefault: false });
    expect(items.find(({ name }) => name === 'limit.pids')).toMatchObject({ byDefault: true });
  });

  it('takes for an observation only what the kernel showed [AE1]', () => {
    const claimed = sampleRecords(sampleEvents()).map((record) => (record.type === EVENTS.isolationObserved.type ? { ...record, tier: 'host' } : record));
    expect(reportOf(claimed).items.find(({ name }) => name === 'capabilities')?.observed).toBeUndefined();
  });

  it('measures commands by the monotonic clock and lanes by the wall clock [RT1]', () => {
    const { lanes } = sample();
    expect(lanes.lanes.map(({ name, fromMs, toMs, tookMs }) => [name, fromMs, toMs, tookMs])).toEqual([
      ['run', 0, 800, undefined],
      ['cell', 160, 720, undefined],
      ['command make', 240, 480, 49],
      ['secret TOKEN', 280, 400, undefined],
      ['secret SPARE', 320, 440, undefined],
      ['exports', 680, 680, undefined],
    ]);
    expect(lanes.lanes[3]?.marks).toEqual([{ atMs: 280, what: 'minted' }, { atMs: 360, what: 'used' }, { atMs: 400, what: 'revoked' }]);
  });

  it('counts what the timeline has no room for, and what each key signed', () => {
    const { timeline, keys } = reportOf(sampleRecords(sampleEvents()), {}, 3);
    expect([timeline.entries.length, timeline.more]).toEqual([3, 18]);
    expect(keys.signers).toEqual([{ kid: 'ed25519:event', records: 21 }]);
  });
});

describe('declared and used authority', () => {
  it('calls unused only what each use would have left a record of [AU1]', () => {
    const report = sample();
    expect([useOf(report, 'TOKEN'), useOf(report, 'SPARE')]).toEqual(['used', 'unused']);
    expect(useOf(sample({ delivery: 'env', leases: [leaseStep('TOKEN', 'minted', 0), leaseStep('TOKEN', 'used', 1), leaseStep('TOKEN', 'revoked', 1)] }), 'TOKEN')).toBe('not-observed');
    expect(useOf(sample({ leases: [leaseStep('TOKEN', 'minted', 0)] }), 'TOKEN')).toBe('not-observed');
  });

  it('a withheld record hides no use where the end of the lease counts them all, and leaves the question open where it does not', () => {
    const records = sampleRecords(sampleEvents());
    const ends = records.filter(({ type, data }) => type === EVENTS.secretLease.type && data['state'] === 'revoked');
    expect(useOf(reportOf(records.map((record) => (record.seq === 9 ? withheldRecord(record) : record))), 'TOKEN')).toBe('used');
    const open = reportOf(records.map((record) => (ends.includes(record) ? withheldRecord(record) : record)));
    expect(useOf(open, 'SPARE')).toBe('not-observed');
    expect(open.gaps.withheld).toEqual(ends.map(({ seq }) => seq));
  });

  it('says what no rule could be used for, and what nothing enforced [AU2, AU3]', () => {
    expect(useOf(sample(), 'api.example.com:443')).toBe('impossible');
    const hostNetwork = jsonObject({ name: 'namespace.network', asked: 'default own', effective: "the host's network", mechanism: '', status: 'downgraded' });
    const unenforced = jsonObject({ ...(EGRESS_ITEM as JsonObject), effective: "the host's network, unrestricted" });
    expect(useOf(sample({ items: [hostNetwork, unenforced] }), 'api.example.com:443')).toBe('not-enforced');
    expect(useOf(sample({ items: [] }), 'api.example.com:443')).toBe('not-observed');
    // The plan says so, and the kernel was not heard.
    const withoutKernel = sampleRecords(sampleEvents()).filter(({ type }) => type !== EVENTS.isolationObserved.type);
    expect(useOf(reportOf(withoutKernel), 'api.example.com:443')).toBe('not-enforced');
  });

  it('tells what was written of a workspace, and nothing of what was read', () => {
    const row = sample().authority.find(({ name }) => name === '/work');
    expect(row).toMatchObject({ kind: 'mount', use: 'used', seen: 'written: 1 added, 1 modified, 0 deleted; what was read is not recorded' });
  });

  it('tells artifacts that were exported, that failed, and that a failed command keeps to itself', () => {
    expect(useOf(sample(), 'out')).toBe('used');
    const failed = sampleEvents().filter(([name]) => name !== 'exportCompleted');
    expect(useOf(reportOf(sampleRecords(failed)), 'out')).toBe('not-observed');
    expect(useOf(reportOf(sampleRecords([...failed, ['exportFailed', { artifactName: 'out', reason: 'too large' }]])), 'out')).toBe('unused');
    const none = sampleEvents({ exitCode: 2 }).filter(([name]) => name !== 'exportCompleted' && name !== 'fsTouch');
    expect(useOf(reportOf(sampleRecords(none)), 'artifacts')).toBe('not-observed');
  });

  it('shows requests for secrets that were not given', () => {
    const refused = sample({ more: [['secretLease', { ref: '(unknown)', leaseId: '', broker: 'env', state: 'refused', uses: 0, reason: 'no such secret' }], ['secretLease', { ref: '(unknown)', leaseId: '', broker: 'env', state: 'refused', uses: 0, reason: '40 more, not recorded one by one' }]] });
    expect(refused.authority.find(({ use }) => use === 'refused')?.seen).toBe('the command asked 41 times for a secret that it was not given');
  });

  it('believes nothing that a guest claims [RF2]', () => {
    const claimed = sampleEvents({ leases: [leaseStep('TOKEN', 'minted', 0)] });
    claimed.splice(12, 0, ['secretLease', { ref: 'TOKEN', leaseId: 'lease-TOKEN', broker: 'env', state: 'revoked', uses: 0 }, 'guest'], ['teardownCertificate', { residue: 0, unchecked: 0, lines: [] }, 'guest']);
    const report = reportOf(sampleRecords(claimed));
    expect(useOf(report, 'TOKEN')).toBe('not-observed');
    expect(report.certificate?.lines).toHaveLength(1);
    expect(report.timeline.entries.filter(({ record }) => record.tier === 'guest')).toHaveLength(2);
  });
});

describe('what the audit stands behind [RR1]', () => {
  const records = sampleRecords(sampleEvents());
  const standing = (audit: AuditReport) => reportOf(records, { audit });

  it('everything, the records before the first bad one, each event but not the end, or nothing', () => {
    const bad = standing({ ...COMPLETE, verdict: 'tampered', exitCode: 11, firstBadRecord: { seq: 3, line: 4, reason: 'why' } });
    expect(bad.standing).toEqual({ kind: 'proven-before', seq: 3 });
    expect(bad.timeline.entries.map(({ proven }) => proven).slice(0, 5)).toEqual([true, true, true, false, false]);
    expect(standing({ ...COMPLETE, verdict: 'tampered', exitCode: 11 }).standing).toEqual({ kind: 'unproven' });
    expect(standing({ ...COMPLETE, verdict: 'untrusted-key', exitCode: 12 }).standing).toEqual({ kind: 'unproven' });
    expect(standing({ ...COMPLETE, verdict: 'incomplete-tail', exitCode: 10 }).standing).toEqual({ kind: 'authentic' });
    expect(reportOf(records, { audit: undefined as never }).standing).toEqual({ kind: 'not-audited' });
  });

  it('believes the list of a workspace only when it has the digest of the record [WR1]', () => {
    const list = workspaceDocumentBytes({ source: '/home/u/project', changes: [{ path: 'out.txt', after: { kind: 'directory' } }] });
    const fitting = sampleEvents().map(([name, data, tier]): SampleEvent => [name, name === 'workspaceChanged' ? { ...data, listDigest: digestOf(list) } : data, tier ?? 'host']);
    expect(reportOf(sampleRecords(fitting), { files: { workspace: list } }).workspace).toMatchObject({ listFits: true, changes: [{ kind: 'A', path: 'out.txt/' }] });
    expect(reportOf(records, { files: { workspace: list } }).workspace).toMatchObject({ listFits: false, changes: [{ kind: '?', path: 'a.txt' }, { kind: '?', path: 'out.txt' }] });
    expect(reportOf(records).workspace?.listFits).toBeUndefined();
  });

  it('tells gaps: no seal, lines that are no record, a clock that went back', () => {
    const back = records.slice(0, 8).map((record) => (record.seq === 5 ? { ...record, time: '2026-01-02T03:04:04.000Z' } : record));
    const report = reportOf([...back, undefined], { state: 'unsealed', audit: { ...COMPLETE, verdict: 'incomplete-tail', exitCode: 10 } });
    expect(report.gaps).toMatchObject({ sealed: false, attested: false, unreadable: 1, withheld: [] });
    expect(report.timeline.clockBackMs).toBe(1160);
    expect(report.certificate).toBeUndefined();
    expect(report.lanes.lanes.find(({ name }) => name === 'command make')?.toMs).toBeUndefined();
  });
});

describe('refusals and decisions', () => {
  it('tells who refused what, in the order of the records', () => {
    const pack = jsonObject({ spec: jsonObject({ id: 'ci', version: '1.2.0' }) });
    const decision = jsonObject({ v: 1, verdict: 'refused', applied: true, packDigest: 'sha256:d', packFileHash: 'f', pack, input: jsonObject({ caller: 'eve' }), violations: [jsonObject({ rule: 'maxLifetimeTtlSeconds', path: 'spec.lifetime.ttlSeconds' })] });
    const { run, decisions, items } = reportOf(sampleRecords([['genesis', {}], ['policyDecided', { decision }], ['admissionRefused', { argv: ['make'], violations: [jsonObject({ rule: 'maxLifetimeTtlSeconds', message: 'too long' })] }], ['sealed', { outcome: 'refused', exitCode: 120, gaps: 0 }]]));
    expect(run).toMatchObject({ argv: ['make'], caller: 'eve', refused: ['too long'], outcome: 'refused' });
    expect(items).toEqual([]);
    expect(decisions).toEqual([
      { seq: 1, by: 'the pack ci 1.2.0', verdict: 'refused', applied: true, packDigest: 'sha256:d', packFileHash: 'f', caller: 'eve', violations: [{ rule: 'maxLifetimeTtlSeconds', where: 'spec.lifetime.ttlSeconds' }] },
      { seq: 2, by: 'admission', verdict: 'refused', violations: [{ rule: 'maxLifetimeTtlSeconds', where: 'too long' }] },
    ]);
  });
});

describe('hostile bundles', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => parseJson(JSON.stringify(value)));
  const members = ['items', 'lines', 'streams', 'violations', 'decision', 'namespaces', 'capabilities', 'usage', 'declaredEgress', 'paths', 'runs', 'identity', 'receipt', 'ref', 'state', 'uses', 'argv', 'listDigest', 'reason', 'durationMs', 'command', 'downgrades'];
  const data = fc.dictionary(fc.constantFrom(...members), json, { noNullPrototype: true }).map((one) => jsonObject(one as never));
  const type = fc.constantFrom(...Object.values(EVENTS).map((event) => event.type), '', 'x');
  const record = fc.record({ seq: fc.nat(), tier: fc.constantFrom('host', 'kernel', 'guest', 'x'), type, id: fc.string(), time: fc.oneof(fc.string(), fc.constant('2026-01-02T03:04:05Z')), data });
  const file = fc.option(fc.oneof(fc.uint8Array(), json.map((value) => utf8(JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))))), { nil: undefined });

  it('whatever stands in records and files, a report comes out', () => {
    fc.assert(
      fc.property(fc.array(fc.option(record, { nil: undefined })), file, (records, bytes) => {
        const files = bytes === undefined ? {} : { keyset: bytes, attestation: bytes, workspace: bytes };
        expect(reportOf(records, { files }).v).toBe(1);
      }),
      { numRuns: 300 },
    );
  });

  it('a number of records that nobody reads is bounded [RF1]', () => {
    const many = Array.from({ length: 5_000 }, (_, seq) => sampleRecords([leaseStep(`S${seq}`, 'minted', 0)])[0]).map((one, seq) => ({ ...(one as ViewedRecord), seq }));
    const exits = Array.from({ length: 5_000 }, () => sampleRecords([['processExited', { ending: 'exited', exitCode: 0, durationMs: 1, usage: jsonObject({}) }, 'kernel']])[0]);
    const report = reportOf([...many, ...exits]);
    expect(report.secrets).toHaveLength(1_000);
    expect([report.commands.length, report.commandsMore]).toEqual([1_000, 4_000]);
    expect(report.timeline.entries).toHaveLength(200);
  });
});
