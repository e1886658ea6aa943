/** The report of a run in words: what stands at the top, and the sections in the order a reader asks for them. Pure. */
import type { RunReport } from '../../core/projection/report/report-model.ts';
import { bytesText, commandText, durationText, plural } from '../render.ts';
import { verdictMeaning } from '../render-verify.ts';
import { VERSION } from '../../version.ts';
import { authoritySection, itemsSection } from './authority-sections.ts';
import { gapsSection, keysSection, teardownSection, verdictSection, verdictTone } from './evidence-sections.ts';
import { artifactsSection, commandsSection, policySection, secretsSection, timelineSection, workspaceSection } from './happening-sections.ts';
import { type Block, factsBlock, type PageText, type ReportPage, type Section, sectionOf, type Tone, toned } from './page.ts';

/** A time as the host wrote it, to the millisecond, in UTC: a report is read in other places than it is made in. */
export function utcText(rfc3339: string | undefined): string | undefined {
  const at = Date.parse(rfc3339 ?? '');
  return Number.isNaN(at) ? undefined : `${new Date(at).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** How it ended, in words. */
export function outcomeText({ run, commands }: RunReport): string {
  if (run.state === 'running') return 'going on';
  if (run.outcome === undefined) return 'it has no end on the record';
  const last = commands.at(-1);
  const why = last?.signalName === undefined ? '' : ` by ${last.signalName}`;
  return `${run.outcome}${why}${run.exitCode === undefined ? '' : `, exit code ${run.exitCode}`}`;
}

function verdictOf({ audit, run }: RunReport): { verdict: PageText; meaning: string } {
  if (audit === undefined) return { verdict: toned('warn', run.state === 'running' ? 'going on' : 'not audited'), meaning: run.state === 'running' ? 'it can be audited when it is over; what stands here is read, not verified' : 'what stands here is read, not verified' };
  return { verdict: toned(verdictTone(audit), `Evidence ${audit.verdict}`), meaning: verdictMeaning(audit.verdict) };
}

function endGlance(report: RunReport): PageText {
  const { run, commands } = report;
  const ms = commands.length === 1 ? commands[0]?.durationMs : run.wallMs;
  const took = ms === undefined ? '' : ` after ${durationText(ms)}`;
  const tone: Tone = run.outcome === 'exited' && run.exitCode === 0 ? 'good' : run.outcome === undefined ? 'warn' : 'bad';
  if (run.refused.length > 0) return toned('bad', `It was refused, and nothing was run: ${run.refused.join('; ')}`);
  if (run.outcome === undefined) return toned(tone, 'It has no end on the record: its supervisor was killed, or the end was cut off');
  return toned(tone, `It ended: ${outcomeText(report)}${took}`);
}

function itemsGlance({ items, run }: RunReport): PageText[] {
  if (items.length === 0) return [];
  const refused = run.refused.length > 0;
  const count = (status: string): number => items.filter((item) => item.status === status).length;
  const parts = [`${plural(count('enforced'), 'thing')} ${refused ? 'would be enforced here' : 'enforced'}`];
  if (count('downgraded') > 0) parts.push(`${count('downgraded')} weaker than asked or than the default`);
  if (count('declared') > 0) parts.push(`${count('declared')} only noted`);
  if (count('unsatisfiable') > 0) parts.push(`${count('unsatisfiable')} not possible on this host`);
  const differing = items.filter(({ observed }) => observed?.agrees === false).length;
  if (differing > 0) parts.push(`${differing} seen otherwise by the kernel`);
  return [toned(count('unsatisfiable') + differing > 0 ? 'bad' : count('downgraded') > 0 ? 'warn' : 'good', parts.join(', '))];
}

function secretsGlance({ secrets, authority, run }: RunReport): PageText[] {
  if (secrets.length === 0) return [];
  const unused = authority.filter(({ kind, use }) => kind === 'secret' && use === 'unused').length;
  const open = secrets.filter(({ end }) => end === undefined).length;
  const failed = secrets.filter(({ end }) => end === 'revocation-failed').length;
  const ends = [...(failed === 0 ? [] : [`${failed} could not be revoked`]), ...(open === 0 ? [] : [run.state === 'running' ? `${open} not given back yet` : `the end of ${open} is not on the record`])];
  const text = `${plural(secrets.length, 'secret')} issued${unused === 0 ? '' : `, ${unused} never used`}, ${ends.length === 0 ? 'each lease ended' : ends.join(', ')}`;
  return [toned(failed > 0 ? 'bad' : open + unused > 0 ? 'warn' : 'good', text)];
}

function teardownGlance({ certificate, run }: RunReport): PageText[] {
  if (certificate === undefined) return run.refused.length > 0 || run.outcome === 'refused' || run.state === 'running' ? [] : [toned('warn', 'There is no teardown certificate: whether the cell is gone is not on the record')];
  const { lines, residue, unchecked } = certificate;
  const clean = lines.filter(({ result }) => result === 'clean').length;
  if (residue === 0 && unchecked === 0 && clean === lines.length) return [toned('good', `The cell is gone: all ${lines.length} probes after the kill are clean`)];
  return [toned(residue > 0 ? 'bad' : 'warn', `Of ${lines.length} probes after the kill ${clean} are clean, ${residue} found residue, ${unchecked} could not be made`)];
}

function gapsGlance({ gaps }: RunReport): PageText[] {
  const withheld = gaps.withheld.length + gaps.withheldMore;
  const parts = [...(withheld === 0 ? [] : [`${plural(withheld, 'event')} withheld`]), ...((gaps.declared ?? 0) === 0 ? [] : [`${plural(gaps.declared ?? 0, 'gap')} declared`]), ...(gaps.unreadable === 0 ? [] : [`${plural(gaps.unreadable, 'line')} that ${gaps.unreadable === 1 ? 'is' : 'are'} no record`])];
  return parts.length === 0 ? [] : [toned('warn', parts.join(', '))];
}

function whatRan(report: RunReport): Section[] {
  const { run, output } = report;
  const out = output.slice(0, 2).map(({ name, bytes }) => `${name} ${bytes === undefined ? '?' : bytesText(bytes)}`).join(', ');
  return sectionOf('run', 'What ran', [
    factsBlock([
      ['Run', run.id, 'code'],
      ['Command', run.argv.length === 0 ? undefined : commandText(run.argv), 'code'],
      ['Document', run.specId],
      ['Asked by', run.caller ?? undefined],
      ['Tenant', run.tenant],
      ['Started', utcText(run.startedAt)],
      ['Ended', utcText(run.endedAt)],
      ['Took', run.wallMs === undefined ? undefined : `${durationText(run.wallMs)} from the first to the last record, by the wall clock`],
      ['Ending', outcomeText(report)],
      ['Output', out],
      ['Host', [run.hostKernel === undefined ? undefined : `Linux ${run.hostKernel}`, run.hostArch, run.bootId === undefined ? undefined : `boot ${run.bootId}`].filter((part) => part !== undefined).join(', ')],
      ['Made by', run.cellosVersion === undefined ? undefined : `cellos ${run.cellosVersion}${run.backend === undefined ? '' : `, ${run.backend} cell`}`],
      ['Bundle', run.where, 'code'],
    ]),
  ]);
}

/** What nobody stands behind is never shown as good. */
function doubted<T extends PageText>(text: T): T {
  return text.tone === 'good' ? { ...text, tone: undefined } : text;
}

function doubtedSection(section: Section): Section {
  const blocks = section.blocks.map((block): Block => {
    if (block.kind === 'facts') return { ...block, rows: block.rows.map(([name, value]) => [name, doubted(value)] as const) };
    if (block.kind === 'table') return { ...block, rows: block.rows.map((row) => row.map(doubted)) };
    return block.kind === 'notes' ? { ...block, notes: block.notes.map(doubted) } : block;
  });
  return { ...section, blocks };
}

/** What a reader has to know first; of a bundle that does not verify, that it is only what the bundle says. */
function glanceOf(report: RunReport): PageText[] {
  const said = [...(report.run.state === 'running' ? [] : [endGlance(report)]), ...itemsGlance(report), ...secretsGlance(report), ...teardownGlance(report), ...gapsGlance(report)];
  if (!isDoubtful(report)) return said;
  return [toned('bad', 'What follows is what the files of the bundle say now, and not what was proven:'), ...said.map(({ text }) => toned('quiet', text))];
}

function isDoubtful({ standing }: RunReport): boolean {
  return standing.kind === 'unproven' || standing.kind === 'proven-before';
}

export function reportPage(report: RunReport): ReportPage {
  const { verdict, meaning } = verdictOf(report);
  const sections = sectionsOf(report);
  return {
    title: `Run ${report.run.id}`,
    verdict,
    meaning,
    glance: glanceOf(report),
    sections: isDoubtful(report) ? sections.map(doubtedSection) : sections,
    footer: `Read from the bundle by cellos ${VERSION}. A report is no evidence: whoever wants proof takes the bundle, and runs cellos verify on it.`,
  };
}

function sectionsOf(report: RunReport): Section[] {
  return [
    ...whatRan(report),
    ...verdictSection(report),
    ...itemsSection(report),
    ...authoritySection(report),
    ...timelineSection(report),
    ...commandsSection(report),
    ...secretsSection(report),
    ...policySection(report),
    ...workspaceSection(report),
    ...artifactsSection(report),
    ...teardownSection(report),
    ...gapsSection(report),
    ...keysSection(report),
  ];
}
