import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { toBase64, utf8 } from '../../base/bytes.ts';
import { sha256 } from '../../base/crypto.ts';
import { jsonObject, type JsonObject, type JsonValue } from '../../base/json.ts';
import type { AuditReport } from '../../core/evidence/audit-report.ts';
import type { ViewedRecord } from '../../core/projection/viewed-record.ts';
import type { AboutRun, RunReport } from '../../core/projection/report/report-model.ts';
import { RunReporter } from '../../core/projection/report/run-report.ts';
import { SAMPLE_RUN_ID, sampleEvents, sampleRecords } from '../../testing/sample-run.ts';
import { tickStep } from './html-picture.ts';
import { reportHtml } from './html-report.ts';
import { html } from './html-text.ts';
import { reportPage } from './report-page.ts';

const HOSTILE = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", '</style><style>*{display:none}', '</title>', '<!--', ']]>', '&lt;b&gt;', '&#60;', 'javascript:alert(1)', '\u202egpj.exe', '\u001b[2J\u001b]0;x\u0007', 'a\nb\r\nc\td', 'w'.repeat(5_000), '\u2028\u2029\u0085', '\ud800', 'data:text/html,<b>', '{{x}}', '`${x}`'];
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const AUDIT: AuditReport = { verdict: 'complete', exitCode: 0, count: 21, findings: [] };

function reportOf(records: readonly ViewedRecord[], about: Partial<AboutRun> = {}): RunReport {
  const reporter = new RunReporter(500);
  for (const record of records) reporter.apply(record);
  return reporter.report({ runId: SAMPLE_RUN_ID, state: 'sealed', where: '/bundle', audit: AUDIT, files: {}, ...about });
}

/** Every text of a value is another one. */
function poisoned(value: JsonValue, text: string): JsonValue {
  if (typeof value === 'string') return text;
  if (Array.isArray(value)) return value.map((item: JsonValue) => poisoned(item, text));
  if (typeof value !== 'object' || value === null) return value;
  return jsonObject(Object.fromEntries(Object.entries(value as JsonObject).map(([key, member]) => [key, poisoned(member, text)])));
}

function poisonedReport(text: string): RunReport {
  const records = sampleRecords(sampleEvents({ more: [['limitReached', { limit: 'memory', reason: 'r' }], ['exportFailed', { artifactName: 'a', reason: 'r' }], ['recoverySwept', { runs: [jsonObject({ runId: 'x', state: 's' })] }], ['policyDecided', { decision: jsonObject({ verdict: 'admitted', packDigest: 'd', pack: jsonObject({ spec: jsonObject({ id: 'i', version: 'v' }) }), input: jsonObject({ caller: 'c' }), violations: [jsonObject({ rule: 'r', path: 'p' })] }) }], ['identityMaterialized', { identity: jsonObject({ provider: 'p', audience: 'a', secretRef: 's' }) }]] }));
  const all = records.map((record) => ({ ...record, tier: record.seq % 3 === 0 ? text : record.tier, signerKid: text, data: poisoned(record.data, text) as JsonObject }));
  const audit: AuditReport = { ...AUDIT, verdict: 'tampered', exitCode: 11, head: text, firstBadRecord: { seq: 3, line: 4, reason: text }, findings: [text] };
  return reportOf([...all, ...records], { runId: text, where: text, audit, root: { kid: text, from: text } });
}

const TAGS = new Set('html head meta title style body a header p h1 strong span ul li nav main section h2 dl div dt dd table caption thead tr th tbody td code svg line text g rect circle footer'.split(' '));
const ATTRIBUTES = new Set('lang charset http-equiv content name class href id aria-label aria-labelledby role scope data-title tabindex viewbox x x1 x2 y y1 y2 cx cy r rx width height text-anchor'.split(' '));

