/** What a cell, a bundle or a document chose, on every page: shown, never obeyed [TX1]. */
import { describe, expect, it } from 'vitest';
import { CellError } from '../base/errors.ts';
import { jsonObject } from '../base/json.ts';
import type { Audited } from '../compose/audit.ts';
import { EVENTS } from '../core/events/catalogue.ts';
import type { PlanItem } from '../core/plan/plan.ts';
import { RunCell } from '../core/projection/run-cell.ts';
import { RunReporter } from '../core/projection/report/run-report.ts';
import { applyToDetail, EMPTY_DETAIL } from '../core/projection/run-detail.ts';
import { applyRecord, EMPTY_VIEW } from '../core/projection/run-view.ts';
import type { ViewedRecord } from '../core/projection/viewed-record.ts';
import { attackBoard } from './attack-board.ts';
import { PLAIN } from './render.ts';
import { errorLines } from './render-error.ts';
import { eventLine } from './render-events.ts';
import { keyTable } from './render-keys.ts';
import { planReasons, planTable } from './render-plan.ts';
import { runTable } from './render-runs.ts';
import { showLines } from './render-show.ts';
import { reasonLines, suggestionYaml } from './render-suggest.ts';
import { historyLines } from './render-history.ts';
import { verifyLines } from './render-verify.ts';
import { reportPage } from './report/report-page.ts';
import { reportLines } from './report/text-report.ts';
import { reportText } from './verify-report.ts';

