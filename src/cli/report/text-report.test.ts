import { describe, expect, it } from 'vitest';
import type { AuditReport } from '../../core/evidence/audit-report.ts';
import type { AboutRun, RunReport } from '../../core/projection/report/report-model.ts';
import { RunReporter } from '../../core/projection/report/run-report.ts';
import { leaseStep, SAMPLE_RUN_ID, sampleEvents, sampleRecords, type SampleEvent, withheldRecord } from '../../testing/sample-run.ts';
import { PLAIN, styleOf, widthOf } from '../render.ts';
import { reportJson } from './report-json.ts';
import { reportPage } from './report-page.ts';
import { reportLines } from './text-report.ts';
import { tableLines } from './text-table.ts';

const COMPLETE: AuditReport = { verdict: 'complete', exitCode: 0, count: 21, findings: [] };

function reportOf(events: readonly SampleEvent[], about: Partial<AboutRun> = {}, withheld: readonly number[] = []): RunReport {
  const reporter = new RunReporter(200);
  for (const record of sampleRecords(events)) reporter.apply(withheld.includes(record.seq) ? withheldRecord(record) : record);
  return reporter.report({ runId: SAMPLE_RUN_ID, state: 'sealed', where: '/var/lib/cellos/runs/x', audit: COMPLETE, files: {}, ...about });
}

const linesOf = (report: RunReport, width = Number.POSITIVE_INFINITY) => reportLines(reportPage(report), { width, style: PLAIN });
const SCENES: Readonly<Record<string, RunReport>> = {
  complete: reportOf(sampleEvents()),
  failed: reportOf([...sampleEvents({ exitCode: 3 }).filter(([name]) => name !== 'fsTouch' && name !== 'exportCompleted'), ['limitReached', { limit: 'memory', limitBytes: 64_000_000 }]]),
  refused: reportOf([['genesis', { cellosVersion: '0' }], ['planRefused', { argv: ['make'], missing: ['limit.memory'], items: [] }], ['sealed', { outcome: 'refused', exitCode: 121, gaps: 0 }]]),
  unsealed: reportOf(sampleEvents().slice(0, 9), { state: 'unsealed', audit: { ...COMPLETE, verdict: 'incomplete-tail', exitCode: 10, findings: ['The run has no end'] } }),
  tampered: reportOf(sampleEvents(), { audit: { ...COMPLETE, verdict: 'tampered', exitCode: 11, firstBadRecord: { seq: 3, line: 4, reason: 'changed' }, findings: ['Record 3'] } }),
  withheld: reportOf(sampleEvents(), { audit: { ...COMPLETE, verdict: 'complete-with-declared-gaps' } }, [5, 7]),
  running: reportOf(sampleEvents().slice(0, 9), { state: 'running', audit: undefined as never }),
  empty: reportOf([], { audit: { ...COMPLETE, verdict: 'incomplete-tail', exitCode: 10, count: 0 } }),
};