interface Tag {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Reads our own markup, and refuses whatever a browser could read in another way. */
function tagsOf(page: string): Tag[] {
  const [before = '', style = '', after = ''] = page.split(/<style>|<\/style>/);
  expect(style).not.toContain('<');
  const tags: Tag[] = [];
  const rest = `${before}${after}`.replace('<!DOCTYPE html>', '').replace(/<(\/?)([a-z][a-z0-9]*)((?: [a-zA-Z0-9-]+="[^"<>]*")*)\/?>/g, (_, close: string, name: string, attributes: string) => {
    if (close === '') tags.push({ name, attributes: Object.fromEntries([...attributes.matchAll(/ ([a-zA-Z0-9-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key.toLowerCase(), value])) });
    return '';
  });
  expect(rest).not.toMatch(/[<>]/);
  return tags;
}

function expectHarmless(page: string): void {
  const tags = tagsOf(page);
  const isOurs = ({ name, attributes }: Tag): boolean => TAGS.has(name) && Object.keys(attributes).every((key) => ATTRIBUTES.has(key)) && /^#[a-z]+$/.test(attributes['href'] ?? '#a');
  expect(tags.filter((tag) => !isOurs(tag))).toEqual([]);
  expect(page).not.toMatch(OBEYED);
  expect(page.isWellFormed()).toBe(true);
}

describe('reportHtml()', () => {
  const page = reportHtml(reportPage(reportOf(sampleRecords(sampleEvents()))));

  it('allows itself nothing: no script, nothing from elsewhere, one style sheet by its digest [HR2]', () => {
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
    expect(page).toContain(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${toBase64(sha256(utf8(style)))}'; base-uri 'none'; form-action 'none'">`);
    expect(style).not.toMatch(/url\(|@import|@font-face|expression/i);
    expectHarmless(page);
  });

  it('is a page with landmarks, one heading a section, captions, and a table for its picture [HR3]', () => {
    const tags = tagsOf(page);
    const count = (name: string): number => tags.filter((tag) => tag.name === name).length;
    for (const name of ['html', 'title', 'header', 'nav', 'main', 'footer', 'h1', 'svg']) expect([name, count(name) - (name === 'title' ? count('g') + count('circle') + count('svg') : 0)]).toEqual([name, 1]);
    expect(count('h2')).toBe(count('section'));
    expect(count('caption')).toBe(count('table'));
    const ids = tags.flatMap(({ attributes }) => attributes['id'] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { attributes } of tags) for (const name of ['href', 'aria-labelledby']) if (attributes[name] !== undefined) expect(ids).toContain(attributes[name]?.replace('#', ''));
    expect(tags.find(({ name }) => name === 'svg')?.attributes).toMatchObject({ role: 'img' });
    expect(tags.find(({ name }) => name === 'html')?.attributes).toEqual({ lang: 'en' });
  });

  it('says what happened', () => {
    for (const text of ['Evidence complete', 'nothing is missing, nothing was changed', 'make test', 'could not be used', 'all 1 probes after the kill are clean', 'the command never asked for it', '/home/u/project']) expect(page).toContain(text);
  });

  it.each(HOSTILE)('shows %j wherever it stands, and obeys nothing of it [HT1]', (text) => {
    const hostile = reportHtml(reportPage(poisonedReport(text)));
    expectHarmless(hostile);
    expect(hostile).toContain(html(text).slice(0, 200));
  });

  it('obeys nothing, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.array(fc.constantFrom('<', '>', '"', "'", '&', '/', '!', '-', ' ', '=', 'script', 'x', '\u202e', '\0'), { maxLength: 12 }).map((parts) => parts.join(''))), (text) => {
        expectHarmless(reportHtml(reportPage(poisonedReport(text))));
      }),
      { numRuns: 60 },
    );
  });

  it('never shows as good what does not verify', () => {
    const tampered = reportHtml(reportPage(reportOf(sampleRecords(sampleEvents()), { audit: { ...AUDIT, verdict: 'tampered', exitCode: 11, findings: ['changed'] } })));
    expect(tampered).toContain('<p class="verdict bad">');
    expect(tampered.slice(tampered.indexOf('<body>'))).not.toMatch(/class="[^"]*good/);
    expect(tampered).toContain('and not what was proven');
  });
});

describe('html()', () => {
  it('writes what means something in markup as references, in attributes too [HT1]', () => {
    expect(html(`<a href="x" title='y'>&amp;\u202e\ud800`)).toBe('&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;\\u202e\ufffd');
  });
});

describe('tickStep()', () => {
  it('gives one to six steps of round numbers', () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 1e12, noNaN: true }), (ms) => {
        const step = tickStep(ms);
        expect(ms / step).toBeLessThanOrEqual(6);
        expect(step === 1 || ms / step >= 2).toBe(true);
        expect(String(step)).toMatch(/^[125]0*$/);
      }),
      { numRuns: 300 },
    );
  });
});
