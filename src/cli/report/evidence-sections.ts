/** Sections about the evidence itself: verdict, teardown certificate, gaps, keys. Pure. */
import type { CertificateLine, RunReport } from '../../core/projection/report/report-model.ts';
import { plural } from '../render.ts';
import { logText, verdictMeaning } from '../render-verify.ts';
import { type Block, factsBlock, notesBlock, type PageText, plain, type Section, sectionOf, type Tone, toned } from './page.ts';

/** How alarming a verdict is. */
export function verdictTone({ exitCode, verdict }: NonNullable<RunReport['audit']>): Tone {
  if (exitCode === 0) return 'good';
  return verdict === 'tampered' || verdict === 'untrusted-key' ? 'bad' : 'warn';
}

function standingText({ standing }: RunReport): PageText {
  switch (standing.kind) {
    case 'proven':
      return toned('good', 'Everything below is what was signed, in its order and to its end.');
    case 'authentic':
      return toned('warn', 'Each event below was signed by a key of the bundle; that none is missing is not proven.');
    case 'proven-before':
      return standing.seq === 0 ? toned('bad', 'Not even the first record verifies: nothing below is proven, it is only what the files say now.') : toned('bad', `The records before number ${standing.seq} verify. What comes from that one on is not proven: it is only what the files say now.`);
    case 'unproven':
      return toned('bad', 'Nothing below is proven: it is only what the files say now.');
    case 'not-audited':
      return toned('warn', 'It was not audited: what is below is read, not verified.');
  }
}

export function verdictSection(report: RunReport): Section[] {
  const { audit } = report;
  const bad = audit?.firstBadRecord;
  const facts = factsBlock([
    ['Verdict', audit === undefined ? undefined : `${audit.verdict}: ${verdictMeaning(audit.verdict)}`, audit === undefined ? undefined : verdictTone(audit)],
    ['Records', audit === undefined ? undefined : `${audit.count} ${bad === undefined ? 'verified' : 'before the first bad one'}`],
    ['First bad', bad === undefined ? undefined : `record ${bad.seq}, line ${bad.line} of records.jsonl: ${bad.reason}`, 'bad'],
    ['Head', audit?.head, 'code'],
    ['Log', audit?.log === undefined ? undefined : logText(audit.log)],
  ]);
  return sectionOf('verdict', 'Verdict of the audit', [facts, notesBlock([...(audit === undefined ? [] : audit.findings.map((finding) => toned(audit.exitCode === 0 ? 'warn' : verdictTone(audit), finding))), standingText(report)])]);
}

const RESULTS: Readonly<Record<CertificateLine['result'], Tone>> = { clean: 'good', residue: 'bad', unchecked: 'warn', unknown: 'warn' };

export function teardownSection({ certificate, swept }: RunReport): Section[] {
  const blocks: Block[] = [];
  if (certificate !== undefined) {
    blocks.push({
      kind: 'table',
      caption: 'Each thing the cell was made of, probed after the kill',
      columns: [{ title: 'Result', least: 9 }, { title: 'Probe', least: 12, code: true }, { title: 'What was found', least: 20 }],
      rows: certificate.lines.map(({ result, probe, detail }) => [toned(RESULTS[result], result), plain(probe), plain(detail)]),
    });
  }
  blocks.push(notesBlock(swept.map((run) => toned('quiet', `This start also swept what a killed supervisor had left of run ${run}`))));
  return sectionOf('teardown', 'Teardown certificate', blocks);
}

function withheldText({ gaps }: RunReport): string | undefined {
  if (gaps.withheld.length === 0) return undefined;
  const numbers = gaps.withheld.slice(0, 20).join(', ');
  const rest = gaps.withheld.length + gaps.withheldMore - 20;
  return `records ${numbers}${rest > 0 ? ` and ${rest} more` : ''}: their place, salt and digest stand, their content is not shown`;
}

export function gapsSection(report: RunReport): Section[] {
  const { gaps, run } = report;
  const { declared } = gaps;
  return sectionOf('gaps', 'Gaps', [
    factsBlock([
      ['Withheld', withheldText(report) ?? 'none', gaps.withheld.length > 0 ? 'warn' : undefined],
      ['Declared', declared === undefined ? 'unknown: there is no seal to declare any' : declared === 0 ? 'none' : `${plural(declared, 'gap')}, by the seal`, declared === 0 ? undefined : 'warn'],
      ['Seal', gaps.sealed ? 'there: count and head of the chain are signed' : run.state === 'running' ? 'not yet' : 'missing: the supervisor was killed, or the end was cut off', gaps.sealed ? 'good' : 'warn'],
      ['Attestation', gaps.attested ? 'there' : run.state === 'running' ? 'not yet' : 'missing', gaps.attested ? 'good' : 'warn'],
      ['Unreadable', gaps.unreadable === 0 ? undefined : `${plural(gaps.unreadable, 'line')} of records.jsonl ${gaps.unreadable === 1 ? 'is' : 'are'} no record`, 'bad'],
      ['Blanked', gaps.redacted.length === 0 ? undefined : `${gaps.redacted.join(', ')}: these members of events were blanked before they were signed`, 'warn'],
    ]),
  ]);
}

export function keysSection({ keys, audit }: RunReport): Section[] {
  const { root, epoch, threshold, signedBy, keysets, producedAt, signers, attestationKid } = keys;
  const signed = new Map(signers.map(({ kid, records }) => [kid, records]));
  const signedHere = (kid: string): string => {
    const count = signed.get(kid);
    if (count !== undefined) return plural(count, 'record');
    if (kid === attestationKid) return 'the attestation';
    if (audit?.log?.signers.includes(kid)) return 'the checkpoint of the log';
    return signedBy.includes(kid) ? 'the keyset' : '';
  };
  const rows = [...keys.keys.map(({ kid, purpose, state, algorithm }) => [kid, purpose, state, algorithm] as const), ...signers.filter(({ kid }) => !keys.keys.some((key) => key.kid === kid)).map(({ kid }) => [kid, 'in no keyset', '?', '?'] as const)];
  return sectionOf('keys', 'Keys and trust', [
    factsBlock([
      ['Trusted root', root === undefined ? (audit === undefined ? undefined : 'none of the trusted ones signed the keyset') : `${root.kid}, trusted by ${root.from}`, root === undefined ? 'bad' : 'good'],
      ['Keyset', epoch === undefined ? undefined : `epoch ${epoch}, one of ${plural(keysets, 'keyset')} in the bundle, signed by ${signedBy.join(', ')}${threshold === undefined ? '' : ` (${threshold} needed)`}`],
      ['Made', producedAt],
      ['Attested by', attestationKid, 'code'],
    ]),
    {
      kind: 'table',
      caption: 'The keys of the keyset of this run, and what each signed here',
      columns: [{ title: 'Key', least: 20, code: true }, { title: 'For', least: 8 }, { title: 'State', least: 8 }, { title: 'Algorithm', least: 10, optional: true }, { title: 'Signed here', least: 12 }],
      rows: rows.map(([kid, purpose, state, algorithm]) => [plain(kid), toned(purpose === 'in no keyset' ? 'bad' : undefined, purpose), plain(state), plain(algorithm), plain(signedHere(kid))]),
    },
  ]);
}