describe('reportLines()', () => {
  it.each(Object.keys(SCENES))('%s: no line is longer than the terminal, and nothing is cut off [TT1]', (name) => {
    const scene = SCENES[name] as RunReport;
    for (const width of [40, 60, 80, 120, 200]) for (const line of linesOf(scene, width)) expect(widthOf(line), `${width}: ${line}`).toBeLessThanOrEqual(width);
    const narrow = linesOf(scene, 60).join('').replaceAll(/\s/g, '');
    expect(narrow).toContain(scene.run.id);
    for (const { detail } of scene.certificate?.lines ?? []) expect(narrow).toContain(detail.replaceAll(' ', ''));
  });

  it('begins with the verdict and what one has to know first', () => {
    expect(linesOf(SCENES['complete'] as RunReport).slice(0, 6)).toEqual([
      `Run ${SAMPLE_RUN_ID}`,
      'Evidence complete: nothing is missing, nothing was changed',
      '✓ It ended: exited, exit code 0 after 49 ms',
      '! 10 things enforced, 1 weaker than asked or than the default, 1 only noted',
      '! 2 secrets issued, 1 never used, each lease ended',
      '✓ The cell is gone: all 1 probes after the kill are clean',
    ]);
  });

  it.each([
    ['failed', ['✗ It ended: exited, exit code 3 after 49 ms', 'The limit on memory took effect: limitBytes 64000000', 'artifacts are copied out after exit code 0 only']],
    ['refused', ['✗ It was refused, and nothing was run: limit.memory cannot be enforced or provided on this host', 'Nothing was run: nothing was used.']],
    ['unsealed', ['It has no end on the record', 'There is no teardown certificate', 'missing: the supervisor was killed, or the end was cut off', 'the end of 2 is not on the record', 'that none is missing is not proven']],
    ['tampered', ['What follows is what the files of the bundle say now, and not what was proven:', 'The records before number 3 verify.', 'not proven: TOKEN minted']],
    ['withheld', ['! 2 events withheld', 'records 5, 7: their place, salt and digest stand', 'Records are missing: what they would tell about uses is not here.']],
    ['running', ['going on: it can be audited when it is over', 'not yet']],
    ['empty', ['It has no end on the record']],
  ] as const)('%s: says so', (name, texts) => {
    const text = linesOf(SCENES[name] as RunReport).join('\n');
    for (const one of texts) expect(text).toContain(one);
  });

  it('shows nothing as good that does not verify, and asked and enforced beside each other', () => {
    const coloured = reportLines(reportPage(SCENES['tampered'] as RunReport), { width: 120, style: styleOf(true) });
    expect(coloured.join('\n')).not.toContain('\u001b[32m');
    const row = linesOf(SCENES['complete'] as RunReport).find((line) => line.startsWith('network.egress'));
    expect(row).toMatch(/^network\.egress +weaker +1 egress rule: api\.example\.com:443 +no network but loopback +not observed$/);
  });

  it('counts repeated steps of a secret', () => {
    const steps = [leaseStep('TOKEN', 'minted', 0), ...Array.from({ length: 5 }, (_, i) => leaseStep('TOKEN', 'used', i + 1)), leaseStep('TOKEN', 'revocation-failed', 5, { reason: 'the broker is gone' })];
    expect(linesOf(reportOf(sampleEvents({ leases: steps }))).join('\n')).toContain('minted → used × 5 → revocation-failed (the broker is gone)');
  });
});

describe('reportJson()', () => {
  it('is plain JSON with the model in it', () => {
    const json = JSON.parse(JSON.stringify(reportJson(SCENES['complete'] as RunReport))) as Record<string, unknown>;
    expect(json).toMatchObject({ v: 1, run: { id: SAMPLE_RUN_ID, outcome: 'exited' }, standing: { kind: 'proven' }, audit: { verdict: 'complete' } });
    expect((json['timeline'] as { entries: { data: object; proven: boolean }[] }).entries[0]).toMatchObject({ seq: 0, proven: true, data: { cellosVersion: '0.1.0' } });
  });
});

describe('tableLines()', () => {
  const block = { kind: 'table', caption: '', columns: [{ title: 'Name' }, { title: 'What', least: 10 }, { title: 'More', least: 10, optional: true }], rows: [[{ text: 'a' }, { text: 'one two three four five six' }, { text: 'x'.repeat(30) }]] } as const;

  it('wraps, then leaves optional columns out and says so, then tells rows as lists', () => {
    const at = (width: number) => tableLines(block, { width, style: PLAIN });
    expect(at(Number.POSITIVE_INFINITY)).toHaveLength(2);
    expect(at(40).length).toBeGreaterThan(2);
    expect(at(18).slice(0, 2)).toEqual(['Name  What', 'a     one two']);
    expect(at(18).join(' ').replaceAll('\n', ' ')).toContain('Too narrow for:');
    expect(at(12)[0]).toBe('a');
  });
});