const EVIL = 'x\u001b[2J\r\n\u009b31m\u202e\u061cposing';
const OBEYED = /[\u0000-\u001f\u007f-\u009f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const page = { width: Number.POSITIVE_INFINITY, style: PLAIN };
const TIME = '2026-01-02T03:04:05Z';

/** Every member that any event has, and one nobody knows. */
const members = ['artifactName', 'audience', 'broker', 'capBnd', 'capEff', 'cellosVersion', 'currentDigest', 'detail', 'digest', 'ending', 'exitCode', 'hostArch', 'hostKernel', 'isolationMode', 'limit', 'name', 'operation', 'outcome', 'probe', 'program', 'provider', 'purpose', 'reason', 'ref', 'result', 'secretDeliveryMode', 'sha256', 'signalName', 'sourcePath', 'state', 'terminalState', EVIL];
const flat = Object.fromEntries(members.map((name) => [name, EVIL]));
const lists = ['argv', 'downgrades'].map((name) => [name, [EVIL]] as const);
const nested = ['items', 'lines', 'streams', 'runs'].map((name) => [name, [jsonObject(flat)]] as const);
const DATA = jsonObject({ ...flat, ...Object.fromEntries(lists), ...Object.fromEntries(nested), identity: jsonObject(flat), receipt: jsonObject({ destination: EVIL }) } as never);
const records = [...Object.values(EVENTS).map((event) => event.type), EVIL, `dev.cellos.events.cell.${EVIL}.v1.${EVIL}`].map((type, seq): ViewedRecord => ({ seq, tier: EVIL, type, id: String(seq), time: TIME, data: DATA }));

const cellOf = (all: readonly ViewedRecord[]) => {
  const cell = new RunCell();
  for (const one of all) cell.apply(one);
  return cell.state;
};
const view = records.reduce(applyRecord, EMPTY_VIEW);
const detail = records.reduce((sum, one) => applyToDetail(sum, one, 200), EMPTY_DETAIL);
const summary = { runId: 'r', state: 'sealed', bundle: EVIL, view, cell: cellOf(records) } as const;
const report: Audited['report'] = { verdict: 'tampered', exitCode: 11, count: 1, runId: EVIL, outcome: EVIL, log: { origin: EVIL, first: '0', last: '1', size: '2', signers: [EVIL] }, findings: [`${EVIL} is missing`] };
const audited: Audited = { report, root: { kid: EVIL, from: EVIL } };
const items: PlanItem[] = (['enforced', 'downgraded', 'unsatisfiable'] as const).map((status) => ({ name: EVIL, asked: EVIL, effective: EVIL, mechanism: EVIL, reason: EVIL, status }));
const attacks = (['broken', 'not-applicable'] as const).map((verdict) => ({ id: 'network.a', class: 'network' as const, title: 'try', verdict, answer: EVIL, faults: [EVIL] }));
const board = { v: 1, backend: 'bwrap', cellosVersion: '0', kernel: '6', arch: 'x64', filter: 'f', at: TIME, durationMs: 1, held: 0, broken: 1, notApplicable: 1, results: attacks } as const;
const reporter = new RunReporter(200);
for (const one of records) reporter.apply(one);
const model = reporter.report({ runId: EVIL, state: 'sealed', where: EVIL, audit: { ...report, head: EVIL, firstBadRecord: { seq: 0, line: 1, reason: EVIL } }, root: { kid: EVIL, from: EVIL }, files: {} });
const spec = { id: EVIL, authority: { secretRefs: [EVIL], network: EVIL }, lifetime: { ttlSeconds: 1 }, run: { argv: [EVIL], secretDelivery: 'env' }, correlation: { labels: { [EVIL]: EVIL } } } as const;
const suggested = { report: model, suggestion: { document: { apiVersion: EVIL, kind: EVIL, spec }, fields: [{ path: `spec.${EVIL}`, decision: 'left', why: EVIL }] }, options: [{ option: '--ro', value: EVIL, why: EVIL }] } as const;
const refused = { items: [EVIL], asked: [EVIL], weaker: [EVIL], reasons: [EVIL] };

const pages: Readonly<Record<string, () => readonly string[]>> = {
  events: () => records.map((record) => eventLine(record, { ...page, startedAtMs: Date.parse(TIME) })),
  ps: () => runTable([{ summary, shortId: 'r' }], { ...page, nowMs: Date.parse(TIME) }),
  show: () => showLines({ summary, detail, audited, keptAt: EVIL, nowMs: Date.parse(TIME) }, page),
  'a report': () => [Number.POSITIVE_INFINITY, 60, 120].flatMap((width) => reportLines(reportPage(model), { ...page, width })),
  'a suggestion': () => [...suggestionYaml(suggested), ...reasonLines(suggested, 80)],
  plan: () => [...planTable(items, page), ...planTable(items, { ...page, width: 80 }), ...planReasons(items, { ...page, allowed: [EVIL, `${EVIL}2`] })],
  verify: () => verifyLines(audited, page),
  history: () => historyLines({ origin: EVIL, size: '2', note: new Uint8Array(), items: (['part', 'unfinished', 'missing', 'ahead', 'other', 'elsewhere', 'unverified'] as const).map((standing) => ({ path: EVIL, kind: 'run' as const, runId: EVIL, standing, detail: EVIL, records: 2, found: 1 })), unseen: [{ first: 0, last: 1 }], verdict: 'tampered' }, { ...page, kept: EVIL }),
  'verify alone': () => reportText(report, false).trimEnd().split('\n'),
  keys: () => keyTable([{ purpose: 'trusted', state: EVIL, kid: EVIL, algorithm: 'ed25519', fingerprint: 'f', publicKey: 'k', until: EVIL }], page),
  attacks: () => attackBoard(board).trimEnd().split('\n'),
  'a failure': () => errorLines(new CellError('workspace.conflict', `Cannot apply ${EVIL}: it is new`)),
  'findings of a document': () => errorLines(new CellError('spec.invalid', `Cannot use it: 1 mistake\n  ${EVIL}`)),
  'a refusal': () => errorLines(new CellError('plan.unsatisfiable', 'Cannot run', { facts: refused })),
  'a bug': () => errorLines(new Error(EVIL)),
};

describe('text that a guest chose', () => {
  it.each(Object.keys(pages))('%s shows it, and obeys nothing of it [TX1]', (name) => {
    const lines = pages[name]?.() ?? [];
    expect(lines.join('')).toContain('\\x1b[2J');
    for (const line of lines) expect(line).not.toMatch(OBEYED);
  });

  it('cannot make a line of its own in an error', () => {
    expect(errorLines(new CellError('workspace.conflict', 'Cannot apply a\n  cellos: all is well: it is new'))).toEqual(['cellos: Cannot apply a\\n  cellos: all is well: it is new']);
  });
});
